/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate_request.h"

#include "crypto/certificate_extensions.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "crypto/name.h"
#include "crypto/pem.h"

/* 1.2.840.113549.1.9.14 */
static const uint8_t oid_extension_request[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                0x0d, 0x01, 0x09, 0x0e};

/* RFC 2985 5.4.2. */
static void write_attributes(struct buf *out, const struct certificate_request_template *wanted,
                             const struct public_key *key)
{
    struct digest key_id; /* RFC 5280 4.2.1.2 (1) */
    digest_compute(&key_id, DIGEST_SHA1, public_key_material(key));
    size_t attributes = der_begin(out, DER_CONTEXT_CONSTRUCTED(0));
    size_t attribute = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, slice_of(oid_extension_request, sizeof oid_extension_request));
    size_t values = der_begin(out, DER_SET);
    size_t extensions = der_begin(out, DER_SEQUENCE);
    certificate_write_key_usage(out, wanted->usage);
    certificate_write_subject_key_id(out, digest_slice(&key_id));
    der_end(out, extensions);
    der_end(out, values);
    der_end(out, attribute);
    der_end(out, attributes);
}

/* RFC 2986 4.1. */
static void write_info(struct buf *out, const struct certificate_request_template *wanted,
                       const struct public_key *key)
{
    size_t info = der_begin(out, DER_SEQUENCE);
    der_write_number(out, 0);
    buf_append(out, wanted->subject);
    buf_append(out, public_key_spki(key));
    write_attributes(out, wanted, key);
    der_end(out, info);
}

bool certificate_request_issue(struct buf *out, const struct certificate_request_template *wanted,
                               const struct signer *signer, struct error *err)
{
    static const char object[] = "certificate request";
    if (!name_check(wanted->subject))
        return error_set(err, &crypto_name_malformed, "RFC 2986 4.1", object,
                         "its subject is no distinguished name");
    enum signature_algorithm algorithm = signer_algorithm(signer->public_key);
    _cleanup_buf_ struct buf request, signature;
    buf_init(&request, CERTIFICATE_REQUEST_SIZE_MAX);
    buf_init(&signature, CERTIFICATE_REQUEST_SIZE_MAX);
    size_t begin = der_begin(&request, DER_SEQUENCE);
    size_t info = request.size;
    write_info(&request, wanted, signer->public_key);
    struct slice message = slice_of(request.data + info, request.size - info);
    if (!buf_ok(&request, object, err) ||
        !signer->sign(signer->context, algorithm, message, &signature, err))
        return false;
    buf_append(&request, certificate_algorithm_identifier(algorithm));
    der_write_bits(&request, buf_slice(&signature));
    der_end(&request, begin);
    if (!buf_ok(&request, object, err))
        return false;
    buf_append(out, buf_slice(&request));
    return buf_ok(out, object, err);
}

bool certificate_request_check(struct slice info, const uint8_t key_digest[DIGEST_SHA256_SIZE],
                               struct error *err)
{
    uint8_t digest[DIGEST_SHA256_SIZE];
    struct reader outer = reader_of(info);
    struct reader reader = der_enter(&outer, DER_SEQUENCE);
    uint64_t version = der_read_number(&reader, 0);
    struct slice subject = der_read_element(&reader);
    struct slice key = der_read_element(&reader);
    struct slice attributes = der_read(&reader, DER_CONTEXT_CONSTRUCTED(0));
    digest_sha256(digest, key);
    bool good = reader_done(&reader) && reader_done(&outer) && version == 0 &&
                attributes.size > 0 && name_check(subject) &&
                memcmp(digest, key_digest, sizeof digest) == 0;
    return good || error_set(err, &crypto_request_malformed, "RFC 2986 4.1", NULL,
                             "it is no CertificationRequestInfo for this key");
}

void certificate_request_format_pem(struct buf *out, struct slice der)
{
    pem_format(out, "CERTIFICATE REQUEST", der);
}
