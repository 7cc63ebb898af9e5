/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The way from an endorsement certificate to a root of the administrator's. Only this room includes
 * it. */

#include "tpm/trust.h"

/* One certificate of a tpm_trust, found by its subject. */
struct trusted {
    struct certificate *certificate;
    bool intermediate;
    const struct trusted *next; /* with the same subject */
};

/* The first with this subject (DER Name); NULL: none. */
const struct trusted *tpm_trust_find(const struct tpm_trust *trust, struct slice subject);
/* Where parsed endorsement certificates are remembered. */
struct cache *tpm_trust_cache(struct tpm_trust *trust);

/* Most authorities between a certificate and its root, the root included. */
#define TRUST_CHAIN_MAX 8

/*
 * Whether certificate leads to a root at the time now. chain: certificates that came with it (DER,
 * one behind the other; empty: none), of which at most TPM_CHAIN_CERTIFICATES_MAX are looked at:
 * nobody trusts them, they only may stand between certificate and a root of trust, where trust has
 * no intermediate of that name. tpm.issuer-missing, tpm.issuer-wrong, tpm.issuer-purpose,
 * tpm.root-missing, tpm.certificate-time, tpm.certificate-extension, tpm.chain-too-long.
 */
bool trust_chain_verify(struct tpm_trust *trust, const struct certificate *certificate,
                        struct slice chain, int64_t now, struct error *err);
/* Whether it is in its time. tpm.certificate-time. */
bool trust_chain_check_time(const struct certificate *certificate, int64_t now, struct error *err);
