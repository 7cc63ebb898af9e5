/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/elements.h"

#include "base/base64.h"
#include "base/hex.h"
#include "protector/algorithms.h"
#include "protector/errors.h"
#include "protector/transport_key.h"

/* Signatures and ciphertexts of RSA keys up to 8192 bits. */
#define RSA_VALUE_MAX 1024

static const char *const no_attributes[] = {NULL};
static const char *const algorithm_attribute[] = {"Algorithm", NULL};

/* How XML Encryption 1.1 section 5.4.1 writes octets that are no odd count of bits: a byte with the
 * number of padding bits stands before them. */
#define CONCAT_PAD "00"

void elements_values_init(struct buf *values, size_t document_size)
{
    /* Base64 only shrinks and the texts do not overlap, so this never has to grow. */
    buf_init(values, document_size + 64);
    buf_reserve(values, document_size + 64);
}

bool elements_check_container(const struct xml_element *element, const char *const *attributes,
                              struct error *err)
{
    return xml_only_attributes(element, attributes, err) && xml_only_elements(element, err);
}

bool elements_adopt_error(struct error *err, const struct error *cause,
                          const struct error_code *const *own, const struct error_code *code,
                          const struct error_code *limit, const char *clause)
{
    if (!err)
        return false;
    *err = *cause;
    for (size_t i = 0; own[i]; i++) {
        if (cause->code == own[i])
            return false;
    }
    err->code = error_kind(cause) == ERROR_LIMIT ? limit : code;
    if (!err->clause)
        err->clause = clause;
    return false;
}

bool elements_parse_bytes(struct slice *out, struct buf *values, const struct xml_element *element,
                          size_t maximum, struct error *err)
{
    size_t start = values->size;
    if (!xml_only_attributes(element, no_attributes, err) || !xml_bytes(values, element, err))
        return false;
    size_t size = values->size - start;
    if (size == 0 || size > maximum)
        return error_set(err, &protector_malformed, "MS-KPS 6.5", xml_name(element),
                         "%s holds %zu bytes; 1 to %zu are expected", xml_name(element), size,
                         maximum);
    *out = slice_of(values->data + start, size);
    return true;
}

bool elements_parse_certificate(struct slice *out, struct buf *values,
                                const struct xml_element *element, struct error *err)
{
    return elements_parse_bytes(out, values, element, CERTIFICATE_SIZE_MAX, err);
}

/* The Algorithm attribute of element, for one use. */
static bool parse_algorithm(int *value, enum algorithms_use use, const struct xml_element *element,
                            struct error *err)
{
    const char *uri = xml_attribute(element, "Algorithm");
    if (!uri)
        return error_set(err, &protector_malformed, "MS-KPS 2.2.3.12", xml_name(element),
                         "%s has no Algorithm attribute", xml_name(element));
    return algorithms_find(value, use, uri, err);
}

/* An element without content whose Algorithm must be the one expected. */
static bool expect_method(const struct xml_element **cursor, const char *namespace_uri,
                          const char *name, enum algorithms_use use, int expected,
                          const struct xml_element *parent, struct error *err)
{
    const struct xml_element *element = xml_take(cursor, namespace_uri, name, parent, err);
    int value;
    if (!element || !elements_check_container(element, algorithm_attribute, err) ||
        !xml_take_end(xml_first(element), element, err) ||
        !parse_algorithm(&value, use, element, err))
        return false;
    if (value != expected)
        return error_set(err, &protector_algorithm, "protocol.md 3", name,
                         "%s of %s must be \"%s\", not \"%s\"", name, xml_name(parent),
                         algorithms_uri(use, expected), algorithms_uri(use, value));
    return true;
}

static bool parse_signature_type(int *algorithm, enum algorithms_use use, struct slice *value,
                                 struct buf *values, const struct xml_element *element,
                                 struct error *err)
{
    if (!elements_check_container(element, algorithm_attribute, err) ||
        !parse_algorithm(algorithm, use, element, err))
        return false;
    const struct xml_element *cursor = xml_first(element);
    if (xml_take_optional(&cursor, PROTECTOR_NAMESPACE, "Parameters"))
        return error_set(err, &protector_algorithm, "protocol.md 3", xml_name(element),
                         "a signature has Parameters; its algorithm has none here");
    const struct xml_element *content =
        xml_take(&cursor, PROTECTOR_NAMESPACE, "SignatureValue", element, err);
    return content && xml_take_end(cursor, element, err) &&
           elements_parse_bytes(value, values, content, RSA_VALUE_MAX, err);
}

bool elements_parse_signature(struct protector_signature *out, struct buf *values,
                              const struct xml_element *element, struct error *err)
{
    int algorithm;
    struct slice value;
    if (!parse_signature_type(&algorithm, ALGORITHMS_SIGNATURE, &value, values, element, err))
        return false;
    *out = (struct protector_signature){(enum signature_algorithm)algorithm, value};
    return true;
}

