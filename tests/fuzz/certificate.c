/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates, alone or as a list, as DER or PEM. What is accepted is accepted again from the PEM
 * file that we write, and is the same certificate. */

#include "crypto/certificate.h"
#include "crypto/cms.h"
#include "crypto/name.h"

#include "require.h"

static bool within(struct slice part, struct slice whole)
{
    return part.size == 0 || (part.data >= whole.data && part.size <= whole.size &&
                              (size_t)(part.data - whole.data) <= whole.size - part.size);
}

static void check_facts(const struct certificate_facts *facts)
{
    require(within(facts->serial, facts->der) && within(facts->subject, facts->der) &&
            within(facts->issuer, facts->der) && within(facts->subject_key_id, facts->der) &&
            within(facts->authority_key_id, facts->der));
    require(name_check(facts->subject) && name_check(facts->issuer));
    require(facts->subject_text != NULL && facts->issuer_text != NULL);
}

static void read_again(const struct certificate *certificate)
{
    _cleanup_certificate_ struct certificate *again = NULL;
    _cleanup_buf_ struct buf pem;
    buf_init(&pem, 2 * CERTIFICATE_SIZE_MAX);
    certificate_format_pem(&pem, certificate);
    require(certificate_parse_file(&again, buf_slice(&pem), NULL));
    require(slice_equal(certificate_der(again), certificate_der(certificate)));
}

static bool look(void *context, struct slice der, struct error *err)
{
    (void)context;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!certificate_parse(&certificate, der, err)) {
        require(certificate == NULL);
        return true; /* the next one, too */
    }
    check_facts(certificate_facts(certificate));
    read_again(certificate);
    bool verified = certificate_verify_issued(certificate, certificate, err);
    require(verified == certificate_facts(certificate)->self_signed);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct error err = {0};
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (certificate_parse_file(&certificate, input, &err))
        look(NULL, certificate_der(certificate), &err);
    else
        require(certificate == NULL && err.code != NULL);
    cms_parse_certificates(input, look, NULL, &err);
    return 0;
}
