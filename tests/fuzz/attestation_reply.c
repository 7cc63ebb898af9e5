/* SPDX-License-Identifier: Apache-2.0 */

/* What a service that a host asks may answer: replies, and the list of signing certificates. What
 * is accepted is the same text when it is written, read and written again. */

#include "attestation/message_reply.h"

#include "require.h"

static void round_trip(const struct attestation_reply *reply, size_t limit)
{
    struct attestation_reply again;
    _cleanup_buf_ struct buf first, second;
    buf_init(&first, limit);
    buf_init(&second, limit);
    attestation_reply_format(&first, reply);
    require(attestation_reply_parse(&again, buf_slice(&first), NULL));
    attestation_reply_format(&second, &again);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
    attestation_reply_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attestation_reply reply;
    size_t limit = 4 * size + 4096;
    if (attestation_reply_parse(&reply, slice_of(data, size), NULL)) {
        round_trip(&reply, limit);
        attestation_reply_done(&reply);
    }
    _cleanup_buf_ struct buf der, text, again;
    buf_init(&der, size);
    buf_init(&text, limit);
    buf_init(&again, size);
    if (attestation_reply_parse_signing_certificates(&der, slice_of(data, size), NULL)) {
        attestation_reply_format_signing_certificates(&text, buf_slice(&der));
        require(attestation_reply_parse_signing_certificates(&again, buf_slice(&text), NULL));
        require(slice_equal(buf_slice(&der), buf_slice(&again)));
    }
    return 0;
}
