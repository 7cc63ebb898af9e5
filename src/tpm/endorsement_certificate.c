/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/endorsement_certificate.h"

#include <stdio.h>

#include "crypto/der.h"
#include "tpm/certificate_profile.h"
#include "tpm/errors.h"
#include "tpm/trust_chain.h"

#define NAME_SIZE 160

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, &tpm_certificate_malformed, "TCG EK Credential Profile", NULL, "%s",
                     what);
}

/*
 * TCG_PCCLIENT_STORED_CERT of TPM 1.2: u16 tag 0x1001, u8 type 0 (a whole certificate), u16 size,
 * then perhaps u16 tag 0x1002, all of which newer TPMs have left out.
 */
static bool unwrap(struct slice *content, struct error *err)
{
    struct reader reader = reader_of(*content);
    if (reader_u16_be(&reader) != 0x1001 || reader.failed)
        return true;
    uint8_t type = reader_u8(&reader);
    uint16_t size = reader_u16_be(&reader);
    struct slice inside = reader_bytes(&reader, size);
    if (type != 0)
        return malformed(err, "its wrapper (of TPM 1.2) holds no whole certificate");
    if (reader.failed)
        return malformed(err, "its wrapper (of TPM 1.2) is longer than what it is in");
    if (inside.size >= 2 && inside.data[0] == 0x10 && inside.data[1] == 0x02)
        inside = slice_of(inside.data + 2, inside.size - 2);
    *content = inside;
    return true;
}

/* Indices are made larger than their certificates, and filled with one byte. */
static bool is_padding(struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != bytes.data[0] || (bytes.data[i] != 0x00 && bytes.data[i] != 0xff))
            return false;
    return true;
}

bool tpm_endorsement_certificate_cut(struct slice *out, struct slice nv, struct error *err)
{
    if (nv.size > TPM_NV_CERTIFICATE_SIZE_MAX)
        return malformed(err, "it is larger than any certificate");
    struct slice content = nv;
    if (!unwrap(&content, err))
        return false;
    if (is_padding(content))
        return malformed(err, "it is empty: the TPM has no endorsement certificate there");
    struct reader reader = reader_of(content);
    bool sequence = der_peek(&reader) == DER_SEQUENCE;
    struct slice der = der_read_element(&reader);
    if (!sequence || reader.failed)
        return malformed(err, "it begins with no whole DER certificate");
    if (!is_padding(reader.rest))
        return malformed(err, "something stands behind the certificate that is no padding");
    *out = der;
    return true;
}

bool tpm_endorsement_certificate_split(struct slice *certificate, struct slice *chain,
                                       struct slice bytes)
{
    struct reader reader = reader_of(bytes);
    bool sequence = der_peek(&reader) == DER_SEQUENCE;
    struct slice der = der_read_element(&reader);
    if (!sequence || reader.failed)
        return false;
    *certificate = der;
    *chain = reader.rest;
    return true;
}

struct slice tpm_endorsement_certificate_cut_chain(struct slice nv)
{
    struct slice certificate, rest = nv;
    while (rest.size > 0 && tpm_endorsement_certificate_split(&certificate, &rest, rest))
        continue;
    return slice_of(nv.data, nv.size - rest.size);
}

static bool not_endorsement(const struct certificate *certificate, struct error *err,
                            const char *what)
{
    char name[NAME_SIZE];
    return error_set(err, &tpm_certificate_not_endorsement, "TCG EK Credential Profile",
                     certificate_profile_name(certificate, name, sizeof name), "%s", what);
}

static bool check_key(const struct certificate *certificate, struct error *err)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    if (public_key_type(certificate_key(certificate)) == PUBLIC_KEY_P521)
        return not_endorsement(certificate, err,
                               "its key is of P-521; endorsement keys are used here of RSA, P-256 "
                               "and P-384");
    unsigned usable =
        CERTIFICATE_KEY_ENCIPHERMENT | CERTIFICATE_DATA_ENCIPHERMENT | CERTIFICATE_KEY_AGREEMENT;
    if (facts->has_usage && (facts->usage & usable) == 0)
        return not_endorsement(certificate, err,
                               "its key usage allows neither encryption nor key agreement");
    return true;
}

static bool check_profile(const struct certificate *certificate, struct error *err)
{
    struct certificate_profile profile;
    if (certificate_facts(certificate)->is_authority)
        return not_endorsement(certificate, err, "it is the certificate of an authority");
    if (!certificate_profile_read(&profile, certificate, err))
        return false;
    if (profile.identity)
        return not_endorsement(certificate, err,
                               "it is the certificate of an identity key (AIK), not of an "
                               "endorsement key");
    if (!profile.endorsement)
        return not_endorsement(
            certificate, err, "its extended key usage does not say 2.23.133.8.1 (endorsement key)");
    return check_key(certificate, err);
}

