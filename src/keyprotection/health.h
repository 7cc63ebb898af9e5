/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a certificate is a health certificate that a key may be released to (protocol.md 3, "The
 * health certificate here"): issued directly by a trusted attestation signer, not before that
 * signer's deny-before time, valid now, for key encipherment and nothing else.
 */

#include "crypto/certificate.h"
#include "protector/verification_cache.h"

/* A signer that is not denied anything. */
#define HEALTH_DENY_NOTHING INT64_MIN

struct health_signer {
    struct certificate *certificate;
    int64_t deny_before; /* what it issued (notBefore) earlier is refused */
};

/*
 * deny_all_before: the same for every signer. cache may be NULL. health.untrusted, health.expired,
 * health.denied, health.profile.
 */
bool health_check(const struct certificate *certificate, const struct health_signer *signers,
                  size_t count, int64_t deny_all_before, int64_t now,
                  struct verification_cache *cache, struct error *err);
