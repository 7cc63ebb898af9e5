/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `policy explain` and `policy diff`: logs in words. Their rows are in policy.c. */

#include "base/option.h"

int policy_judge_explain(const struct option_values *values);
int policy_judge_diff(const struct option_values *values);
