/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of struct keyholder, for its two files: keyholder.c, keyholder_token.c. */

#include <stdatomic.h>

#include "keyholder/channels.h"
#include "keyholder/keyholder_token.h"
#include "keyholder/places.h"

/* The largest reply of those that carry one signature, one plaintext or an error. */
#define KEYHOLDER_SHORT_REPLY_MAX 2048

/* A keyholder process as the service sees it. */
struct keyholder_seat {
    char *name; /* of the token; NULL: the software keyholder */
    struct channels *channels;
    _Atomic int64_t deadline_ms;
};

struct keyholder {
    struct keyholder_seat seats[1 + KEYHOLDER_TOKENS_MAX]; /* the first: software keys */
    unsigned seat_count;
    struct places *places;
    atomic_bool held; /* the software keyholder */
    int64_t slow_deadline_ms;
    int64_t backup_deadline_ms;
};

/* A call and what is needed for it. */
struct keyholder_call {
    unsigned seat;
    bool by_key; /* the seat is that of the request's key */
    struct keyholder_request request;
    int64_t deadline_ms; /* 0: the seat's */
    int fds[KEYHOLDER_REQUEST_DESCRIPTORS_MAX];
    size_t fd_count;
    struct keyholder_reply reply;
};

void keyholder_call_add_descriptor(struct keyholder_call *call, int fd);
/* bytes: where the reply goes, size of them, for as long as its fields are used. Closes the
 * descriptors. */
bool keyholder_call(struct keyholder *keyholder, struct keyholder_call *call, void *bytes,
                    size_t size, struct error *err);
