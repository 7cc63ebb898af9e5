/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a keyholder does for each request: the far end of keyholder.h's calls. One row and one
 * function an opcode.
 */

#include <pthread.h>

#include "keyholder/keyring.h"
#include "keyholder/message.h"
#include "keyholder/permit.h"

/* What the channels' threads share. */
struct answer_context {
    struct keyring *keyring;
    struct secret sealing_key;
    struct secret derivation_key; /* HKDF's pseudorandom key over the cluster key */
    struct permit permit;
    pthread_mutex_t backup_lock; /* one at a time: each takes 64 MiB and more */
};

/* What a request gave; belongs to one channel and is used again. */
struct answer {
    struct buf fields[2];
    struct secret plain; /* of a decryption; a derived key */
};

void answer_init(struct answer *answer);
void answer_done(struct answer *answer);
/* Forgets the last answer and wipes what was secret. */
void answer_reset(struct answer *answer);

/* fds: exactly keyholder_message_descriptors(request) of them, which stay the caller's. */
bool answer_request(struct answer *answer, struct answer_context *context, unsigned worker,
                    const struct keyholder_request *request, const int *fds, struct error *err);
