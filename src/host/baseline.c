/* SPDX-License-Identifier: Apache-2.0 */
#include "host/baseline.h"

#include <stdio.h>

#include "base/memory.h"
#include "eventlog/replay.h"
#include "eventlog/systemd.h"
#include "host/errors.h"
#include "host/event_logs.h"
#include "host/tpm_pcrs.h"
#include "policy/validate.h"

#define FIRMWARE_PCRS 0x000000FFu /* 0 to 7: after the start only systemd may extend them */

bool host_baseline_read(struct buf *out, const struct host_config *config, struct error *err)
{
    _cleanup_free_ char *bios = host_config_bios_log(config);
    const struct host_event_logs logs = {.bios = bios};
    return host_event_logs_read_bios(out, &logs, err);
}

/* "0, 4 and 7" */
static void name_pcrs(char *out, size_t size, uint32_t pcrs)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < TPM_PCR_COUNT && used < size; i++) {
        if ((pcrs >> i & 1) == 0)
            continue;
        bool last = pcrs >> (i + 1) == 0;
        const char *between = used == 0 ? "" : last ? " and " : ", ";
        used += (size_t)snprintf(out + used, size - used, "%s%u", between, i);
    }
}

/* The log is that of this start: the TPM confirms it. */
static bool check_replay(const struct eventlog *log, enum eventlog_profile profile,
                         const struct tpm_pcr_bank *bank, struct error *err)
{
    struct tpm_pcr_bank replayed;
    char names[64];
    if (!eventlog_replay(&replayed, log, bank->algorithm, err))
        return false;
    uint32_t differing = eventlog_replay_differs(&replayed, bank, FIRMWARE_PCRS);
    if (differing != 0 && profile == EVENTLOG_PROFILE_LINUX)
        differing &= ~systemd_explains(&replayed, bank, differing);
    if (differing == 0)
        return true;
    name_pcrs(names, sizeof names, differing);
    return error_set(err, &host_baseline_invalid, NULL, "event log",
                     "it is not what this machine's TPM holds: PCR %s differ%s", names,
                     (differing & (differing - 1)) == 0 ? "s" : "");
}

bool host_baseline_validate(struct slice log, enum eventlog_profile profile,
                            const struct host_config *config, struct error *err)
{
    _cleanup_host_tpm_device_ struct host_tpm_device *device = NULL;
    _cleanup_eventlog_ struct eventlog parsed = {0};
    enum digest_algorithm wanted;
    struct tpm_pcr_bank bank;
    struct error cause = {0};
    if (!host_tpm_pcrs_bank(&wanted, config->pcr_bank, err) || !eventlog_parse(&parsed, log, err) ||
        !host_tpm_device_open(&device, host_config_tcti(config), err) ||
        !host_tpm_pcrs_read(&bank, device, wanted, err) ||
        !check_replay(&parsed, profile, &bank, err))
        return false;
    return policy_validate_baseline(&parsed, profile, bank.algorithm, &cause) ||
           error_set(err, &host_baseline_invalid, cause.clause, cause.object, "%s", cause.message);
}
