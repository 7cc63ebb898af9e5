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
    [KEYPROTECTION_THUMBPRINT] = "thumbprint",
    [KEYPROTECTION_PKCS11] = "pkcs11",
};

static const char *const key_sources[] = {
    [KEYPROTECTION_KEY_SEALED] = "sealed",
    [KEYPROTECTION_KEY_FILE] = "file",
    [KEYPROTECTION_KEY_TOKEN] = "token",
};

#define URI_SCHEME "pkcs11:"

#define TYPES (sizeof types / sizeof types[0])
#define SOURCES (sizeof sources / sizeof sources[0])
#define KEY_SOURCES (sizeof key_sources / sizeof key_sources[0])

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

const char *keyprotection_certificate_source_name(enum keyprotection_certificate_source source)
{
    return sources[source];
}

const char *keyprotection_key_source_name(enum keyprotection_key_source source)
{
    return key_sources[source];
}

bool keyprotection_key_uri_check(const char *uri, struct error *err)
{
    if (strncmp(uri, URI_SCHEME, strlen(URI_SCHEME)) != 0)
        return error_set(err, &certificate_key_uri, "RFC 7512 2.3", uri,
                         "the URI of a key begins with \"" URI_SCHEME "\"");
    if (strlen(uri) >= KEYPROTECTION_KEY_URI_SIZE)
        return error_set(err, &certificate_key_uri, "RFC 7512 2.3", uri,
                         "the URI has more than %d characters", KEYPROTECTION_KEY_URI_SIZE - 1);
    return strchr(uri, '?') == NULL ||
           error_set(err, &certificate_key_uri, "RFC 7512 2.4", uri,
                     "module and PIN are no part of it: they stand in each node's hgsd.conf");
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
    json_write_text(&writer, "key_source", key_sources[certificate->key_source]);
    if (certificate->key_source == KEYPROTECTION_KEY_TOKEN)
        json_write_text(&writer, "key_uri", certificate->key_uri);
    if (certificate_abilities_known(&certificate->abilities))
        certificate_abilities_write(&writer, "abilities", &certificate->abilities);
    json_write_text(&writer, "added", clock_format(certificate->added, added));
    json_write_object_end(&writer);
}

/* The index of text in names; count when it is none of them. */
static size_t index_of(const char *text, const char *const *names, size_t count)
{
    size_t i = 0;
    while (i < count && strcmp(names[i], text) != 0)
        i++;
    return i;
}

static bool parse_source(enum keyprotection_certificate_source *out, const char *text,
                         struct error *err)
{
    size_t i = index_of(text, sources, SOURCES);
    *out = (enum keyprotection_certificate_source)i;
    return i < SOURCES ||
           error_set(err, &keyprotection_record, NULL, NULL, "unknown source \"%.32s\"", text);
}

/* A record from before there was a choice says nothing: its key is sealed. */
static bool parse_key_source(struct keyprotection_certificate *out, const struct json *object,
                             struct error *err)
{
    const char *source, *uri;
    if (!json_get_text_or(&source, object, "key_source", "sealed", err) ||
        !json_get_text_or(&uri, object, "key_uri", "", err))
        return false;
    size_t i = index_of(source, key_sources, KEY_SOURCES);
    if (i == KEY_SOURCES)
        return error_set(err, &keyprotection_record, NULL, NULL, "unknown key source \"%.32s\"",
                         source);
    out->key_source = (enum keyprotection_key_source)i;
    bool is_token = out->key_source == KEYPROTECTION_KEY_TOKEN;
    if (is_token && !keyprotection_key_uri_check(uri, err))
        return false;
    if (!is_token && *uri != '\0')
        return error_set(err, &keyprotection_record, NULL, NULL, "a %s key has no URI", source);
    snprintf(out->key_uri, sizeof out->key_uri, "%s", uri);
    return true;
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
        !json_get_text(&added, object, "added", err) || !clock_parse(&out->added, added, err) ||
        !parse_source(&out->source, source, err) || !parse_key_source(out, object, err) ||
        !certificate_abilities_parse(&out->abilities, json_get(object, "abilities"), err))
        return false;
    const uint8_t *actual = public_key_digest(certificate_key(out->certificate));
    if (!slice_equal(buf_slice(&id), slice_of(actual, 32)))
        return error_set(err, &keyprotection_record, NULL, NULL,
                         "key_id is not that of the certificate's key");
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
