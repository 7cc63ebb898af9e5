/* SPDX-License-Identifier: Apache-2.0 */

/* What was encrypted to a guardian or to a host: transport keys. What a client accepts it finds
 * again in the payload that we write; a service always gets 32 bytes. */

#include "protector/transport_key.h"

#include "require.h"

#define KEYS_MAX 4

static void format_again(const struct secret *keys, size_t count, unsigned version)
{
    struct slice slices[KEYS_MAX];
    for (size_t i = 0; i < count; i++)
        slices[i] =
            slice_of(keys->data + i * PROTECTOR_TRANSPORT_KEY_SIZE, PROTECTOR_TRANSPORT_KEY_SIZE);
    _cleanup_buf_ struct buf payload;
    buf_init_secret(&payload, 4096);
    protector_payload_format(&payload, version, slices, count);
    _cleanup_secret_ struct secret again = SECRET_EMPTY;
    size_t count_again;
    require(protector_payload_parse(&again, &count_again, KEYS_MAX, buf_slice(&payload), NULL));
    require(count_again == count && secret_equal(secret_slice(&again), secret_slice(keys)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct error err = {0};
    _cleanup_secret_ struct secret keys = SECRET_EMPTY, decrypted = SECRET_EMPTY;
    size_t count = 0;
    if (protector_payload_parse(&keys, &count, KEYS_MAX, input, &err)) {
        require(count >= 1 && count <= KEYS_MAX);
        require(keys.size == count * PROTECTOR_TRANSPORT_KEY_SIZE);
        if (count == 1)
            format_again(&keys, count, 1);
        format_again(&keys, count, 2);
    } else {
        require(keys.data == NULL && err.code != NULL);
    }
    uint8_t key[PROTECTOR_TRANSPORT_KEY_SIZE];
    secret_copy(&decrypted, input);
    protector_payload_key(key, &decrypted);
    return 0;
}
