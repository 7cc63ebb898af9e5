/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/protector.h"

#include "base/memory.h"
#include "protector/algorithms.h"
#include "protector/document.h"
#include "protector/errors.h"
#include "protector/protector_write.h"

#include <stdlib.h>

#define CLAUSE "MS-KPS 2.2.2.3"

/* The DER of the certificates, until the whole form is known to be right. */
struct certificate_slices {
    struct slice signing, encryption;
};

struct parsing {
    struct protector *protector;
    struct certificate_slices certificates[PROTECTOR_WRAPPINGS_MAX];
    uint32_t guardian_id;
    const struct xml_element *wrappings; /* the element that is signed */
};

static const char *const no_attributes[] = {NULL};

static const struct xml_element *take(const struct xml_element **cursor, const char *name,
                                      const struct xml_element *parent, struct error *err)
{
    return xml_take(cursor, PROTECTOR_NAMESPACE, name, parent, err);
}

/* The only child of element, called name. */
static const struct xml_element *take_only(const char *name, const struct xml_element *element,
                                           const char *const *attributes, struct error *err)
{
    const struct xml_element *cursor = xml_first(element);
    if (!elements_check_container(element, attributes, err))
        return NULL;
    const struct xml_element *child = take(&cursor, name, element, err);
    return child && xml_take_end(cursor, element, err) ? child : NULL;
}

static bool parse_id(uint32_t *id, const struct xml_element *element, struct error *err)
{
    uint64_t value;
    if (!xml_only_attributes(element, no_attributes, err) ||
        !xml_unsigned(&value, element, UINT32_MAX, err))
        return false;
    *id = (uint32_t)value;
    return true;
}

/* SigningCertificateSignature and EncryptionCertificateSignature (MS-KPS 2.2.2.12, 2.2.2.13);
 * parent is NULL for the latter. */
static bool parse_certificate_signature(struct protector_signature *signature, uint32_t *parent,
                                        struct buf *values, const struct xml_element *element,
                                        struct error *err)
{
    static const char *const parent_attribute[] = {"ParentWrappingId", NULL};
    const struct xml_element *inner =
        take_only("Signature", element, parent ? parent_attribute : no_attributes, err);
    return inner &&
           (!parent ||
            elements_parse_unsigned_attribute(parent, element, "ParentWrappingId", err)) &&
           elements_parse_signature(signature, values, inner, err);
}

static bool parse_transport_key(struct protector_wrapping *wrapping, struct buf *values,
                                const struct xml_element *element, struct error *err)
{
    const struct xml_element *inner = take_only("EncryptedData", element, no_attributes, err);
    return inner && elements_parse_encrypted_data(&wrapping->transport_key_algorithm,
                                                  &wrapping->transport_key, values, inner, err);
}

/* MS-KPS 2.2.2.4. */
static bool parse_wrapping(struct protector_wrapping *wrapping,
                           struct certificate_slices *certificates, struct buf *values,
                           const struct xml_element *element, struct error *err)
{
    if (!elements_check_container(element, no_attributes, err))
        return false;
    const struct xml_element *cursor = xml_first(element);
    const struct xml_element *e;
    return (e = take(&cursor, "Id", element, err)) && parse_id(&wrapping->id, e, err) &&
           (e = take(&cursor, "SigningCertificate", element, err)) &&
           elements_parse_certificate(&certificates->signing, values, e, err) &&
           (e = take(&cursor, "SigningCertificateSignature", element, err)) &&
           parse_certificate_signature(&wrapping->signing_certificate_signature, &wrapping->parent,
                                       values, e, err) &&
           (e = take(&cursor, "EncryptionCertificate", element, err)) &&
           elements_parse_certificate(&certificates->encryption, values, e, err) &&
           (e = take(&cursor, "EncryptionCertificateSignature", element, err)) &&
           parse_certificate_signature(&wrapping->encryption_certificate_signature, NULL, values, e,
                                       err) &&
           (e = take(&cursor, "TransportKey", element, err)) &&
           parse_transport_key(wrapping, values, e, err) && xml_take_end(cursor, element, err);
}

/* MS-KPS 2.2.2.6. */
static bool parse_wrappings(struct parsing *parsing, const struct xml_element *element,
                            struct error *err)
{
    struct protector *protector = parsing->protector;
    if (!elements_check_container(element, no_attributes, err))
        return false;
    size_t count = 0;
    for (const struct xml_element *e = xml_first(element); e; e = xml_next(e))
        count++;
    if (count > PROTECTOR_WRAPPINGS_MAX)
        return error_set(err, &protector_limit, "protocol.md 3", NULL,
                         "it has %zu wrappings; %d are allowed", count, PROTECTOR_WRAPPINGS_MAX);
    protector->wrappings = memory_allocate_zero(count + 1, sizeof *protector->wrappings);
    const struct xml_element *cursor = xml_first(element);
    do {
        const struct xml_element *child = take(&cursor, "Wrapping", element, err);
        if (!child || !parse_wrapping(&protector->wrappings[protector->count],
                                      &parsing->certificates[protector->count], &protector->values,
                                      child, err))
            return false;
        protector->count++;
    } while (cursor);
    return true;
}

