/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a policy can be removed. A baseline has the boot image that its reference host started; a
 * host that starts another one passes only because a ci policy knows the former, also while it is
 * disabled (policy/baseline.h). Without that policy every such host would fail.
 */

#include "policy/set.h"

/* admin.policy-needed, which names the baseline: removed is the one ci policy of the set that knows
 * an image of it. now: baselines at their end want nothing. */
bool policy_needs_check(const struct policy_set *set, const struct policy *removed, int64_t now,
                        struct error *err);
