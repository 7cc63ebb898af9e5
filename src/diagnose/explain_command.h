/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command `explain CODE` of hgs and hgsctl. */

#include "base/option.h"

/* One row and the end of the table. */
extern const struct option_command diagnose_explain_commands[];
