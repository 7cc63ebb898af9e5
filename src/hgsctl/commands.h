/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The nouns of hgsctl: each file of this folder that is one ends with its table of commands. */

#include "base/option.h"

extern const struct option_command server_commands[];
extern const struct option_command host_commands[];
extern const struct option_command policy_commands[];
extern const struct option_command pending_commands[];
extern const struct option_command tpm_root_commands[];
extern const struct option_command certificate_commands[];
extern const struct option_command token_commands[];
extern const struct option_command signer_commands[];
extern const struct option_command event_commands[];
extern const struct option_command state_commands[];
