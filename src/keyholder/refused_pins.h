/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which PINs a token refused, for longer than the process lives that tried them: else each new one
 * would spend a try on the same wrong PIN, until the token locks it. The supervisor makes a list
 * for each token and hands its memory to one process of the token after the other; nothing of it is
 * on a disk, and a new hgsd begins with an empty one.
 *
 * There are no PINs in it, but their HMACs (SHA-256, FIPS 198-1) under a random key of the list's.
 */

#include "base/error.h"
#include "base/slice.h"

/* The latest ones; an older one may be tried again. */
#define REFUSED_PINS_MAX 8

struct refused_pins; /* no locks of its own */

/* In the supervisor: a new list. *fd, for the token's processes, is the caller's. process.spawn. */
bool refused_pins_make(struct refused_pins **out, int *fd, struct error *err);
/* In a process of the token: the list behind fd, which is taken over. process.spawn. */
bool refused_pins_open(struct refused_pins **out, int fd, struct error *err);
/* The one that was made is wiped with it, for everybody. */
void refused_pins_free(struct refused_pins **pins);

/* list may be NULL, and is empty then. */
bool refused_pins_has(const struct refused_pins *list, struct slice pin);
void refused_pins_add(struct refused_pins *list, struct slice pin);
/* The token took it after all. */
void refused_pins_remove(struct refused_pins *list, struct slice pin);
