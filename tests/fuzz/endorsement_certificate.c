/* SPDX-License-Identifier: Apache-2.0 */

/* What a TPM's NV index holds, a chain behind it: cut, read, and verified against an administrator
 * who trusts that very certificate, and another one of its issuer's name. */

#include "tpm/endorsement_certificate.h"

#include "require.h"

#define NOW 1790000000

static void try_chain(struct slice der, struct slice brought)
{
    struct tpm_trusted_certificate trusted[2] = {{der, false}, {der, true}};
    for (size_t count = 0; count <= 2; count++) {
        _cleanup_tpm_trust_ struct tpm_trust *trust = tpm_trust_new(trusted, count, 4, NULL);
        for (int round = 0; round < 2; round++) {
            _cleanup_certificate_ struct certificate *certificate = NULL;
            struct error err = {0};
            bool good =
                tpm_endorsement_certificate_verify(&certificate, der, brought, trust, NOW, &err);
            require(good == (certificate != NULL) && good == (err.code == NULL));
            /* It could only have issued itself, and then be an authority. */
            require(!good || count > 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice der, first, behind;
    struct error err = {0};
    struct slice input = slice_of(data, size);
    if (tpm_endorsement_certificate_split(&first, &behind, input)) {
        struct slice chain = tpm_endorsement_certificate_cut_chain(behind);
        require(first.size + behind.size == size && chain.size <= behind.size);
        try_chain(first, chain);
    }
    if (!tpm_endorsement_certificate_cut(&der, input, &err)) {
        require(err.code != NULL);
        return 0;
    }
    _cleanup_certificate_ struct certificate *certificate = NULL, *root = NULL;
    struct tpm_maker maker;
    if (tpm_endorsement_certificate_parse(&certificate, der, &err)) {
        require(slice_equal(certificate_der(certificate), der));
        tpm_endorsement_certificate_maker(&maker, certificate);
        require(memchr(maker.model, 0, sizeof maker.model) != NULL);
    }
    for (int intermediate = 0; intermediate < 2; intermediate++) {
        bool good = tpm_trust_check(&root, der, intermediate, NULL);
        require(good == (root != NULL));
        certificate_free(&root);
    }
    try_chain(der, SLICE_EMPTY);
    return 0;
}
