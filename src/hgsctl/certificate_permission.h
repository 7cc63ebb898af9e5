/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `certificate permission`: whether the keyholder can read the private key of a certificate in a
 * file, what its user lacks, and giving it that. */

#include "base/option.h"

int certificate_permission_run(const struct option_values *values);
