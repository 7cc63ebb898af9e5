/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What values of options and arguments must look like. */

#include "base/option.h"

/* Why value is not of the form, "is not a name (…)"; NULL: it is. */
const char *option_check_form(enum option_check check, const char *value);
/* Decimal digits, up to UINT32_MAX; false: they are none. */
bool option_check_number(uint32_t *out, const char *text);
