/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What commands that use this host's TPM have in common, and the one that shows who the host is:
 * `host identify`. */

#include "base/option.h"
#include "host/config.h"

/* Which of the options --bios-log and --ima-log a command has. */
enum platform_logs { PLATFORM_NO_LOGS, PLATFORM_BIOS_LOG, PLATFORM_BOTH_LOGS };

/* host.conf, and over it --tcti and those options. */
bool platform_load_config(struct host_config *out, const struct option_values *values,
                          enum platform_logs logs, struct error *err);

int platform_identify(const struct option_values *values);

extern const struct option_entry platform_identify_options[];

/* Option rows. */
#define PLATFORM_ROW_TCTI                                                                          \
    {                                                                                              \
        "tcti", "TCTI", "the TPM, as tpm2-tss names it (HGS_TCTI, host.conf; device:/dev/tpmrm0)", \
            OPTION_VALUE                                                                           \
    }
#define PLATFORM_ROW_BIOS_LOG                                                                 \
    {                                                                                         \
        "bios-log", "FILE", "the firmware's event log (default: the kernel's)", OPTION_VALUE, \
            OPTION_FILE                                                                       \
    }
#define PLATFORM_ROW_IMA_LOG                                                                      \
    {                                                                                             \
        "ima-log", "FILE", "the IMA list (default: the kernel's, if it keeps one)", OPTION_VALUE, \
            OPTION_FILE                                                                           \
    }
