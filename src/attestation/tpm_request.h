/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a host in TPM mode asks, in one shape for both versions of the protocol (protocol.md 2,
 * 2.3): AttestationRequest on the v2.0 doors; TpmRequestInitial and TpmRequestContinue (MS-HGSA
 * 2.2.2.3, 2.2.2.4) on those of v1.0.
 */

#include "attestation/message_request.h"

struct attestation_tpm_request {
    unsigned version; /* of the route: 1 or 2 */
    struct guid session;
    uint8_t requested[ATTESTATION_RESULT_MAX]; /* enum attestation_result, in the order asked */
    size_t requested_count;
    /* Who asks: one of the two or both; empty: not given. */
    struct slice certificate;           /* content type 4: DER, */
    struct slice chain;                 /* and what came behind it; empty: nothing */
    struct slice endorsement_key;       /* TPM2B_PUBLIC or another form of a public key */
    struct slice context;               /* empty: none */
    struct attestation_request message; /* v2.0: what the slices borrow from */
    struct buf bytes;                   /* likewise, what was decoded here */
};

/*
 * Reads a body of the route's version. v2.0: content types 1, 2 and 4 only, 1 being the key itself
 * or EndorsementKey (MS-HGSA 2.2.2.12). attestation.payload-malformed, attestation.content-refused
 * (content or a result that TPM mode does not have), and the errors of base/; all make a
 * PayloadErrorReply. Freed with attestation_tpm_request_done.
 */
bool attestation_tpm_request_parse(struct attestation_tpm_request *out, unsigned version,
                                   struct slice body, struct error *err);
void attestation_tpm_request_done(struct attestation_tpm_request *request);
#define _cleanup_attestation_tpm_request_ __attribute__((cleanup(attestation_tpm_request_done)))
