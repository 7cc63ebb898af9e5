/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A policy for people, as `policy show` prints it. */

#include "base/json.h"

/* policy: an item of what the service answers to policy.show. */
void policy_show(const struct json *policy);
