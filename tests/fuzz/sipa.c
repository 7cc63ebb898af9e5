/* SPDX-License-Identifier: Apache-2.0 */
/* The data of an event of Windows' loaders: whatever is visited lies within the data. */
#include "eventlog/sipa.h"

#include "require.h"

static bool is_within(struct slice part, struct slice whole)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void visit(void *context, uint32_t id, struct slice payload)
{
    const struct slice *whole = context;
    struct sipa_si_policy policy;
    struct sipa_vsm_key key;
    uint64_t number;
    require((id & SIPA_AGGREGATION) == 0 && is_within(payload, *whole));
    if (sipa_si_policy_parse(&policy, payload))
        require(is_within(policy.name, payload) && is_within(policy.digest, payload));
    if (sipa_vsm_key_parse(&key, payload))
        require(is_within(key.exponent, payload) && is_within(key.modulus, payload) &&
                key.modulus.size >= 256);
    if (sipa_number(&number, payload))
        require(payload.size <= 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice whole = slice_of(data, size);
    sipa_walk(whole, visit, &whole);
    return 0;
}
