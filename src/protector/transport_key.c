/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/transport_key.h"

#include "crypto/kdf.h"
#include "crypto/random.h"
#include "protector/errors.h"

#define POLICY_ID 1
#define POLICY_TYPE 6

static void skip_policies(struct reader *in)
{
    uint32_t count = reader_u32_le(in);
    if (count > TRANSPORT_KEY_POLICIES_MAX)
        in->failed = true;
    for (uint32_t i = 0; i < count && !in->failed; i++) {
        uint32_t id = reader_u32_le(in);
        uint32_t type = reader_u32_le(in);
        reader_bytes(in, reader_u32_le(in));
        if (id != POLICY_ID || type != POLICY_TYPE)
            in->failed = true;
    }
}

/* The bytes of all keys, and how many they are; false for any payload that is not as specified. */
static bool read_payload(struct slice *keys, size_t *count, size_t maximum, struct slice payload)
{
    struct reader in = reader_of(payload);
    uint32_t size = reader_u32_le(&in);
    uint32_t version = reader_u32_le(&in);
    uint32_t number = reader_u32_le(&in);
    uint32_t length = reader_u32_le(&in);
    if (in.failed || size != payload.size || (version != 1 && version != 2) || number == 0 ||
        number > maximum || length != PROTECTOR_TRANSPORT_KEY_SIZE)
        return false;
    *keys = reader_bytes(&in, (size_t)number * length);
    *count = number;
    if (version == 2)
        skip_policies(&in);
    return reader_done(&in);
}

void protector_payload_key(uint8_t key[PROTECTOR_TRANSPORT_KEY_SIZE],
                           const struct secret *decrypted)
{
    random_bytes(key, PROTECTOR_TRANSPORT_KEY_SIZE);
    struct slice found = SLICE_EMPTY;
    size_t count;
    bool fits = decrypted && read_payload(&found, &count, 1, secret_slice(decrypted));
    if (fits && found.data != NULL)
        memcpy(key, found.data, PROTECTOR_TRANSPORT_KEY_SIZE);
}

void protector_payload_format(struct buf *out, unsigned version, const struct slice *keys,
                              size_t count)
{
    size_t size = 16 + count * PROTECTOR_TRANSPORT_KEY_SIZE + (version == 2 ? 4 : 0);
    buf_append_u32_le(out, (uint32_t)size);
    buf_append_u32_le(out, version);
    buf_append_u32_le(out, (uint32_t)count);
    buf_append_u32_le(out, PROTECTOR_TRANSPORT_KEY_SIZE);
    for (size_t i = 0; i < count; i++)
        buf_append(out, keys[i]);
    if (version == 2)
        buf_append_u32_le(out, 0);
}

bool protector_payload_parse(struct secret *keys, size_t *count, size_t maximum,
                             struct slice payload, struct error *err)
{
    struct slice found;
    size_t number;
    if (!read_payload(&found, &number, maximum, payload))
        return error_set(err, &protector_malformed, "MS-KPS 2.2.3.10", "transport keys",
                         "a payload of %zu bytes is not one of up to %zu transport keys",
                         payload.size, maximum);
    secret_copy(keys, found);
    *count = number;
    return true;
}

void transport_key_sign(struct digest *out, enum digest_algorithm algorithm,
                        struct slice transport_key, struct slice wrappings)
{
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    kdf_concat(&key, transport_key, slice_from_text(TRANSPORT_KEY_SIGNATURE_LABEL),
               DIGEST_SHA256_SIZE);
    digest_hmac(out, algorithm, secret_slice(&key), wrappings);
}
