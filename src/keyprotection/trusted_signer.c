/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/trusted_signer.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/json.h"
#include "keyprotection/errors.h"

#include <stdio.h>

void keyprotection_trusted_signer_done(struct keyprotection_trusted_signer *signer)
{
    certificate_free(&signer->certificate);
}

bool keyprotection_trusted_signer_check(const struct certificate *certificate, int64_t now,
                                        struct error *err)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    const char *wrong = NULL;
    if (!facts->is_authority)
        wrong = "it is not an authority's (basicConstraints CA:TRUE)";
    else if (!facts->has_usage || (facts->usage & CERTIFICATE_KEY_CERT_SIGN) == 0)
        wrong = "its key usage lacks keyCertSign";
    else if (facts->unknown_critical)
        wrong = "it has a critical extension that is not understood";
    else if (facts->not_after < now)
        wrong = "it has expired";
    return wrong == NULL || error_set(err, &signer_unfit, "protocol.md 2.4", facts->subject_text,
                                      "it cannot be an attestation signer: %s", wrong);
}

char *keyprotection_trusted_signer_key(const struct certificate *certificate,
                                       char text[KEYPROTECTION_THUMBPRINT_SIZE])
{
    return hex_format(slice_of(certificate_facts(certificate)->thumbprint, 32), text);
}

void keyprotection_trusted_signer_format(struct buf *out,
                                         const struct keyprotection_trusted_signer *signer)
{
    char time[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_base64(&writer, "certificate", certificate_der(signer->certificate));
    json_write_text(&writer, "added", clock_format(signer->added, time));
    json_write_text(&writer, "added_by", signer->added_by);
    if (signer->deny_before != 0)
        json_write_integer(&writer, "deny_before", signer->deny_before);
    json_write_object_end(&writer);
}

static bool read_certificate(struct keyprotection_trusted_signer *out, const char *key,
                             const struct json *record, struct error *err)
{
    char thumbprint[KEYPROTECTION_THUMBPRINT_SIZE];
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    if (!json_get_bytes(&der, record, "certificate", err) || !buf_ok(&der, key, err) ||
        !certificate_parse(&out->certificate, buf_slice(&der), err))
        return false;
    return strcmp(keyprotection_trusted_signer_key(out->certificate, thumbprint), key) == 0 ||
           error_set(err, &keyprotection_record, NULL, key, "its certificate has the thumbprint %s",
                     thumbprint);
}

bool keyprotection_trusted_signer_parse(struct keyprotection_trusted_signer *out, const char *key,
                                        struct slice value, struct error *err)
{
    const char *added, *by;
    _cleanup_json_ struct json *record = NULL;
    *out = (struct keyprotection_trusted_signer){0};
    if (!json_parse(&record, value, err) || !read_certificate(out, key, record, err) ||
        !json_get_text(&added, record, "added", err) || !clock_parse(&out->added, added, err) ||
        !json_get_text(&by, record, "added_by", err) ||
        !json_get_integer_or(&out->deny_before, record, "deny_before", 0, err))
        return false;
    snprintf(out->added_by, sizeof out->added_by, "%s", by);
    return true;
}

void keyprotection_deny_all_format(struct buf *out, int64_t deny_before)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_integer(&writer, "deny_before", deny_before);
    json_write_object_end(&writer);
}

bool keyprotection_deny_all_parse(int64_t *deny_before, struct slice value, struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    return json_parse(&record, value, err) &&
           json_get_integer(deny_before, record, "deny_before", err);
}
