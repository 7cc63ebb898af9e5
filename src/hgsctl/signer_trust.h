/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whose health certificates are accepted: what the commands `signer trust`, `signer distrust` and
 * `signer deny-before` do. Each gives the exit status. */

#include "base/option.h"

int signer_trust_run(const struct option_values *values);
int signer_distrust_run(const struct option_values *values);
int signer_deny_before_run(const struct option_values *values);
