/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The health certificate (protocol.md 2.4): what a host gets when it passed. Its subject is the
 * host's identity in upper-case hex, so that it names its host without revealing it.
 */

#include "attestation/signer.h"

struct attestation_health_request {
    const uint8_t *host_id;                /* ATTESTATION_HOST_ID_SIZE bytes */
    const struct public_key *identity_key; /* RSA */
    enum attestation_result result;        /* encryption or signing certificate */
    const struct attestation_settings *settings;
    const struct certificate *issuer;
    int64_t deny_before; /* what this issuer issued before is refused; 0: nothing */
    int64_t until;       /* the verdict that it is issued for stands until then; 0: without end */
    int64_t now;
};

/* What was issued, for the audit trail. */
struct attestation_health_certificate {
    int64_t not_after;
    uint8_t thumbprint[32];
};

/* Appends the DER to out. signer: with the issuer's key. notAfter is never behind the issuer's
 * nor until, and notBefore not before a time (up to now) that the issuer's certificates are denied
 * for. Errors of crypto/ and of the signer. */
bool attestation_health_certificate_issue(struct buf *out,
                                          struct attestation_health_certificate *issued,
                                          const struct attestation_health_request *request,
                                          const struct signer *signer, struct error *err);
