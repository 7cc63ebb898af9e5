/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The sealed keys of the store (STORE_KEY), loaded into the keyholder: all of them when a keyholder
 * has started, each new one when the store changes. What cannot be loaded is remembered, so that
 * `server show` can name it.
 */

#include "base/json.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

struct keys;

struct keys *keys_new(struct store *store, struct keyholder *keyholder);
void keys_free(struct keys **keys);
/* Loads every key of the store. False only when the store cannot be read or the keyholder is away.
 */
bool keys_load_all(struct keys *keys, struct error *err);
/* Loads and forgets what changed; from the store's watch. False: the keyholder did not answer, and
 * keys_load_all is to be called. */
bool keys_apply(struct keys *keys, const struct store_change *changes, size_t count);
/* The numbers, and each key that could not be loaded with its error, as properties of an object. */
void keys_describe(struct keys *keys, struct json_writer *writer);
