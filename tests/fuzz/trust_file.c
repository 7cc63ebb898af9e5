/* SPDX-License-Identifier: Apache-2.0 */

/* Files of authorities: whatever is handed on reads, and whatever does not read has a reason. */

#include "tpm/trust_file.h"

#include "crypto/certificate.h"

#include "require.h"

static bool look(void *context, const struct tpm_trust_found *found, struct error *err)
{
    (void)err;
    size_t *count = context;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (found->problem != NULL)
        require(found->problem->code != NULL && found->der.size == 0);
    else
        require(certificate_parse_endorsement(&certificate, found->der, NULL));
    require(found->name == NULL || found->place != TPM_TRUST_UNSAID);
    return ++*count < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    size_t count = 0;
    if (!tpm_trust_file_read(slice_of(data, size), look, &count, &err))
        require(err.code != NULL || count == 1000);
    return 0;
}
