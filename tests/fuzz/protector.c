/* SPDX-License-Identifier: Apache-2.0 */
/* Key protectors as anybody may send them: parsed, verified, tried with a key. */
#include "protector/protector.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[PROTECTOR_TRANSPORT_KEY_SIZE];
    _cleanup_protector_ struct protector *protector = NULL;
    struct error err = {0};
    if (!protector_parse(&protector, slice_of(data, size), NULL, &err)) {
        require(err.code != NULL && protector == NULL);
        return 0;
    }
    size_t count = protector_wrapping_count(protector);
    require(count >= 1 && count <= PROTECTOR_WRAPPINGS_MAX);
    require(protector_last_guardian(protector) != NULL);
    if (protector_verify(protector, &err))
        require(protector_owner(protector) != NULL);
    require(!protector_verify_transport_key(protector, slice_of(key, sizeof key), &err));
    return 0;
}
