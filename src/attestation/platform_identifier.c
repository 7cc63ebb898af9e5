/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/platform_identifier.h"

#include "attestation/errors.h"
#include "base/base64.h"
#include "base/xml.h"
#include "tpm/endorsement_certificate.h"

#include <stdio.h>

static const char clause[] = "protocol.md 2.3";

#define NAMESPACE "urn:hgs:platform-identifier"
#define CHAIN                                                                           \
    "EndorsementKeyCertificateChain" /* by its name: its certificates' keys are others' \
                                      */
#define LEAF_MAX CERTIFICATE_SIZE_MAX
/* No endorsement key is shorter, in any form. */
#define LEAF_MIN 64

void platform_identifier_init(struct platform_identifier *identifier)
{
    *identifier = (struct platform_identifier){0};
    buf_init(&identifier->endorsement_key, LEAF_MAX);
    buf_init(&identifier->key, LEAF_MAX);
    buf_init(&identifier->certificate, LEAF_MAX);
    buf_init(&identifier->chain, PLATFORM_IDENTIFIER_CHAIN_MAX);
}

void platform_identifier_done(struct platform_identifier *identifier)
{
    buf_done(&identifier->endorsement_key);
    buf_done(&identifier->key);
    buf_done(&identifier->certificate);
    buf_done(&identifier->chain);
}

/* Texts for people, by the local name of their element. */
static const struct text_field {
    const char *name;
    size_t offset;
} text_fields[] = {
    {"SystemUuid", offsetof(struct platform_identifier, system_uuid)},
    {"SerialNumber", offsetof(struct platform_identifier, serial_number)},
    {"TpmManufacturer", offsetof(struct platform_identifier, tpm_manufacturer)},
    {"TpmFirmwareVersion", offsetof(struct platform_identifier, tpm_firmware_version)},
};
#define TEXT_FIELDS (sizeof text_fields / sizeof text_fields[0])

static void write_element(struct buf *out, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    buf_append_format(out, "  <%s>", name);
    xml_append_text(out, slice_from_text(text));
    buf_append_format(out, "</%s>\n", name);
}

static void write_bytes(struct buf *out, const char *name, struct slice bytes)
{
    if (bytes.size == 0)
        return;
    buf_append_format(out, "  <%s>", name);
    base64_append(out, bytes);
    buf_append_format(out, "</%s>\n", name);
}

void platform_identifier_format(struct buf *out, const struct platform_identifier *identifier)
{
    buf_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<PlatformIdentifier xmlns=\"" NAMESPACE "\" Name=\"");
    xml_append_attribute(out, slice_from_text(identifier->name));
    buf_append_text(out, "\" Version=\"1\">\n");
    write_bytes(out, "EndorsementKey", buf_slice(&identifier->endorsement_key));
    write_bytes(out, "EndorsementKeyCertificate", buf_slice(&identifier->certificate));
    write_bytes(out, CHAIN, buf_slice(&identifier->chain));
    for (size_t i = 0; i < 2; i++)
        write_element(out, text_fields[i].name, (const char *)identifier + text_fields[i].offset);
    for (size_t i = 0; i < identifier->mac_address_count; i++)
        write_element(out, "MacAddress", identifier->mac_addresses[i]);
    for (size_t i = 2; i < TEXT_FIELDS; i++)
        write_element(out, text_fields[i].name, (const char *)identifier + text_fields[i].offset);
    buf_append_text(out, "</PlatformIdentifier>\n");
}

static void append_utf8(struct buf *out, uint32_t point)
{
    if (point < 0x80) {
        buf_append_u8(out, (uint8_t)point);
        return;
    }
    int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    buf_append_u8(out, (uint8_t)(first[more] | point >> 6 * more));
    while (more-- > 0)
        buf_append_u8(out, (uint8_t)(0x80 | (point >> 6 * more & 0x3f)));
}

/* What PowerShell's Out-File writes. Halves of surrogate pairs come out as what is no UTF-8, which
 * the parser refuses. */
