/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `certificate usage`: which certificate can go. */

#include "base/option.h"

int certificate_usage_run(const struct option_values *values);
