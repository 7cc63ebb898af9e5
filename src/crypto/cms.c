/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cms.h"

#include "crypto/der.h"
#include "crypto/errors.h"

#define CERTIFICATES_MAX 64

static const uint8_t oid_data[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
static const uint8_t oid_signed_data[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};

void cms_format_certificates(struct buf *out, const struct certificate *const *certificates,
                             size_t count)
{
    size_t content_info = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, slice_of(oid_signed_data, sizeof oid_signed_data));
    size_t explicit = der_begin(out, DER_CONTEXT_CONSTRUCTED(0));
    size_t signed_data = der_begin(out, DER_SEQUENCE);
    der_write_number(out, 1);
    der_write(out, DER_SET, SLICE_EMPTY); /* digestAlgorithms */
    size_t content = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_OID, slice_of(oid_data, sizeof oid_data));
    der_end(out, content);
    /* A SET, which DER would sort; the drivers read it in order, and RFC 5652 wants no more than
     * BER here. */
    size_t list = der_begin(out, DER_CONTEXT_CONSTRUCTED(0));
    for (size_t i = 0; i < count; i++)
        buf_append(out, certificate_der(certificates[i]));
    der_end(out, list);
    der_write(out, DER_SET, SLICE_EMPTY); /* signerInfos */
    der_end(out, signed_data);
    der_end(out, explicit);
    der_end(out, content_info);
}

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, &crypto_cms_malformed, "RFC 5652 5.1", NULL, "%s", what);
}

/* The reader stands at SignedData's version and ends behind encapContentInfo. */
static void skip_to_certificates(struct reader *signed_data)
{
    der_read_number(signed_data, 5);
    der_read(signed_data, DER_SET);
    der_read(signed_data, DER_SEQUENCE);
}

static bool read_certificates(struct reader certificates,
                              bool (*each)(void *context, struct slice certificate,
                                           struct error *err),
                              void *context, struct error *err)
{
    size_t count = 0;
    while (certificates.rest.size > 0) {
        bool certificate = der_peek(&certificates) == DER_SEQUENCE;
        struct slice element = der_read_element(&certificates);
        if (certificates.failed || !certificate)
            return malformed(err, "something in its list is not a certificate");
        if (++count > CERTIFICATES_MAX)
            return error_set(err, &crypto_cms_malformed, "RFC 5652 5.1", NULL,
                             "it holds more than %d certificates", CERTIFICATES_MAX);
        if (!each(context, element, err))
            return false;
    }
    return true;
}

bool cms_parse_certificates(struct slice der,
                            bool (*each)(void *context, struct slice certificate,
                                         struct error *err),
                            void *context, struct error *err)
{
    struct reader outer = reader_of(der);
    struct reader content_info = der_enter(&outer, DER_SEQUENCE);
    struct slice type = der_read(&content_info, DER_OID);
    struct reader explicit = der_enter(&content_info, DER_CONTEXT_CONSTRUCTED(0));
    struct reader signed_data = der_enter(&explicit, DER_SEQUENCE);
    if (!reader_done(&outer) || !reader_done(&content_info) || !reader_done(&explicit) ||
        !slice_equal(type, slice_of(oid_signed_data, sizeof oid_signed_data)))
        return malformed(err, "it is not one whole DER ContentInfo with a SignedData");
    skip_to_certificates(&signed_data);
    struct reader certificates = reader_of(SLICE_EMPTY);
    if (der_peek(&signed_data) == DER_CONTEXT_CONSTRUCTED(0))
        certificates = der_enter(&signed_data, DER_CONTEXT_CONSTRUCTED(0));
    if (der_peek(&signed_data) == DER_CONTEXT_CONSTRUCTED(1))
        der_read(&signed_data, DER_CONTEXT_CONSTRUCTED(1)); /* revocation lists */
    der_read(&signed_data, DER_SET);                        /* signerInfos */
    if (!reader_done(&signed_data))
        return malformed(err, "its SignedData is malformed");
    return read_certificates(certificates, each, context, err);
}
