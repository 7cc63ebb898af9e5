/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM's identity key in its kept form: whatever is read is written back as it was. */
#include "host/tpm_key.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_host_tpm_key_ struct host_tpm_key key = {0};
    _cleanup_buf_ struct buf again;
    struct error err = {0};
    buf_init(&again, (size_t)2 * HOST_TPM_KEY_MAX);
    if (!host_tpm_key_parse(&key, slice_of(data, size), &err)) {
        require(err.code != NULL && key.context.data == NULL);
        return 0;
    }
    host_tpm_key_format(&again, &key);
    require(slice_equal(buf_slice(&again), slice_of(data, size)));
    return 0;
}
