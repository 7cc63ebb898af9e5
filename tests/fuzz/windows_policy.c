/* SPDX-License-Identifier: Apache-2.0 */

/* A Windows code integrity policy from anybody. */

#include "bootimage/windows_policy.h"

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct windows_policy policy;
    struct error err = {0};
    if (!windows_policy_parse(&policy, slice_of(data, size), &err)) {
        require(err.code != NULL);
        return 0;
    }
    require(policy.candidate_count >= 1 && policy.candidate_count <= WINDOWS_POLICY_CANDIDATES);
    struct digest flat;
    digest_compute(&flat, DIGEST_SHA256, slice_of(data, size));
    require(slice_equal(digest_slice(&flat), digests_get(&policy.candidates[0], DIGEST_SHA256)));
    return 0;
}
