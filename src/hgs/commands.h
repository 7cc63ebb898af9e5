/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The nouns of hgs: each file of this folder that is one ends with its table of commands. */

#include "base/option.h"

extern const struct option_command host_commands[];
extern const struct option_command guardian_commands[];
extern const struct option_command protector_commands[];
extern const struct option_command vm_commands[];
