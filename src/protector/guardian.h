/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A guardian: a signing and an encryption certificate, vouched for by each other. A guardian whose
 * private keys are here is an owner and can make and unwrap protectors; another (a service's) can
 * only be granted access.
 */

#include "protector/protector.h"

struct guardian {
    struct certificate *signing;        /* owned */
    struct certificate *encryption;     /* owned */
    struct private_key *signing_key;    /* NULL unless ours */
    struct private_key *encryption_key; /* NULL unless ours */
};

void guardian_done(struct guardian *guardian);
/* A new owner's guardian with self-signed certificates named after it (RSA-2048 keys). */
bool guardian_generate(struct guardian *out, const char *name, int64_t now, struct error *err);

/*
 * A new protector with a random transport key (returned): the owner's wrapping, then one a
 * guardian, each vouched for by the owner. Appended to out.
 */
bool protector_create(struct buf *out, struct secret *transport_key, const struct guardian *owner,
                      const struct guardian *const *guardians, size_t count, struct error *err);
/* Adds a guardian / removes every wrapping of one, as the owner; the transport key is kept.
 * Appended to out. */
bool protector_grant(struct buf *out, const struct protector *from, const struct guardian *owner,
                     const struct guardian *guardian, struct error *err);
bool protector_revoke(struct buf *out, const struct protector *from, const struct guardian *owner,
                      const struct guardian *guardian, struct error *err);
/* The transport key with a guardian's private key, everything verified. protector.no-wrapping,
 * protector.opaque. */
bool protector_unwrap(struct secret *transport_key, const struct protector *protector,
                      const struct guardian *guardian, struct error *err);
