/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which keyholder process has which key: for keys of tokens, all others are with the software
 * keyholder (place 0). A key is known here before it can be used, so that a call for it fails with
 * what is in the way instead of being sent to a process that never heard of it.
 *
 * Thread-safe. As long as there is no key of a token, a search costs one load.
 */

#include "keyholder/keyholder.h"

struct places;

struct places *places_new(void);
void places_free(struct places **places);

/* The key is at place; trouble (copied): why it cannot be used yet; NULL: it can. */
void places_put(struct places *places, const uint8_t key_id[KEY_ID_SIZE], unsigned place,
                const struct error *trouble);
void places_remove(struct places *places, const uint8_t key_id[KEY_ID_SIZE]);
/* All keys of a place. */
void places_trouble(struct places *places, unsigned place, const struct error *trouble);

/* Where the key is: 0 also when nothing is known of it. False with the trouble that it has; *place
 * is set in that case, too. */
bool places_find(struct places *places, const uint8_t key_id[KEY_ID_SIZE], unsigned *place,
                 struct error *err);
