/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates from an authority: what the commands `certificate request` and `certificate cancel`
 * do. Each gives the exit status. */

#include "base/option.h"

int certificate_request_run(const struct option_values *values);
int certificate_cancel_run(const struct option_values *values);
