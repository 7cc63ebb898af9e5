/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "protector/algorithms.h"
#include "protector/elements.h"
#include "protector/errors.h"
#include "protector/metadata.h"
#include "protector/trust.h"
#include "protector/xml_signature.h"

#define CLAUSE "MS-KPS 6.4"

static const char *const no_attributes[] = {NULL};
static const struct error_code *const own_codes[] = {
    &metadata_malformed, &metadata_signature, &metadata_untrusted_root, &metadata_expired, NULL};

/* What a document says, before any of it is believed. */
struct parsing {
    struct buf values;
    struct slice encryption, signing, document; /* certificates; document empty: none named */
    struct protector_signature encryption_signature, self_signature;
};

struct parsed_certificates {
    struct certificate *encryption, *signing, *document;
};

static const struct xml_element *take(const struct xml_element **cursor, const char *name,
                                      const struct xml_element *parent, struct error *err)
{
    return xml_take(cursor, PROTECTOR_NAMESPACE, name, parent, err);
}

static bool parse_others(struct buf *values, const struct xml_element *element, struct error *err)
{
    if (!elements_check_container(element, no_attributes, err))
        return false;
    size_t count = 0;
    const struct xml_element *cursor = xml_first(element);
    while (cursor) {
        struct slice der;
        const struct xml_element *child = take(&cursor, "Certificate", element, err);
        if (!child || !elements_parse_certificate(&der, values, child, err))
            return false;
        if (++count > METADATA_OTHERS_MAX)
            return error_set(err, &metadata_malformed, CLAUSE, NULL,
                             "more than %d further signing certificates", METADATA_OTHERS_MAX);
    }
    return true;
}

static bool parse_version(const struct xml_element *element, struct error *err)
{
    uint64_t version;
    return xml_only_attributes(element, no_attributes, err) &&
           xml_unsigned(&version, element, UINT32_MAX, err);
}

static bool parse_information(struct parsing *out, const struct xml_element *element,
                              struct error *err)
{
    struct buf *values = &out->values;
    const struct xml_element *cursor = xml_first(element);
    const struct xml_element *e;
    if (!elements_check_container(element, no_attributes, err) ||
        !(e = take(&cursor, "Version", element, err)) || !parse_version(e, err) ||
        !(e = take(&cursor, "EncryptionCertificate", element, err)) ||
        !elements_parse_certificate(&out->encryption, values, e, err) ||
        !(e = take(&cursor, "SigningCertificate", element, err)) ||
        !elements_parse_certificate(&out->signing, values, e, err) ||
        !(e = take(&cursor, "EncryptionCertificateSignature", element, err)) ||
        !elements_parse_signature(&out->encryption_signature, values, e, err) ||
        !(e = take(&cursor, "SigningCertificateSelfSignature", element, err)) ||
        !elements_parse_signature(&out->self_signature, values, e, err))
        return false;
    e = xml_take_optional(&cursor, PROTECTOR_NAMESPACE, "OtherSigningCertificates");
    return (!e || parse_others(values, e, err)) && xml_take_end(cursor, element, err);
}

/* The whole form; *signature is the ds:Signature. */
static bool parse_form(struct parsing *out, const struct xml_element **signature,
                       const struct xml_element *root, struct error *err)
{
    static const char *const attributes[] = {"ID", "Version", NULL};
    if (!xml_is(root, PROTECTOR_NAMESPACE, "Metadata"))
        return error_set(err, &metadata_malformed, CLAUSE, NULL,
                         "the document is a {%.128s}%.64s, not Metadata", xml_namespace(root),
                         xml_name(root));
    uint32_t version;
    if (!elements_check_container(root, attributes, err) ||
        !elements_parse_unsigned_attribute(&version, root, "Version", err))
        return false;
    const char *id = xml_attribute(root, "ID");
    if (!id || !*id)
        return error_set(err, &metadata_malformed, CLAUSE, NULL,
                         "Metadata has no ID for its signature to refer to");
    const struct xml_element *cursor = xml_first(root);
    const struct xml_element *information = take(&cursor, "GuardianInformation", root, err);
    if (!information || !parse_information(out, information, err))
        return false;
    *signature = xml_take(&cursor, XMLDSIG_NAMESPACE, "Signature", root, err);
    return *signature && xml_take_end(cursor, root, err) &&
           xml_signature_parse(&out->document, &out->values, *signature, id, err);
}

static bool parse_certificate(struct certificate **out, struct slice der, const char *name,
                              struct error *err)
{
    struct error cause = {0};
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!certificate_parse(&certificate, der, &cause))
        return error_set(err, &metadata_malformed, CLAUSE, name, "%s: %s", name, cause.message);
    if (public_key_type(certificate_key(certificate)) != PUBLIC_KEY_RSA)
        return error_set(err, &metadata_malformed, "protocol.md 3", name, "%s has no RSA key",
                         name);
    *out = memory_steal(&certificate);
    return true;
}

