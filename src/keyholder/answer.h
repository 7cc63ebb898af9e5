/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the keyholder of software keys does for each request: the far end of keyholder.h's calls.
 * One row and one function an opcode.
 */

#include <pthread.h>

#include "keyholder/key_folder.h"
#include "keyholder/keyring.h"
#include "keyholder/permit.h"
#include "keyholder/serve.h"

/* What the channels' threads share. */
struct answer_context {
    struct keyring *keyring;
    struct secret sealing_key;
    struct secret derivation_key; /* HKDF's pseudorandom key over the cluster key */
    struct permit permit;
    struct key_folder folder;
    pthread_mutex_t backup_lock; /* one at a time: each takes 64 MiB and more */
};

/* For struct server; context: a struct answer_context. */
bool answer_request(struct answer *answer, void *context, unsigned worker,
                    const struct keyholder_request *request, const int *fds, struct error *err);
