/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `hgs host baseline`. */

#include "base/option.h"

int baseline_run(const struct option_values *values);

extern const struct option_entry baseline_options[];
extern const struct option_argument baseline_arguments[];
