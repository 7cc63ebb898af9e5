/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `certificate add`, from each of the places that a private key may lie in. */

#include "base/option.h"

int certificate_add_run(const struct option_values *values);
