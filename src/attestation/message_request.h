/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AttestationRequest (MS-HGSA 2.2.2.1): what a host sends on the v2.0 doors of TPM and host key
 * mode. Written by the host, read by the service.
 *
 * A request has one SessionId, one to three different result types, and at most one item of each
 * content type. Properties that the protocol does not name are skipped, as WCF does; `__type` may
 * be absent, and is otherwise the first property and names this message.
 */

#include "attestation/message.h"
#include "base/buf.h"
#include "base/guid.h"
#include "base/json.h"

struct attestation_request {
    struct guid session;
    uint8_t requested[ATTESTATION_RESULT_MAX]; /* enum attestation_result, in the order asked */
    size_t requested_count;
    /* By enum attestation_content; empty: not provided (an empty item is refused). Borrowed from
     * bytes when parsed. */
    struct slice content[ATTESTATION_CONTENT_MAX + 1];
    struct buf bytes;
};

/*
 * Reads a body. The result is freed with attestation_request_done. attestation.payload-malformed,
 * and the errors of base/ for JSON, base64 and GUIDs; all are of kind malformed or limit.
 */
bool attestation_request_parse(struct attestation_request *out, struct slice body,
                               struct error *err);
void attestation_request_done(struct attestation_request *request);
#define _cleanup_attestation_request_ __attribute__((cleanup(attestation_request_done)))

/* SessionId and RequestedContent of any request of TPM mode; the same errors. */
bool attestation_request_parse_session(struct guid *out, const struct json *message,
                                       struct error *err);
bool attestation_request_parse_requested(uint8_t requested[ATTESTATION_RESULT_MAX], size_t *count,
                                         const struct json *message, struct error *err);

/* Appends the request (of which `bytes` is not looked at) as JSON. */
void attestation_request_format(struct buf *out, const struct attestation_request *request);
