/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/refusal.h"

#include "attestation/errors.h"

struct row {
    const struct error_code *code; /* NULL: any of the kind */
    enum error_kind kind;
    enum attestation_reply_type type;
    bool retryable;
};

/* The first row that fits; an error that fits none is our own fault. */
static const struct row rows[] = {
    {&attestation_mode_wrong, 0, ATTESTATION_REPLY_OPERATION_MODE_ERROR, true},
    {&attestation_identity_key, 0, ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR, false},
    {NULL, ERROR_MALFORMED, ATTESTATION_REPLY_PAYLOAD_ERROR, false},
    {NULL, ERROR_LIMIT, ATTESTATION_REPLY_PAYLOAD_ERROR, false},
    {NULL, ERROR_UNSUPPORTED, ATTESTATION_REPLY_PAYLOAD_ERROR, false},
    {NULL, ERROR_UNAUTHORIZED, ATTESTATION_REPLY_UNAUTHORIZED_ERROR, false},
    {NULL, ERROR_UNAVAILABLE, ATTESTATION_REPLY_UNAVAILABLE_ERROR, true},
};

void attestation_refusal_reply(struct attestation_reply *out, const struct error *err,
                               enum attestation_mode mode)
{
    out->type = ATTESTATION_REPLY_ERROR;
    out->mode = mode;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == NULL ? rows[i].kind == error_kind(err) : rows[i].code == err->code) {
            out->type = rows[i].type;
            out->retryable = rows[i].retryable;
            return;
        }
    }
}
