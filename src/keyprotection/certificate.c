/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/certificate.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/json.h"
#include "keyprotection/errors.h"

#include <stdio.h>

static const struct type_row {
    const char *name;
    unsigned usage; /* any of these bits will do; ours have all */
    const char *needs;
} types[] = {
    [KEYPROTECTION_SIGNING] = {"signing", CERTIFICATE_DIGITAL_SIGNATURE, "digitalSignature"},
    [KEYPROTECTION_ENCRYPTION] = {"encryption",
                                  CERTIFICATE_KEY_ENCIPHERMENT | CERTIFICATE_DATA_ENCIPHERMENT,
                                  "keyEncipherment or dataEncipherment"},
    [KEYPROTECTION_COMMUNICATIONS] = {"communications", CERTIFICATE_DIGITAL_SIGNATURE,
                                      "digitalSignature"},
};

static const char *const sources[] = {
    [KEYPROTECTION_GENERATED] = "generated",
    [KEYPROTECTION_PFX] = "pfx",
    [KEYPROTECTION_FILE] = "file",
    [KEYPROTECTION_REQUESTED] = "requested",
};

#define TYPES (sizeof types / sizeof types[0])
#define SOURCES (sizeof sources / sizeof sources[0])

void keyprotection_certificate_done(struct keyprotection_certificate *certificate)
{
    certificate_free(&certificate->certificate);
}

const char *keyprotection_certificate_type_name(enum keyprotection_certificate_type type)
{
    return types[type].name;
}

bool keyprotection_certificate_type_parse(enum keyprotection_certificate_type *out,
                                          const char *text, struct error *err)
{
    for (size_t i = 0; i < TYPES; i++) {
        if (strcmp(types[i].name, text) == 0) {
            *out = (enum keyprotection_certificate_type)i;
            return true;
        }
    }
    return error_set(err, &certificate_type_unknown, NULL, text,
                     "a certificate is for signing, encryption or communications");
}

char *keyprotection_certificate_record_key(enum keyprotection_certificate_type type,
                                           const uint8_t thumbprint[32],
                                           char text[KEYPROTECTION_CERTIFICATE_KEY_SIZE])
{
    size_t prefix =
        (size_t)snprintf(text, KEYPROTECTION_CERTIFICATE_KEY_SIZE, "%s/", types[type].name);
    hex_format(slice_of(thumbprint, 32), text + prefix);
    return text;
}

void keyprotection_certificate_format(struct buf *out,
                                      const struct keyprotection_certificate *certificate)
{
    char added[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_base64(&writer, "certificate", certificate_der(certificate->certificate));
    json_write_hex(&writer, "key_id", slice_of(certificate->key_id, 32));
    json_write_bool(&writer, "primary", certificate->primary);
    json_write_bool(&writer, "enabled", certificate->enabled);
    json_write_text(&writer, "source", sources[certificate->source]);
    json_write_text(&writer, "added", clock_format(certificate->added, added));
    json_write_object_end(&writer);
}

static bool parse_source(enum keyprotection_certificate_source *out, const char *text)
{
    for (size_t i = 0; i < SOURCES; i++) {
        if (strcmp(sources[i], text) == 0) {
            *out = (enum keyprotection_certificate_source)i;
            return true;
        }
    }
    return false;
}

static bool parse_type_of_key(enum keyprotection_certificate_type *out, const char *key,
                              struct error *err)
{
    char name[32] = "";
    size_t length = strcspn(key, "/");
    if (length < sizeof name)
        memcpy(name, key, length);
    return keyprotection_certificate_type_parse(out, name, err);
}

static bool parse_value(struct keyprotection_certificate *out, const struct json *object,
                        struct error *err)
{
    const char *key_id, *source, *added;
    _cleanup_buf_ struct buf der, id;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    buf_init(&id, 32);
    if (!json_get_bytes(&der, object, "certificate", err) || !buf_ok(&der, "certificate", err) ||
        !certificate_parse(&out->certificate, buf_slice(&der), err) ||
        !json_get_text(&key_id, object, "key_id", err) ||
        !hex_parse(&id, slice_from_text(key_id), err) ||
        !json_get_bool(&out->primary, object, "primary", err) ||
        !json_get_bool(&out->enabled, object, "enabled", err) ||
        !json_get_text(&source, object, "source", err) ||
        !json_get_text(&added, object, "added", err) || !clock_parse(&out->added, added, err))
        return false;
    const uint8_t *actual = public_key_digest(certificate_key(out->certificate));
    if (!slice_equal(buf_slice(&id), slice_of(actual, 32)))
        return error_set(err, &keyprotection_record, NULL, NULL,
                         "key_id is not that of the certificate's key");
    if (!parse_source(&out->source, source))
        return error_set(err, &keyprotection_record, NULL, NULL, "unknown source \"%.32s\"",
                         source);
    memcpy(out->key_id, actual, sizeof out->key_id);
    return true;
}

static bool parse_record(struct keyprotection_certificate *out, const char *key, struct slice value,
                         struct error *err)
{
    _cleanup_json_ struct json *document = NULL;
    if (!parse_type_of_key(&out->type, key, err) || !json_parse(&document, value, err) ||
        !parse_value(out, document, err))
        return false;
    char expected[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    keyprotection_certificate_record_key(out->type, certificate_facts(out->certificate)->thumbprint,
                                         expected);
    if (strcmp(expected, key) != 0)
        return error_set(err, &keyprotection_record, NULL, NULL,
                         "the certificate is not the one that the record's key names");
    return true;
}

bool keyprotection_certificate_parse(struct keyprotection_certificate *out, const char *key,
                                     struct slice value, struct error *err)
{
    struct error cause = {0};
    struct keyprotection_certificate parsed = {0};
    if (parse_record(&parsed, key, value, &cause)) {
        *out = parsed;
        return true;
    }
    keyprotection_certificate_done(&parsed);
    return error_set(err, &keyprotection_record, NULL, key, "%s", cause.message);
}

unsigned keyprotection_certificate_type_usage(enum keyprotection_certificate_type type)
{
    return types[type].usage;
}

bool keyprotection_certificate_check_usage(enum keyprotection_certificate_type type, unsigned usage,
                                           const char *subject, struct error *err)
{
    return (usage & types[type].usage) != 0 ||
           error_set(err, &certificate_usage, "RFC 5280 4.2.1.3", subject,
                     "its key usage (0x%02x) does not allow %s, which a %s certificate needs",
                     usage, types[type].needs, types[type].name);
}

bool keyprotection_certificate_check(enum keyprotection_certificate_type type,
                                     const struct certificate *certificate, struct error *err)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    if (public_key_type(certificate_key(certificate)) != PUBLIC_KEY_RSA)
        return error_set(err, &certificate_key_kind, "protocol.md 3", facts->subject_text,
                         "a %s certificate needs an RSA key", types[type].name);
    if (facts->has_usage &&
        !keyprotection_certificate_check_usage(type, facts->usage, facts->subject_text, err))
        return false;
    if (facts->unknown_critical)
        return error_set(err, &certificate_critical, "RFC 5280 4.2", facts->subject_text,
                         "it has a critical extension that is not understood here");
    return true;
}
