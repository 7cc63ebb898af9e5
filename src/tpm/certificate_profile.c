/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/certificate_profile.h"

#include <stdio.h>

#include "crypto/der.h"
#include "tpm/errors.h"

#define EXTENDED_USAGES_MAX 32

static const uint8_t oid_extended_usage[] = {0x55, 0x1d, 0x25};
static const uint8_t oid_any_usage[] = {0x55, 0x1d, 0x25, 0x00};
static const uint8_t oid_endorsement[] = {0x67, 0x81, 0x05, 0x08, 0x01};
static const uint8_t oid_identity[] = {0x67, 0x81, 0x05, 0x08, 0x03};
static const uint8_t oid_identity_microsoft[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                                 0x82, 0x37, 0x15, 0x24};
static const uint8_t oid_issuer_access[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01};
static const uint8_t oid_ca_issuers[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02};
#define OID_IS(oid, expected) slice_equal(oid, slice_of(expected, sizeof(expected)))

/*
 * Critical extensions that makers put into certificates of TPMs or their authorities, and that
 * change nothing of what is decided here: names, places, policies that nobody asks for. What limits
 * an authority (name constraints) is not among them, nor is anything that nobody knows.
 */
static const char *const tolerated[] = {
    "2.5.29.9",                 /* subjectDirectoryAttributes: the TPM's specification */
    "2.5.29.14",                /* subjectKeyIdentifier */
    "2.5.29.15",                /* keyUsage: read elsewhere, as are the next ones */
    "2.5.29.17",                /* subjectAltName: the TPM's maker and model */
    "2.5.29.18",                /* issuerAltName */
    "2.5.29.19",                /* basicConstraints */
    "2.5.29.31",                /* cRLDistributionPoints: nothing is fetched */
    "2.5.29.32",                /* certificatePolicies */
    "2.5.29.33",                /* policyMappings */
    "2.5.29.35",                /* authorityKeyIdentifier */
    "2.5.29.36",                /* policyConstraints */
    "2.5.29.37",                /* extKeyUsage */
    "2.5.29.54",                /* inhibitAnyPolicy */
    "1.3.6.1.5.5.7.1.1",        /* authorityInfoAccess */
    "1.3.6.1.5.5.7.1.3",        /* qcStatements, which the TCG's profile names */
    "1.3.6.1.4.1.11129.2.1.21", /* Google's, of the machine a virtual TPM is in */
};

static bool is_tolerated(const char *oid)
{
    for (size_t i = 0; i < sizeof tolerated / sizeof tolerated[0]; i++)
        if (strcmp(tolerated[i], oid) == 0)
            return true;
    return false;
}

/* ExtKeyUsageSyntax ::= SEQUENCE OF OID. */
static bool read_usage(struct certificate_profile *profile, struct slice value)
{
    struct reader outer = reader_of(value);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    size_t count = 0;
    while (!reader.failed && reader.rest.size > 0 && count++ < EXTENDED_USAGES_MAX) {
        struct slice oid = der_read(&reader, DER_OID);
        profile->any |= OID_IS(oid, oid_any_usage);
        profile->endorsement |= OID_IS(oid, oid_endorsement);
        profile->identity |= OID_IS(oid, oid_identity) || OID_IS(oid, oid_identity_microsoft);
    }
    profile->has_usage = true;
    return reader_done(&reader) && reader_done(&outer);
}

bool certificate_profile_read(struct certificate_profile *out,
                              const struct certificate *certificate, struct error *err)
{
    struct certificate_profile profile = {0};
    struct certificate_extension extension;
    struct slice rest = certificate_facts(certificate)->extensions;
    char name[160], oid[128];
    while (certificate_next_extension(&extension, &rest)) {
        if (OID_IS(extension.oid, oid_extended_usage) && !read_usage(&profile, extension.value))
            return error_set(err, &tpm_certificate_malformed, "RFC 5280 4.2.1.12",
                             certificate_profile_name(certificate, name, sizeof name),
                             "its extended key usage is malformed");
        der_format_oid(extension.oid, oid, sizeof oid);
        if (extension.critical && !is_tolerated(oid))
            return error_set(err, &tpm_certificate_extension, "RFC 5280 4.2",
                             certificate_profile_name(certificate, name, sizeof name),
                             "it has the critical extension %s, which is not known here", oid);
    }
    *out = profile;
    return true;
}

char *certificate_profile_name(const struct certificate *certificate, char *text, size_t size)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    if (facts->subject_text[0] != '\0') {
        snprintf(text, size, "%s", facts->subject_text);
        return text;
    }
    int used = snprintf(text, size, "certificate ");
    for (size_t i = 0; i < facts->serial.size && (size_t)used + 3 < size; i++)
        used += snprintf(text + used, size - (size_t)used, "%02x", facts->serial.data[i]);
    snprintf(text + used, size - (size_t)used, " of %s", facts->issuer_text);
    return text;
}

/* An URI holds no spaces, quotes or control characters (RFC 3986 2); one that does is not shown. */
static bool copy_uri(struct slice uri, char *text, size_t size)
{
    if (uri.size == 0 || uri.size >= size)
        return false;
    for (size_t i = 0; i < uri.size; i++)
        if (uri.data[i] <= ' ' || uri.data[i] >= 0x7f || uri.data[i] == '"' || uri.data[i] == '\'')
            return false;
    memcpy(text, uri.data, uri.size);
    text[uri.size] = '\0';
    return true;
}

/* SEQUENCE OF SEQUENCE { accessMethod OID, accessLocation GeneralName }. */
static bool find_uri(struct slice value, char *text, size_t size)
{
    struct reader outer = reader_of(value);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    while (!reader.failed && reader.rest.size > 0) {
        struct reader access = der_enter(&reader, DER_SEQUENCE);
        struct slice method = der_read(&access, DER_OID);
        if (!OID_IS(method, oid_ca_issuers) || der_peek(&access) != DER_CONTEXT(6))
            continue;
        if (copy_uri(der_read(&access, DER_CONTEXT(6)), text, size))
            return true;
    }
    return false;
}

char *certificate_profile_issuer_uri(const struct certificate *certificate, char *text, size_t size)
{
    text[0] = '\0';
    struct certificate_extension extension;
    struct slice rest = certificate_facts(certificate)->extensions;
    while (certificate_next_extension(&extension, &rest))
        if (OID_IS(extension.oid, oid_issuer_access) && find_uri(extension.value, text, size))
            break;
    return text;
}