/* MS-KPS 2.2.2.7. */
static bool parse_transport_key_signature(struct protector *protector,
                                          const struct xml_element *element, struct error *err)
{
    if (!elements_check_container(element, no_attributes, err))
        return false;
    const struct xml_element *cursor = xml_first(element);
    const struct xml_element *derivation = take(&cursor, "KeyDerivationMethod", element, err);
    if (!derivation || !elements_parse_key_derivation(derivation, err))
        return false;
    const struct xml_element *signature = take(&cursor, "Signature", element, err);
    return signature && xml_take_end(cursor, element, err) &&
           elements_parse_mac(&protector->transport_key_signature, &protector->values, signature,
                              err);
}

/* MS-KPS 2.2.2.8. */
static bool parse_guardian_signature(struct parsing *parsing, const struct xml_element *element,
                                     struct error *err)
{
    static const char *const attributes[] = {"WrappingId", NULL};
    struct protector *protector = parsing->protector;
    const struct xml_element *signature = take_only("Signature", element, attributes, err);
    return signature &&
           elements_parse_unsigned_attribute(&parsing->guardian_id, element, "WrappingId", err) &&
           elements_parse_signature(&protector->guardian_signature, &protector->values, signature,
                                    err);
}

static bool parse_root(struct parsing *parsing, const struct xml_element *root, struct error *err)
{
    static const char *const attributes[] = {"MaxOfflineUnwraps", NULL};
    struct protector *protector = parsing->protector;
    if (!xml_is(root, PROTECTOR_NAMESPACE, "Protector"))
        return error_set(err, &protector_malformed, CLAUSE, xml_name(root),
                         "the document is a {%.128s}%.64s, not a Protector", xml_namespace(root),
                         xml_name(root));
    if (!elements_check_container(root, attributes, err))
        return false;
    if (xml_attribute(root, "MaxOfflineUnwraps") &&
        !elements_parse_unsigned_attribute(&protector->max_offline_unwraps, root,
                                           "MaxOfflineUnwraps", err))
        return false;
    const struct xml_element *cursor = xml_first(root);
    parsing->wrappings = take(&cursor, "Wrappings", root, err);
    if (!parsing->wrappings || !parse_wrappings(parsing, parsing->wrappings, err))
        return false;
    const struct xml_element *e;
    return (e = take(&cursor, "TransportKeySignature", root, err)) &&
           parse_transport_key_signature(protector, e, err) &&
           (e = take(&cursor, "GuardianSignature", root, err)) &&
           parse_guardian_signature(parsing, e, err) && xml_take_end(cursor, root, err);
}

const struct protector_wrapping *protector_by_id(const struct protector *protector, uint32_t id)
{
    for (size_t i = 0; i < protector->count; i++) {
        if (protector->wrappings[i].id == id)
            return &protector->wrappings[i];
    }
    return NULL;
}

static bool index_wrappings(struct parsing *parsing, struct error *err)
{
    struct protector *protector = parsing->protector;
    for (size_t i = 0; i < protector->count; i++) {
        const struct protector_wrapping *wrapping = &protector->wrappings[i];
        if (protector_by_id(protector, wrapping->id) != wrapping)
            return error_set(err, &protector_malformed, "MS-KPS 2.2.2.4", NULL,
                             "two wrappings have the id %u", wrapping->id);
        if (!protector->owner && wrapping->parent == wrapping->id)
            protector->owner = wrapping;
    }
    protector->last_guardian = protector_by_id(protector, parsing->guardian_id);
    if (!protector->last_guardian)
        return error_set(err, &protector_malformed, "MS-KPS 3.1.5.1.1.3", NULL,
                         "GuardianSignature names wrapping %u, which is not there",
                         parsing->guardian_id);
    return true;
}

static bool parse_certificate(struct certificate **out, struct cache *cache, struct slice der,
                              uint32_t id, const char *name, struct error *err)
{
    struct error cause = {0};
    _cleanup_certificate_ struct certificate *certificate = NULL;
    bool parsed = cache ? certificate_cache_parse(&certificate, cache, der, &cause)
                        : certificate_parse(&certificate, der, &cause);
    if (!parsed)
        return error_set(err, &protector_wrapping_invalid, "MS-KPS 3.1.5.1.1.3", NULL,
                         "%s of wrapping %u: %s", name, id, cause.message);
    if (public_key_type(certificate_key(certificate)) != PUBLIC_KEY_RSA)
        return error_set(err, &protector_wrapping_invalid, "protocol.md 3", NULL,
                         "%s of wrapping %u has no RSA key", name, id);
    *out = memory_steal(&certificate);
    return true;
}

