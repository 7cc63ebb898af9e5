/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/certificate_profile.h"

#include <stdio.h>

#include "crypto/der.h"
#include "tpm/errors.h"

#define EXTENDED_USAGES_MAX 32

static const uint8_t oid_extended_usage[] = {0x55, 0x1d, 0x25};
static const uint8_t oid_limited_names[] = {0x55, 0x1d, 0x1e};
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
#define TOLERATED(oid)                          \
    {                                           \
        (const uint8_t *)(oid), sizeof(oid) - 1 \
    }
static const struct slice tolerated[] = {
    TOLERATED("\x55\x1d\x09"), /* 2.5.29.9, subjectDirectoryAttributes: the TPM's specification */
    TOLERATED("\x55\x1d\x0e"), /* 14, subjectKeyIdentifier */
    TOLERATED("\x55\x1d\x0f"), /* 15, keyUsage: read elsewhere, as are the next ones */
    TOLERATED("\x55\x1d\x11"), /* 17, subjectAltName: the TPM's maker and model */
    TOLERATED("\x55\x1d\x12"), /* 18, issuerAltName */
    TOLERATED("\x55\x1d\x13"), /* 19, basicConstraints */
    TOLERATED("\x55\x1d\x1f"), /* 31, cRLDistributionPoints: nothing is fetched */
    TOLERATED("\x55\x1d\x20"), /* 32, certificatePolicies */
    TOLERATED("\x55\x1d\x21"), /* 33, policyMappings */
    TOLERATED("\x55\x1d\x23"), /* 35, authorityKeyIdentifier */
    TOLERATED("\x55\x1d\x24"), /* 36, policyConstraints */
    TOLERATED("\x55\x1d\x25"), /* 37, extKeyUsage */
    TOLERATED("\x55\x1d\x36"), /* 54, inhibitAnyPolicy */
    TOLERATED("\x2b\x06\x01\x05\x05\x07\x01\x01"), /* 1.3.6.1.5.5.7.1.1, authorityInfoAccess */
    TOLERATED("\x2b\x06\x01\x05\x05\x07\x01\x03"), /* 1.3.6.1.5.5.7.1.3, qcStatements, which the
                                                    * TCG's profile names */
    TOLERATED("\x2b\x06\x01\x04\x01\xd6\x79\x02\x01\x15"), /* 1.3.6.1.4.1.11129.2.1.21, Google's,
                                                            * of the machine a virtual TPM is in */
};

static bool is_tolerated(struct slice oid)
{
    for (size_t i = 0; i < sizeof tolerated / sizeof tolerated[0]; i++)
        if (slice_equal(tolerated[i], oid))
            return true;
    return false;
}

static bool refuse_extension(const struct certificate *certificate, struct slice oid,
                             struct error *err)
{
    char name[160], text[128];
    return error_set(err, &tpm_certificate_extension, "RFC 5280 4.2",
                     certificate_profile_name(certificate, name, sizeof name),
                     "it has the critical extension %s, which is not known here",
                     der_format_oid(oid, text, sizeof text));
}

/* ExtKeyUsageSyntax ::= SEQUENCE OF OID. */
static bool read_usage(struct certificate_profile *profile, struct slice value)
{
    struct reader outer = reader_of(value);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    size_t count = 0;
    while (!reader.failed && reader.rest.size > 0 && count++ < EXTENDED_USAGES_MAX) {
        struct slice oid = der_read(&reader, DER_OID);
        if (profile->usage.size == 0)
            profile->usage = oid;
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
    char name[160];
    while (certificate_next_extension(&extension, &rest)) {
        if (OID_IS(extension.oid, oid_extended_usage) && !read_usage(&profile, extension.value))
            return error_set(err, &tpm_certificate_malformed, "RFC 5280 4.2.1.12",
                             certificate_profile_name(certificate, name, sizeof name),
                             "its extended key usage is malformed");
        profile.has_limited_names |= OID_IS(extension.oid, oid_limited_names);
        if (extension.critical && !is_tolerated(extension.oid))
            return refuse_extension(certificate, extension.oid, err);
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
