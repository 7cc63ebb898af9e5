/* SPDX-License-Identifier: Apache-2.0 */
/* Guardian metadata as it comes from a network: no document may get an owner to trust another
 * guardian. */
#include "protector/metadata.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct metadata_checks checks = {.allow_untrusted_root = true,
                                                  .allow_expired = true};
    _cleanup_guardian_ struct guardian guardian = {0};
    struct error err = {0};
    if (!metadata_parse(&guardian, slice_of(data, size), &checks, &err)) {
        require(err.code != NULL && guardian.signing == NULL);
        return 0;
    }
    require(public_key_verify(
        certificate_key(guardian.signing), guardian.encryption_signature_algorithm,
        certificate_der(guardian.encryption), buf_slice(&guardian.encryption_signature), NULL));
    return 0;
}