static void convert_utf16(struct buf *out, struct slice text, bool big)
{
    uint32_t high = 0;
    for (size_t i = 0; i + 1 < text.size; i += 2) {
        uint32_t unit = big ? (uint32_t)text.data[i] << 8 | text.data[i + 1]
                            : (uint32_t)text.data[i + 1] << 8 | text.data[i];
        if (high == 0 && unit >= 0xd800 && unit < 0xdc00) {
            high = unit;
            continue;
        }
        bool pair = high != 0 && unit >= 0xdc00 && unit < 0xe000;
        if (high != 0 && !pair)
            append_utf8(out, high);
        append_utf8(out, pair ? 0x10000 + (high - 0xd800) * 0x400 + (unit - 0xdc00) : unit);
        high = 0;
    }
}

/* The text as UTF-8 without byte order mark and XML declaration: the declaration says what the
 * bytes were, and they may be others now. */
static bool read_text(struct buf *out, struct slice file, struct error *err)
{
    static const uint8_t marks[][3] = {{0xef, 0xbb, 0xbf}, {0xff, 0xfe}, {0xfe, 0xff}};
    if (file.size > PLATFORM_IDENTIFIER_SIZE_MAX)
        return error_set(err, &attestation_identifier_malformed, clause, NULL,
                         "it has %zu bytes, at most %d are a platform identifier", file.size,
                         PLATFORM_IDENTIFIER_SIZE_MAX);
    bool wide = file.size >= 2 &&
                (memcmp(file.data, marks[1], 2) == 0 || memcmp(file.data, marks[2], 2) == 0);
    if (wide && file.size % 2 != 0)
        return error_set(err, &attestation_identifier_malformed, clause, NULL,
                         "it is UTF-16 of an odd number of bytes");
    if (wide)
        convert_utf16(out, slice_of(file.data + 2, file.size - 2), file.data[0] == 0xfe);
    else if (file.size >= 3 && memcmp(file.data, marks[0], 3) == 0)
        buf_append_bytes(out, file.data + 3, file.size - 3);
    else
        buf_append(out, file);
    return buf_ok(out, "platform identifier", err);
}

static struct slice without_declaration(struct slice text)
{
    if (text.size < 6 || memcmp(text.data, "<?xml ", 6) != 0)
        return text;
    const uint8_t *end = memmem(text.data, text.size, "?>", 2);
    if (end == NULL)
        return text; /* the parser says so */
    size_t skipped = (size_t)(end + 2 - text.data);
    return slice_of(text.data + skipped, text.size - skipped);
}

/* What a walk over the elements has found. */
struct search {
    struct platform_identifier *found;
    struct tpm_endorsement_key key; /* the one; key.key NULL: none yet */
    struct error nearly;            /* why a leaf that looked like a key is none */
    struct error failure;           /* the file is refused */
};

/* A code of tpm_endorsement_key_parse_any that says more than "none of these". */
static bool tells_something(const struct error *why)
{
    return strcmp(why->code->name, "tpm.endorsement-key-unknown") != 0;
}

static bool same_key(struct search *search, const struct tpm_endorsement_key *key)
{
    if (search->key.key == NULL ||
        memcmp(tpm_endorsement_key_identity(&search->key), tpm_endorsement_key_identity(key),
               DIGEST_SHA256_SIZE) == 0)
        return true;
    return error_set(&search->failure, &attestation_identifier_several_keys, clause, NULL,
                     "it holds more than one endorsement key, or a certificate of another one");
}

/* One leaf that holds a key: what kind it is decides where it goes. */
static bool take_key(struct search *search, struct tpm_endorsement_key *key, struct slice bytes)
{
    struct platform_identifier *found = search->found;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!same_key(search, key))
        return false;
    if (key->has_public_area && found->endorsement_key.size == 0)
        buf_append(&found->endorsement_key, bytes);
    else if (!key->has_public_area && found->certificate.size == 0 &&
             certificate_parse_endorsement(&certificate, bytes, NULL))
        buf_append(&found->certificate, bytes);
    if (search->key.key == NULL) {
        search->key = *key;
        *key = (struct tpm_endorsement_key){0};
    }
    return true;
}

