/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate_file.h"

#include "crypto/cms.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "crypto/pem.h"

/* A ContentInfo begins with an OID (RFC 5652 section 3), a certificate with a SEQUENCE. */
static bool is_cms(struct slice der)
{
    struct reader reader = reader_of(der);
    struct reader inside = der_enter(&reader, DER_SEQUENCE);
    return der_peek(&inside) == DER_OID;
}

static bool read_der(struct slice der, certificate_file_each *each, void *context,
                     struct error *err)
{
    if (is_cms(der))
        return cms_parse_certificates(der, each, context, err);
    if (!der_is(der, DER_SEQUENCE))
        return error_set(err, &crypto_certificate_malformed, NULL, NULL,
                         "it holds neither a certificate nor a PKCS#7 list of them");
    return each(context, der, err);
}

static bool read_block(struct slice block, certificate_file_each *each, void *context,
                       struct error *err)
{
    struct buf der;
    buf_init(&der, PEM_FILE_SIZE_MAX);
    bool good = pem_decode(&der, block) ? read_der(buf_slice(&der), each, context, err)
                                        : error_set(err, &crypto_certificate_malformed, "RFC 7468",
                                                    NULL, "one of its PEM blocks is not base64");
    buf_done(&der);
    return good;
}

bool certificate_file_read(struct slice bytes, certificate_file_each *each, void *context,
                           struct error *err)
{
    if (bytes.size > PEM_FILE_SIZE_MAX)
        return error_set(err, &crypto_certificate_malformed, NULL, NULL,
                         "a file of %zu bytes is larger than any list of certificates", bytes.size);
    if (!pem_is(bytes))
        return read_der(bytes, each, context, err);
    size_t found = 0;
    struct slice rest = bytes;
    struct pem_block block;
    while (pem_next(&block, &rest)) {
        if (!slice_equals_text(block.label, "CERTIFICATE") &&
            !slice_equals_text(block.label, "PKCS7"))
            continue;
        found++;
        if (!read_block(block.body, each, context, err))
            return false;
    }
    return found > 0 || error_set(err, &crypto_certificate_malformed, "RFC 7468", NULL,
                                  "the PEM file holds no whole CERTIFICATE or PKCS7");
}
