/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of eventlog/. */

#include "base/error.h"

#define EVENTLOG_ERRORS(X)                                                                         \
    X(eventlog_too_large, "eventlog.too-large", ERROR_LIMIT,                                       \
      "an event log, an event, or what an event declares is larger than any real one",             \
      "check where the log came from; on Linux it is "                                             \
      "/sys/kernel/security/tpm0/binary_bios_measurements")                                        \
    X(eventlog_truncated, "eventlog.truncated", ERROR_MALFORMED,                                   \
      "an event log ends in the middle of an event",                                               \
      "read the log again, whole; the message names the event")                                    \
    X(eventlog_malformed, "eventlog.malformed", ERROR_MALFORMED, "an event log breaks its format", \
      "read the log again; if it stays so, the host's firmware writes bad logs: update it")        \
    X(eventlog_tpm12, "eventlog.tpm12", ERROR_UNSUPPORTED,                                         \
      "an event log has the layout of TPM 1.2, with SHA-1 digests only",                           \
      "use a TPM 2.0, and save the log as crypto-agile: on Windows, as it lies in "                \
      "C:\\Windows\\Logs\\MeasuredBoot; on Linux, from tpm0/binary_bios_measurements")             \
    X(eventlog_ccel, "eventlog.ccel", ERROR_UNSUPPORTED,                                           \
      "an event log is that of a confidential machine (CCEL), whose registers are not a TPM's",    \
      "attest a host with a TPM; its log is tpm0/binary_bios_measurements, not CCEL")              \
    X(eventlog_two_boots, "eventlog.two-boots", ERROR_INVALID,                                     \
      "an event log holds two boots, of which only one can be the present",                        \
      "save the log of the last boot alone; if the firmware does it, update the firmware")         \
    X(eventlog_bank_missing, "eventlog.bank-missing", ERROR_INVALID,                               \
      "an event log has no digests in the bank that is attested",                                  \
      "turn on the TPM's SHA-256 bank in the firmware's settings, and boot again")                 \
    X(eventlog_bank_weak, "eventlog.bank-weak", ERROR_UNSUPPORTED,                                 \
      "an event log should be judged by its SHA-1 digests, which prove nothing any more",          \
      "turn on the TPM's SHA-256 bank in the firmware's settings, and boot again")                 \
    X(eventlog_ima_too_large, "eventlog.ima-too-large", ERROR_LIMIT,                               \
      "an IMA list, or an entry of it, is larger than allowed",                                    \
      "measure less: an IMA policy that measures every file of a busy host grows without end")     \
    X(eventlog_ima_truncated, "eventlog.ima-truncated", ERROR_MALFORMED,                           \
      "an IMA list ends in the middle of an entry",                                                \
      "read /sys/kernel/security/ima/binary_runtime_measurements again, whole")                    \
    X(eventlog_ima_malformed, "eventlog.ima-malformed", ERROR_MALFORMED,                           \
      "an IMA list breaks its format",                                                             \
      "read /sys/kernel/security/ima/binary_runtime_measurements, not the ascii one")              \
    X(eventlog_ima_mismatch, "eventlog.ima-mismatch", ERROR_INVALID,                               \
      "no beginning of an IMA list leads to the PCR 10 that the TPM holds",                        \
      "read the list after the PCR; a host that resumed from hibernation must be booted again")

ERROR_TABLE_DECLARE(eventlog_errors, EVENTLOG_ERRORS)
