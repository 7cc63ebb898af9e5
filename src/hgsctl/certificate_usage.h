/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `certificate usage`: which certificate can go. */

#include "hgsctl/call.h"

int certificate_usage_run(const struct option_values *values);
/* Behind what was said of a certificate that is disabled now: how many key protectors are refused
 * for it, if any are. Uses call for a call of its own; a failure is passed over. */
void certificate_usage_warn(struct call *call, const char *type, const char *thumbprint);
