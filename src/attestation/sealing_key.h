/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The keys that seal what an attestation in TPM mode must remember (protocol.md 2.3, "Sealing
 * key"): every node of the cluster derives the same ones from its cluster key, through its
 * keyholder, one an epoch of a day. A node seals by the key of its present epoch and opens by those
 * of the epochs before and behind it too, so that neither the turn of an epoch nor clocks that
 * differ by less than a day end an exchange. They are fetched when they are first needed, and held
 * in locked memory.
 */

#include "base/secret.h"
#include "keyholder/keyholder.h"

#define ATTESTATION_SEALING_EPOCH_SECONDS 86400

struct attestation_sealing_keys; /* thread-safe */

struct attestation_sealing_keys *attestation_sealing_keys_new(struct keyholder *keyholder);
void attestation_sealing_keys_free(struct attestation_sealing_keys **keys);

/* The present epoch's first, then the one before, then the one behind. */
#define ATTESTATION_SEALING_KEYS 3
struct attestation_sealing_set {
    struct secret keys[ATTESTATION_SEALING_KEYS];
};
/* Copies, which the caller frees with attestation_sealing_set_done. Errors of keyholder_derive. */
bool attestation_sealing_keys_get(struct attestation_sealing_set *out,
                                  struct attestation_sealing_keys *keys, int64_t now,
                                  struct error *err);
void attestation_sealing_set_done(struct attestation_sealing_set *set);
#define _cleanup_attestation_sealing_set_ __attribute__((cleanup(attestation_sealing_set_done)))
