/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/error_reply.h"

#include "keyholder/errors.h"
#include "keyholder/keyholder_token.h"
#include "keyprotection/errors.h"
#include "keyprotection/message.h"
#include "protector/errors.h"

#include <stdio.h>

#define HEALTH "HealthCertificateException"
#define PROTECTOR "InvalidProtectorException"
#define WRAPPING "InvalidWrappingException"
#define UNAVAILABLE "ServiceUnavailableException"

static const struct reply_row {
    const struct error_code *code;
    const char *name; /* MS-KPS 3.1.5.1 */
    unsigned status;
} rows[] = {
    {&keyprotection_request_malformed, PROTECTOR, 400},
    {&health_malformed, HEALTH, 400},
    {&health_untrusted, HEALTH, 403},
    {&health_expired, HEALTH, 403},
    {&health_denied, HEALTH, 403},
    {&health_profile, HEALTH, 403},
    {&protector_malformed, PROTECTOR, 400},
    {&protector_algorithm, PROTECTOR, 400},
    {&protector_limit, PROTECTOR, 400},
    {&protector_signature, PROTECTOR, 400},
    {&protector_opaque, PROTECTOR, 400},
    {&protector_no_wrapping, PROTECTOR, 400},
    {&protector_wrapping_invalid, WRAPPING, 400},
    {&protector_chain, WRAPPING, 400},
    {&keyprotection_guardian_gone, PROTECTOR, 400},
    {&keyprotection_disabled, PROTECTOR, 400},
    {&keyprotection_no_encryption_certificate, "Primary Encryption Certificate not found", 500},
    {&keyprotection_no_signing_certificate, "Primary Signing Certificate not found", 500},
    {&keyprotection_metadata_unsigned, UNAVAILABLE, 503},
};

static const struct reply_row *find(const struct error_code *code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code)
            return &rows[i];
    }
    return NULL;
}

void error_reply_format(struct buf *out, unsigned *status, const struct error *err)
{
    char text[ERROR_OBJECT_SIZE + ERROR_MESSAGE_SIZE + 128];
    const struct reply_row *row = find(err->code);
    if (row) {
        *status = row->status;
        roll_error_format(out, row->name, error_format(err, text, sizeof text));
        return;
    }
    /* A key that this node does not have now: another node may, and an administrator can mend it.
     */
    bool later = error_kind(err) == ERROR_UNAVAILABLE || err->code == &keyholder_key_unknown ||
                 keyholder_token_failed(err);
    *status = later ? 503 : 500;
    snprintf(text, sizeof text, "%s (%s)", err->code ? err->code->cause : "unknown",
             err->code ? err->code->name : "internal");
    roll_error_format(out, later ? UNAVAILABLE : "InternalException", text);
}