static bool parse_certificates(struct parsing *parsing, struct cache *cache, struct error *err)
{
    for (size_t i = 0; i < parsing->protector->count; i++) {
        struct protector_wrapping *wrapping = &parsing->protector->wrappings[i];
        const struct certificate_slices *der = &parsing->certificates[i];
        if (!parse_certificate(&wrapping->signing_certificate, cache, der->signing, wrapping->id,
                               "SigningCertificate", err) ||
            !parse_certificate(&wrapping->encryption_certificate, cache, der->encryption,
                               wrapping->id, "EncryptionCertificate", err))
            return false;
    }
    return true;
}

/* Whether element begins where its name first begins in the document: comments and the like, where
 * it could stand before, are refused by xml_parse. */
static bool stands_in(struct slice document, struct slice element)
{
    static const char name[] = "<Wrappings";
    const uint8_t *found = memmem(document.data, document.size, name, sizeof name - 1);
    if (!found)
        return false;
    size_t left = document.size - (size_t)(found - document.data);
    return left >= element.size && memcmp(found, element.data, element.size) == 0;
}

/*
 * What is written of what was parsed is canonical, and when the document has it byte by byte, then
 * it is the document's element in canonical form: so it is with protectors that this program has
 * written. Others take libxml2 several times as long.
 */
static bool canonicalize(struct parsing *parsing, struct slice document, struct error *err)
{
    struct protector *protector = parsing->protector;
    struct buf *canonical = &protector->canonical;
    buf_reserve(canonical, document.size);
    protector_write_wrappings(canonical, protector->wrappings, protector->count);
    if (!canonical->overflow && stands_in(document, buf_slice(canonical)))
        return true;
    buf_reset(canonical);
    return xml_canonicalize(canonical, parsing->wrappings, err) &&
           buf_ok(canonical, "Wrappings", err);
}

static bool parse_document(struct parsing *parsing, struct slice document, struct cache *cache,
                           struct error *err)
{
    _cleanup_xml_ struct xml_document *tree = NULL;
    return xml_parse(&tree, document, err) && parse_root(parsing, xml_root(tree), err) &&
           index_wrappings(parsing, err) && parse_certificates(parsing, cache, err) &&
           canonicalize(parsing, document, err);
}

bool protector_parse(struct protector **out, struct slice document, struct cache *cache,
                     struct error *err)
{
    if (document.size > PROTECTOR_SIZE_MAX)
        return error_set(err, &protector_limit, "protocol.md 3", NULL,
                         "a key protector of %zu bytes; %d are allowed", document.size,
                         PROTECTOR_SIZE_MAX);
    _cleanup_protector_ struct protector *protector = memory_allocate_zero(1, sizeof *protector);
    elements_values_init(&protector->values, document.size);
    /* Canonical form writes out what a document may abbreviate (namespaces, empty elements). */
    buf_init(&protector->canonical, 4 * PROTECTOR_SIZE_MAX);
    struct parsing parsing = {.protector = protector};
    struct error cause = {0};
    if (!parse_document(&parsing, document, cache, &cause))
        return elements_adopt_error(err, &cause, protector_errors, &protector_malformed,
                                    &protector_limit, CLAUSE);
    digest_sha256(protector->digest, document);
    *out = memory_steal(&protector);
    return true;
}

void protector_free(struct protector **protector)
{
    struct protector *it = *protector;
    if (!it)
        return;
    for (size_t i = 0; i < it->count; i++) {
        certificate_free(&it->wrappings[i].signing_certificate);
        certificate_free(&it->wrappings[i].encryption_certificate);
    }
    free(it->wrappings);
    buf_done(&it->values);
    buf_done(&it->canonical);
    free(it);
    *protector = NULL;
}

size_t protector_wrapping_count(const struct protector *protector)
{
    return protector->count;
}

const struct protector_wrapping *protector_wrapping(const struct protector *protector, size_t index)
{
    return &protector->wrappings[index];
}

const struct protector_wrapping *protector_owner(const struct protector *protector)
{
    return protector->owner;
}

const struct protector_wrapping *protector_last_guardian(const struct protector *protector)
{
    return protector->last_guardian;
}

uint32_t protector_max_offline_unwraps(const struct protector *protector)
{
    return protector->max_offline_unwraps;
}

const uint8_t *protector_digest(const struct protector *protector)
{
    return protector->digest;
}

static bool has_key(const struct certificate *certificate, const uint8_t key_id[32])
{
    return memcmp(public_key_digest(certificate_key(certificate)), key_id, DIGEST_SHA256_SIZE) == 0;
}

const struct protector_wrapping *protector_find(const struct protector *protector,
                                                const uint8_t encryption_key_id[32])
{
    for (size_t i = 0; i < protector->count; i++)
        if (has_key(protector->wrappings[i].encryption_certificate, encryption_key_id))
            return &protector->wrappings[i];
    return NULL;
}

const struct protector_wrapping *protector_find_signing(const struct protector *protector,
                                                        const uint8_t signing_key_id[32])
{
    for (size_t i = 0; i < protector->count; i++)
        if (has_key(protector->wrappings[i].signing_certificate, signing_key_id))
            return &protector->wrappings[i];
    return NULL;
}