bool elements_parse_mac(struct elements_mac *out, struct buf *values,
                        const struct xml_element *element, struct error *err)
{
    int algorithm;
    struct slice value;
    if (!parse_signature_type(&algorithm, ALGORITHMS_MAC, &value, values, element, err))
        return false;
    size_t expected = digest_size((enum digest_algorithm)algorithm);
    if (value.size != expected)
        return error_set(err, &protector_malformed, "MS-KPS 2.2.2.7", xml_name(element),
                         "the transport key signature is %zu bytes, not %zu", value.size, expected);
    *out = (struct elements_mac){(enum digest_algorithm)algorithm, value};
    return true;
}

/* protocol.md 3: rsa-oaep names its digest and mask; rsa-oaep-mgf1p leaves nothing to name, but may
 * name SHA-1. */
static bool check_key_transport(enum encryption_algorithm algorithm,
                                const struct xml_element *parameters,
                                const struct xml_element *parent, struct error *err)
{
    if (!parameters && algorithm == ENCRYPTION_RSA_OAEP_SHA1)
        return true;
    if (!parameters)
        return error_set(err, &protector_algorithm, "protocol.md 3", xml_name(parent),
                         "rsa-oaep without Parameters: DigestMethod and MGF must be named");
    if (!elements_check_container(parameters, no_attributes, err))
        return false;
    const struct xml_element *cursor = xml_first(parameters);
    if (algorithm == ENCRYPTION_RSA_OAEP_SHA1)
        return expect_method(&cursor, XMLDSIG_NAMESPACE, "DigestMethod", ALGORITHMS_DIGEST,
                             DIGEST_SHA1, parameters, err) &&
               xml_take_end(cursor, parameters, err);
    return expect_method(&cursor, XMLDSIG_NAMESPACE, "DigestMethod", ALGORITHMS_DIGEST,
                         DIGEST_SHA256, parameters, err) &&
           expect_method(&cursor, XMLENC11_NAMESPACE, "MGF", ALGORITHMS_MASK, DIGEST_SHA256,
                         parameters, err) &&
           xml_take_end(cursor, parameters, err);
}

bool elements_parse_encrypted_data(enum encryption_algorithm *algorithm, struct slice *value,
                                   struct buf *values, const struct xml_element *element,
                                   struct error *err)
{
    int named;
    if (!elements_check_container(element, algorithm_attribute, err) ||
        !parse_algorithm(&named, ALGORITHMS_KEY_TRANSPORT, element, err))
        return false;
    const struct xml_element *cursor = xml_first(element);
    const struct xml_element *parameters =
        xml_take_optional(&cursor, PROTECTOR_NAMESPACE, "Parameters");
    if (!check_key_transport((enum encryption_algorithm)named, parameters, element, err))
        return false;
    const struct xml_element *content =
        xml_take(&cursor, PROTECTOR_NAMESPACE, "CipherValue", element, err);
    if (!content || !xml_take_end(cursor, element, err) ||
        !elements_parse_bytes(value, values, content, RSA_VALUE_MAX, err))
        return false;
    *algorithm = (enum encryption_algorithm)named;
    return true;
}

/* An attribute of ConcatKDFParams: hexadecimal of the pad byte and text. */
static bool expect_concat_part(const struct xml_element *element, const char *name,
                               const char *text, struct error *err)
{
    const char *given = xml_attribute(element, name);
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, 256);
    bool same = given && hex_parse(&bytes, slice_from_text(given), NULL) && bytes.size >= 1 &&
                bytes.data[0] == 0 &&
                slice_equals_text(slice_of(bytes.data + 1, bytes.size - 1), text);
    if (!same)
        return error_set(err, &protector_algorithm, "XML Encryption 1.1 section 5.4.1", name,
                         "%s of ConcatKDFParams is not the one that is used here", name);
    return true;
}

static bool parse_concat_parameters(const struct xml_element *parameters, struct error *err)
{
    static const char *const attributes[] = {"AlgorithmID", "PartyUInfo", "PartyVInfo", NULL};
    const struct xml_element *cursor = xml_first(parameters);
    const struct xml_element *concat =
        xml_take(&cursor, XMLENC11_NAMESPACE, "ConcatKDFParams", parameters, err);
    if (!concat || !xml_take_end(cursor, parameters, err) ||
        !elements_check_container(concat, attributes, err) ||
        !expect_concat_part(concat, "AlgorithmID", TRANSPORT_KEY_SIGNATURE_LABEL, err) ||
        !expect_concat_part(concat, "PartyUInfo", "", err) ||
        !expect_concat_part(concat, "PartyVInfo", "", err))
        return false;
    cursor = xml_first(concat);
    return expect_method(&cursor, XMLDSIG_NAMESPACE, "DigestMethod", ALGORITHMS_DIGEST,
                         DIGEST_SHA256, concat, err) &&
           xml_take_end(cursor, concat, err);
}

