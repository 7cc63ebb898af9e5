/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From the logs and PCR values of one boot to the verdict (protocol.md 2.3): parse, replay, compare
 * with the values, draw claims, judge by the policies. Which values these are, claimed by a client
 * or read by its TPM, is the caller's to know.
 */

#include "attestation/host_cache.h"
#include "eventlog/claims.h"
#include "eventlog/eventlog.h"
#include "eventlog/ima.h"
#include "policy/evaluate.h"
#include "tpm/pcr.h"

/* Which registers a host's attestation is about. */
struct attestation_tpm_registers {
    uint32_t read;   /* those that its policies look at */
    uint32_t sealed; /* those of them that identity keys are bound to */
};

/*
 * PolicyPCR leaves out what user space extends after the boot: PCR 10 (IMA), 16 to 23, and on Linux
 * 11 and 15 (systemd). attestation.pcrs-none when nothing is left, or more is to be read than one
 * exchange can.
 */
bool attestation_tpm_boot_registers(struct attestation_tpm_registers *out,
                                    const struct policy_set *set,
                                    const struct policy_subject *subject, struct error *err);

struct attestation_tpm_boot_input {
    const struct policy_set *set;
    const struct policy_subject *subject;
    uint32_t registers; /* attestation_tpm_registers.read */
    struct slice log;
    struct slice ima_log;            /* empty: none */
    const struct tpm_pcr_bank *bank; /* what the registers hold */
    int64_t now;
    int64_t horizon; /* how far ahead the end of policies matters; 0: it does not */
};

/* A judged boot; freed with attestation_tpm_boot_done. Claims borrow from the log's bytes. */
struct attestation_tpm_boot {
    struct eventlog log;
    struct tpm_pcr_bank replayed; /* what the log leads to */
    struct eventlog_claims claims;
    struct ima_list ima;
    struct verdict verdict;
    int64_t until; /* a passed verdict's end, if that is before the horizon; else 0 */
};

/*
 * attestation.log-mismatch (the log leads to other values than the registers hold: names them),
 * attestation.pcr-missing (a register that a policy reads has no value), and the errors of
 * eventlog/. What the policies say is in out->verdict and no error.
 */
bool attestation_tpm_boot_judge(struct attestation_tpm_boot *out,
                                const struct attestation_tpm_boot_input *input, struct error *err);
void attestation_tpm_boot_done(struct attestation_tpm_boot *boot);
#define _cleanup_attestation_tpm_boot_ __attribute__((cleanup(attestation_tpm_boot_done)))

/*
 * Whether the registers hold what a log leads to, as far as the log speaks of them: not of PCR 10,
 * and on Linux systemd may have extended them by words of its own (eventlog/systemd.h).
 * attestation.pcr-missing, attestation.log-mismatch.
 */
bool attestation_tpm_boot_compare(const struct tpm_pcr_bank *replayed,
                                  const struct tpm_pcr_bank *bank, uint32_t registers,
                                  const struct policy_subject *subject, struct error *err);

/* The bits of registers as "4, 7, 11". Returns text. */
#define ATTESTATION_REGISTERS_TEXT_SIZE 100
char *attestation_tpm_boot_format_registers(char text[ATTESTATION_REGISTERS_TEXT_SIZE],
                                            uint32_t registers);
