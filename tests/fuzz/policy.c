/* SPDX-License-Identifier: Apache-2.0 */

/* The record of a policy, as an administrator's program sends it. What is read is the same when it
 * is written, read and written again, and a set takes it. */

#include "policy/set.h"

#include "require.h"

static void take(struct policy *policy)
{
    struct policy_set *set = policy_set_new(2);
    struct policy_subject subject = {
        .host = "node1", .profile = policy->profile, .version = POLICY_VERSION_2};
    char key[POLICY_KEY_SIZE];
    require(strlen(policy_key(policy, key)) > 0);
    if (!policy_set_add(set, policy, NULL))
        policy_done(policy);
    require((policy_pcrs(set, &subject) & ~0xffffu) == 0);
    policy_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy policy, again;
    struct error err = {0};
    if (size > POLICY_RECORD_MAX)
        return 0;
    if (!policy_parse(&policy, slice_of(data, size), &err)) {
        require(err.code != NULL);
        return 0;
    }
    _cleanup_buf_ struct buf first, second;
    buf_init(&first, 8 * POLICY_RECORD_MAX);
    buf_init(&second, 8 * POLICY_RECORD_MAX);
    policy_format(&first, &policy);
    require(policy_parse(&again, buf_slice(&first), NULL));
    policy_format(&second, &again);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
    policy_done(&again);
    take(&policy);
    return 0;
}