static bool visit_bytes(struct search *search, const struct xml_element *element)
{
    struct error why = {0};
    _cleanup_tpm_endorsement_key_ struct tpm_endorsement_key key = {0};
    if (strcmp(xml_name(element), CHAIN) == 0) {
        if (!xml_bytes(&search->found->chain, element, NULL))
            buf_reset(&search->found->chain);
        return true;
    }
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, LEAF_MAX);
    if (!xml_bytes(&bytes, element, NULL) || bytes.size < LEAF_MIN)
        return true; /* some other text */
    if (tpm_endorsement_key_parse_any(&key, buf_slice(&bytes), &why))
        return take_key(search, &key, buf_slice(&bytes));
    if (tells_something(&why))
        search->nearly = why;
    return true;
}

static void copy_text(char *to, size_t size, const struct xml_element *element)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, size);
    if (to[0] == '\0' && xml_text(&text, element, NULL) && !text.overflow)
        snprintf(to, size, "%s", buf_text(&text));
}

static void visit_text(struct platform_identifier *found, const struct xml_element *element)
{
    const char *name = xml_name(element);
    for (size_t i = 0; i < TEXT_FIELDS; i++)
        if (strcmp(text_fields[i].name, name) == 0)
            copy_text((char *)found + text_fields[i].offset, PLATFORM_IDENTIFIER_TEXT_SIZE,
                      element);
    if (strcmp(name, "Name") == 0)
        copy_text(found->name, sizeof found->name, element);
    if (strcmp(name, "MacAddress") == 0 &&
        found->mac_address_count < PLATFORM_IDENTIFIER_MACS_MAX) {
        char *mac = found->mac_addresses[found->mac_address_count];
        copy_text(mac, sizeof found->mac_addresses[0], element);
        found->mac_address_count += mac[0] != '\0';
    }
}

/* The parser has bounded the depth (XML_DEPTH_MAX). */
static bool visit(struct search *search, const struct xml_element *element)
{
    if (xml_first(element) == NULL) {
        visit_text(search->found, element);
        return visit_bytes(search, element);
    }
    for (const struct xml_element *child = xml_first(element); child != NULL;
         child = xml_next(child))
        if (!visit(search, child))
            return false;
    return true;
}

static bool finish(struct search *search, struct error *err)
{
    if (search->failure.code != NULL) {
        if (err != NULL)
            *err = search->failure;
        return false;
    }
    if (search->key.key == NULL)
        return error_set(err, &attestation_identifier_no_key, clause, NULL, "%s",
                         search->nearly.code != NULL ? search->nearly.message
                                                     : "no element holds an endorsement key");
    buf_append(&search->found->key, public_key_spki(search->key.key));
    return true;
}

bool platform_identifier_parse(struct platform_identifier *out, struct slice file,
                               struct error *err)
{
    _cleanup_platform_identifier_ struct platform_identifier found;
    _cleanup_xml_ struct xml_document *document = NULL;
    _cleanup_buf_ struct buf text;
    platform_identifier_init(&found);
    buf_init(&text, (size_t)2 * PLATFORM_IDENTIFIER_SIZE_MAX);
    if (!read_text(&text, file, err) ||
        !xml_parse(&document, without_declaration(buf_slice(&text)), err))
        return false;
    const struct xml_element *root = xml_root(document);
    const char *name = xml_attribute(root, "Name");
    snprintf(found.name, sizeof found.name, "%s", name != NULL ? name : "");
    struct search search = {.found = &found};
    visit(&search, root);
    bool good = finish(&search, err);
    tpm_endorsement_key_done(&search.key);
    if (!good)
        return false;
    *out = found;
    platform_identifier_init(&found); /* *out owns them now */
    return true;
}