static void certificates_done(struct parsed_certificates *certificates)
{
    certificate_free(&certificates->encryption);
    certificate_free(&certificates->signing);
    certificate_free(&certificates->document);
}

static bool parse_certificates(struct parsed_certificates *out, const struct parsing *parsing,
                               struct error *err)
{
    struct slice document = parsing->document.size ? parsing->document : parsing->signing;
    return parse_certificate(&out->encryption, parsing->encryption, "EncryptionCertificate", err) &&
           parse_certificate(&out->signing, parsing->signing, "SigningCertificate", err) &&
           parse_certificate(&out->document, document, "X509Certificate", err);
}

static bool verify_vouching(const struct certificate *certificate, const struct certificate *signer,
                            const struct protector_signature *signature, const char *name,
                            struct error *err)
{
    if (!public_key_verify(certificate_key(signer), signature->algorithm,
                           certificate_der(certificate), signature->value, NULL))
        return error_set(err, &metadata_signature, CLAUSE, name,
                         "%s is not the signing certificate's signature over it", name);
    return true;
}

static bool check_certificate(const struct certificate *certificate, const struct trust *trust,
                              const struct metadata_checks *checks, struct error *err)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    if (!checks->allow_expired &&
        (checks->now < facts->not_before || checks->now > facts->not_after))
        return error_set(err, &metadata_expired, NULL, facts->subject_text, "its certificate is %s",
                         checks->now < facts->not_before ? "not yet valid" : "expired");
    return checks->allow_untrusted_root ||
           trust_check(trust, certificate, checks->now, checks->allow_expired, err);
}

static bool check_certificates(const struct parsed_certificates *certificates,
                               const struct metadata_checks *checks, struct error *err)
{
    _cleanup_trust_ struct trust *trust = NULL;
    struct error cause = {0};
    const char *path = checks->trust_file ? checks->trust_file : TRUST_FILE;
    if (!checks->allow_untrusted_root && !trust_load(&trust, path, &cause))
        return error_set(err, &metadata_untrusted_root, NULL, path,
                         "the trusted certificates cannot be read: %s", cause.message);
    return check_certificate(certificates->signing, trust, checks, err) &&
           check_certificate(certificates->encryption, trust, checks, err) &&
           check_certificate(certificates->document, trust, checks, err);
}

static bool verify_document(struct parsed_certificates *certificates, struct parsing *parsing,
                            struct slice document, struct error *err)
{
    _cleanup_xml_ struct xml_document *tree = NULL;
    const struct xml_element *signature;
    if (!xml_parse(&tree, document, err) || !parse_form(parsing, &signature, xml_root(tree), err) ||
        !parse_certificates(certificates, parsing, err))
        return false;
    return xml_signature_verify(signature, xml_root(tree), certificates->document, err) &&
           verify_vouching(certificates->encryption, certificates->signing,
                           &parsing->encryption_signature, "EncryptionCertificateSignature", err) &&
           verify_vouching(certificates->signing, certificates->signing, &parsing->self_signature,
                           "SigningCertificateSelfSignature", err);
}

static void give_guardian(struct guardian *out, struct parsed_certificates *certificates,
                          const struct protector_signature *signature)
{
    *out = (struct guardian){.encryption_signature_algorithm = signature->algorithm};
    out->signing = memory_steal(&certificates->signing);
    out->encryption = memory_steal(&certificates->encryption);
    buf_init(&out->encryption_signature, signature->value.size);
    buf_append(&out->encryption_signature, signature->value);
}

bool metadata_parse(struct guardian *out, struct slice document,
                    const struct metadata_checks *checks, struct error *err)
{
    if (document.size > METADATA_SIZE_MAX)
        return error_set(err, &metadata_malformed, CLAUSE, NULL, "%zu bytes; %d are allowed",
                         document.size, METADATA_SIZE_MAX);
    struct parsing parsing = {0};
    elements_values_init(&parsing.values, document.size);
    __attribute__((cleanup(certificates_done))) struct parsed_certificates certificates = {0};
    struct error cause = {0};
    bool good = verify_document(&certificates, &parsing, document, &cause) &&
                check_certificates(&certificates, checks, &cause);
    if (good)
        give_guardian(out, &certificates, &parsing.encryption_signature);
    buf_done(&parsing.values);
    return good || elements_adopt_error(err, &cause, own_codes, &metadata_malformed,
                                        &metadata_malformed, CLAUSE);
}
