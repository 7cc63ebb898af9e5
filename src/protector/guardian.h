/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A guardian: a signing and an encryption certificate, vouched for by each other. A guardian whose
 * private keys are here is an owner and can make and unwrap protectors; another (a service's) can
 * only be granted access.
 *
 * A protector holds each guardian's signature over its own encryption certificate (MS-KPS
 * 2.2.2.13). A service's comes with its metadata (metadata_parse); for a guardian whose signing key
 * is here it is made when it is needed.
 */

#include "protector/protector.h"

struct guardian {
    struct certificate *signing;        /* owned */
    struct certificate *encryption;     /* owned */
    struct private_key *signing_key;    /* NULL unless ours */
    struct private_key *encryption_key; /* NULL unless ours */
    /* By the signing certificate's key over the DER of the encryption certificate; may be empty
     * (zeroed) when signing_key is there. */
    enum signature_algorithm encryption_signature_algorithm;
    struct buf encryption_signature;
    /* Key protectors for it are written with OAEP over SHA-1, since its HSM knows no other
     * (protocol.md 3). No document says so: whoever imports it was told. */
    bool only_sha1;
};

void guardian_done(struct guardian *guardian);
#define _cleanup_guardian_ __attribute__((cleanup(guardian_done)))
/* A new owner's guardian with self-signed certificates named after it (RSA-2048 keys, valid for
 * GUARDIAN_YEARS). */
#define GUARDIAN_YEARS 10
bool guardian_generate(struct guardian *out, const char *name, int64_t now, struct error *err);

/*
 * A new protector with a random transport key (returned): the owner's wrapping, then one a
 * guardian, each vouched for by the owner. Appended to out. protector.owner-key,
 * protector.granted (a guardian is given twice), protector.limit.
 */
bool protector_create(struct buf *out, struct secret *transport_key, const struct guardian *owner,
                      const struct guardian *const *guardians, size_t count, struct error *err);
/*
 * Adds a guardian / removes every wrapping of one (and those that it vouched for), as the owner;
 * the transport key is kept. A guardian that has other certificates than when it was granted is
 * added beside its former wrapping. A wrapping is a guardian's when it has one of its certificates,
 * unless it has both of one of the count others: who has new certificates in part is another
 * guardian. Appended to out. protector.owner-key when owner is not this protector's;
 * protector.granted; protector.no-wrapping; protector.owner-stays.
 */
bool protector_grant(struct buf *out, const struct protector *from, const struct guardian *owner,
                     const struct guardian *guardian, struct error *err);
bool protector_revoke(struct buf *out, const struct protector *from, const struct guardian *owner,
                      const struct guardian *guardian, const struct guardian *others, size_t count,
                      struct error *err);
/* The transport key with a guardian's private key, everything verified. protector.no-wrapping,
 * protector.opaque, protector.owner-key (no private key), and what protector_verify says. */
bool protector_unwrap(struct secret *transport_key, const struct protector *protector,
                      const struct guardian *guardian, struct error *err);
