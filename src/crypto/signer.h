/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Somebody who signs: a private key of this process or one that a keyholder has. What builds signed
 * objects (certificates, protectors, metadata) takes this and does not care.
 */

#include "crypto/private_key.h"

struct signer {
    /* Appends the signature over message to out. */
    bool (*sign)(void *context, enum signature_algorithm algorithm, struct slice message,
                 struct buf *out, struct error *err);
    void *context;
    const struct public_key *public_key; /* borrowed */
};

/* A signer over a key of this process; key must outlive it. */
struct signer signer_of_key(const struct private_key *key);
/* The usual algorithm of a key: RSA PKCS#1 SHA-256, ECDSA with the curve's hash. */
enum signature_algorithm signer_algorithm(const struct public_key *key);