bool elements_parse_key_derivation(const struct xml_element *element, struct error *err)
{
    int algorithm;
    if (!elements_check_container(element, algorithm_attribute, err) ||
        !parse_algorithm(&algorithm, ALGORITHMS_KEY_DERIVATION, element, err))
        return false;
    const struct xml_element *cursor = xml_first(element);
    const struct xml_element *parameters =
        xml_take_optional(&cursor, PROTECTOR_NAMESPACE, "Parameters");
    if (!parameters)
        return error_set(err, &protector_algorithm, "XML Encryption 1.1 section 5.4.1",
                         xml_name(element), "ConcatKDF without ConcatKDFParams");
    return xml_take_end(cursor, element, err) &&
           elements_check_container(parameters, no_attributes, err) &&
           parse_concat_parameters(parameters, err);
}

bool elements_parse_unsigned_attribute(uint32_t *out, const struct xml_element *element,
                                       const char *name, struct error *err)
{
    const char *text = xml_attribute(element, name);
    if (!text)
        return error_set(err, &protector_malformed, "MS-KPS 6.1", xml_name(element),
                         "%s has no %s attribute", xml_name(element), name);
    uint64_t value = 0;
    size_t digits = 0;
    while (text[digits] >= '0' && text[digits] <= '9' && digits < 10)
        value = value * 10 + (uint64_t)(text[digits++] - '0');
    bool canonical = digits > 0 && text[digits] == '\0' && (digits == 1 || text[0] != '0');
    if (!canonical || value > UINT32_MAX)
        return error_set(err, &protector_malformed, "MS-KPS 6.1", xml_name(element),
                         "%s of %s is not an unsigned 32-bit number in canonical form", name,
                         xml_name(element));
    *out = (uint32_t)value;
    return true;
}

void elements_write_bytes(struct buf *out, const char *name, struct slice bytes)
{
    buf_append_format(out, "<%s>", name);
    base64_append(out, bytes);
    buf_append_format(out, "</%s>", name);
}

void elements_write_signature(struct buf *out, const char *name, const char *algorithm_uri,
                              struct slice value)
{
    buf_append_format(out, "<%s Algorithm=\"%s\">", name, algorithm_uri);
    elements_write_bytes(out, "SignatureValue", value);
    buf_append_format(out, "</%s>", name);
}

/* A prefix is declared on the element that uses it and start and end tag are apart: that is the
 * exclusive-canonical form. */
static void write_digest_method(struct buf *out, enum digest_algorithm algorithm)
{
    buf_append_format(out,
                      "<ds:DigestMethod xmlns:ds=\"" XMLDSIG_NAMESPACE
                      "\" Algorithm=\"%s\"></ds:DigestMethod>",
                      algorithms_uri(ALGORITHMS_DIGEST, (int)algorithm));
}

void elements_write_encrypted_data(struct buf *out, enum encryption_algorithm algorithm,
                                   struct slice value)
{
    buf_append_format(out, "<EncryptedData Algorithm=\"%s\">",
                      algorithms_uri(ALGORITHMS_KEY_TRANSPORT, (int)algorithm));
    if (algorithm == ENCRYPTION_RSA_OAEP_SHA256) {
        buf_append_text(out, "<Parameters>");
        write_digest_method(out, DIGEST_SHA256);
        buf_append_format(out,
                          "<xenc11:MGF xmlns:xenc11=\"" XMLENC11_NAMESPACE
                          "\" Algorithm=\"%s\"></xenc11:MGF>",
                          algorithms_uri(ALGORITHMS_MASK, DIGEST_SHA256));
        buf_append_text(out, "</Parameters>");
    }
    elements_write_bytes(out, "CipherValue", value);
    buf_append_text(out, "</EncryptedData>");
}

void elements_write_key_derivation(struct buf *out)
{
    buf_append_format(out, "<KeyDerivationMethod Algorithm=\"%s\"><Parameters>",
                      algorithms_uri(ALGORITHMS_KEY_DERIVATION, ALGORITHMS_CONCAT_KDF));
    buf_append_text(out, "<xenc11:ConcatKDFParams xmlns:xenc11=\"" XMLENC11_NAMESPACE
                         "\" AlgorithmID=\"" CONCAT_PAD);
    hex_append_upper(out, slice_from_text(TRANSPORT_KEY_SIGNATURE_LABEL));
    buf_append_text(out, "\" PartyUInfo=\"" CONCAT_PAD "\" PartyVInfo=\"" CONCAT_PAD "\">");
    write_digest_method(out, DIGEST_SHA256);
    buf_append_text(out, "</xenc11:ConcatKDFParams></Parameters></KeyDerivationMethod>");
}
