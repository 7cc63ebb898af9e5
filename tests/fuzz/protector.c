/* SPDX-License-Identifier: Apache-2.0 */
/* Key protectors as anybody may send them: parsed, verified, tried with a key. */
#include "protector/protector.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[PROTECTOR_TRANSPORT_KEY_SIZE];
    _cleanup_protector_ struct protector *protector = NULL;
    struct error err = {0};
    if (!protector_parse(&protector, slice_of(data, size), NULL, &err)) {
        if (!err.code || protector)
            abort();
        return 0;
    }
    size_t count = protector_wrapping_count(protector);
    if (count == 0 || count > PROTECTOR_WRAPPINGS_MAX || !protector_last_guardian(protector))
        abort();
    if (protector_verify(protector, &err) && !protector_owner(protector))
        abort();
    if (protector_verify_transport_key(protector, slice_of(key, sizeof key), &err))
        abort();
    return 0;
}
