/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/sipa.h"

#define VSM_KEY_RSA 1
#define EXPONENT_SIZE_MAX 8

/* Lists that are open, the outermost first: no recursion over bytes from outside. */
bool sipa_walk(struct slice data, sipa_visit *visit, void *context)
{
    struct reader open[SIPA_DEPTH_MAX] = {reader_of(data)};
    size_t depth = 1;
    while (depth > 0) {
        struct reader *list = &open[depth - 1];
        if (list->rest.size == 0) {
            depth--;
            continue;
        }
        uint32_t id = reader_u32_le(list);
        struct slice payload = reader_bytes(list, reader_u32_le(list));
        if (list->failed)
            return false;
        if ((id & SIPA_AGGREGATION) == 0) {
            visit(context, id, payload);
        } else {
            if (depth == SIPA_DEPTH_MAX)
                return false;
            open[depth++] = reader_of(payload);
        }
    }
    return true;
}

bool sipa_number(uint64_t *out, struct slice payload)
{
    if (payload.size != 1 && payload.size != 2 && payload.size != 4 && payload.size != 8)
        return false;
    *out = 0;
    for (size_t i = payload.size; i > 0; i--)
        *out = *out << 8 | payload.data[i - 1];
    return true;
}

bool sipa_si_policy_parse(struct sipa_si_policy *out, struct slice payload)
{
    struct reader reader = reader_of(payload);
    struct sipa_si_policy policy;
    policy.version = reader_u64_le(&reader);
    uint16_t name_size = reader_u16_le(&reader);
    policy.algorithm = reader_u16_le(&reader);
    uint32_t digest_bytes = reader_u32_le(&reader);
    policy.name = reader_bytes(&reader, name_size);
    policy.digest = reader_bytes(&reader, digest_bytes);
    if (!reader_done(&reader) || name_size < 2 || name_size % 2 != 0 ||
        memcmp(policy.name.data + name_size - 2, "\0\0", 2) != 0)
        return false;
    policy.name.size -= 2;
    *out = policy;
    return true;
}

bool sipa_vsm_key_parse(struct sipa_vsm_key *out, struct slice payload)
{
    struct reader reader = reader_of(payload);
    uint32_t algorithm = reader_u32_le(&reader);
    uint32_t bits = reader_u32_le(&reader);
    uint32_t exponent_size = reader_u32_le(&reader);
    uint32_t modulus_size = reader_u32_le(&reader);
    if (reader.failed || algorithm != VSM_KEY_RSA || bits < 2048 || bits > 4096 || bits % 8 != 0 ||
        modulus_size != bits / 8 || exponent_size == 0 || exponent_size > EXPONENT_SIZE_MAX)
        return false;
    struct sipa_vsm_key key;
    key.exponent = reader_bytes(&reader, exponent_size);
    key.modulus = reader_bytes(&reader, modulus_size);
    /* A modulus of that many bits has the highest one set, and is odd. */
    if (!reader_done(&reader) || (key.modulus.data[0] & 0x80) == 0 ||
        (key.modulus.data[modulus_size - 1] & 1) == 0)
        return false;
    *out = key;
    return true;
}