bool tpm_endorsement_certificate_parse(struct certificate **out, struct slice der,
                                       struct error *err)
{
    struct certificate *certificate = NULL;
    if (!certificate_parse_endorsement(&certificate, der, err))
        return false;
    if (!check_profile(certificate, err)) {
        certificate_free(&certificate);
        return false;
    }
    *out = certificate;
    return true;
}

bool tpm_endorsement_certificate_verify(struct certificate **out, struct slice der,
                                        struct slice chain, struct tpm_trust *trust, int64_t now,
                                        struct error *err)
{
    struct certificate *certificate = NULL;
    if (!certificate_cache_parse_endorsement(&certificate, tpm_trust_cache(trust), der, err))
        return false;
    if (!check_profile(certificate, err) || !trust_chain_check_time(certificate, now, err) ||
        !trust_chain_verify(trust, certificate, chain, now, err)) {
        certificate_free(&certificate);
        return false;
    }
    *out = certificate;
    return true;
}

/* ---- who made the TPM ---- */

static const uint8_t oid_alternative_name[] = {0x55, 0x1d, 0x11};
/* 2.23.133.2.1 manufacturer, .2 model, .3 version. */
static const uint8_t oid_maker[] = {0x67, 0x81, 0x05, 0x02};

/* Copies what can be printed of it. */
static void copy_text(char *out, size_t size, struct slice text)
{
    size_t used = 0;
    for (size_t i = 0; i < text.size && used + 1 < size; i++)
        if (text.data[i] >= ' ' && text.data[i] < 0x7f)
            out[used++] = (char)text.data[i];
    out[used] = '\0';
}

/* "id:" and eight hex digits: four letters, padded with NULs (TCG vendor ID registry). */
static void copy_manufacturer(char *out, size_t size, struct slice text)
{
    unsigned number;
    char copy[16];
    copy_text(copy, sizeof copy, text);
    if (text.size != 11 || sscanf(copy, "id:%8x", &number) != 1) {
        copy_text(out, size, text);
        return;
    }
    uint8_t letters[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                          (uint8_t)number};
    copy_text(out, size, slice_of(letters, sizeof letters));
    if (out[0] == '\0')
        copy_text(out, size, text);
}

static void take_attribute(struct tpm_maker *out, struct reader attribute)
{
    struct slice oid = der_read(&attribute, DER_OID);
    struct slice value = der_read(&attribute, der_peek(&attribute));
    if (attribute.failed || oid.size != sizeof oid_maker + 1 ||
        memcmp(oid.data, oid_maker, sizeof oid_maker) != 0)
        return;
    switch (oid.data[sizeof oid_maker]) {
    case 1:
        copy_manufacturer(out->manufacturer, sizeof out->manufacturer, value);
        break;
    case 2:
        copy_text(out->model, sizeof out->model, value);
        break;
    case 3:
        copy_text(out->version, sizeof out->version, value);
        break;
    }
}

/* A Name: each attribute may stand in a part of its own, or all in one, in whatever order. */
static void take_name(struct tpm_maker *out, struct reader name)
{
    struct reader parts = der_enter(&name, DER_SEQUENCE);
    while (!parts.failed && parts.rest.size > 0) {
        struct reader part = der_enter(&parts, DER_SET);
        while (!part.failed && part.rest.size > 0)
            take_attribute(out, der_enter(&part, DER_SEQUENCE));
    }
}

void tpm_endorsement_certificate_maker(struct tpm_maker *out, const struct certificate *certificate)
{
    *out = (struct tpm_maker){0};
    struct certificate_extension extension;
    struct slice rest = certificate_facts(certificate)->extensions;
    while (certificate_next_extension(&extension, &rest)) {
        if (!slice_equal(extension.oid,
                         slice_of(oid_alternative_name, sizeof oid_alternative_name)))
            continue;
        struct reader outer = reader_of(extension.value);
        struct reader names = der_enter(&outer, DER_SEQUENCE);
        while (!names.failed && names.rest.size > 0) {
            uint8_t tag = der_peek(&names);
            struct reader name = der_enter(&names, tag);
            if (tag == DER_CONTEXT_CONSTRUCTED(4))
                take_name(out, name);
        }
    }
}
