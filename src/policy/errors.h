/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of policy/. */

#include "base/error.h"

#define POLICY_ERRORS(X)                                                                         \
    X(policy_name, "policy.name", ERROR_USAGE, "a name is not a policy's name",                  \
      "use 1 to 128 letters, digits, dots, underscores and hyphens, the first a letter or "      \
      "digit; names that begin with Hgs_ are the service's own")                                 \
    X(policy_builtin_unknown, "policy.builtin-unknown", ERROR_NOT_FOUND,                         \
      "a profile has no built-in policy of that name",                                           \
      "list them: hgsctl policy list --type builtin; Linux and Windows hosts have their own")    \
    X(policy_locked, "policy.locked", ERROR_CONFLICT,                                            \
      "a locked policy can be neither disabled nor removed",                                     \
      "leave it: without it a host could pass with any software")                                \
    X(policy_conflict, "policy.conflict", ERROR_CONFLICT,                                        \
      "there is a policy of that name already",                                                  \
      "choose another name, or remove the old policy first: hgsctl policy remove NAME")          \
    X(policy_record_malformed, "policy.record-malformed", ERROR_MALFORMED,                       \
      "the record of a policy is damaged, or holds what no policy can",                          \
      "remove the policy (hgsctl policy remove NAME) and add it again")                          \
    X(policy_baseline_pcrs, "policy.baseline-pcrs", ERROR_USAGE,                                 \
      "the PCRs that were selected make no baseline",                                            \
      "select PCRs of 0 to 15, 4 and 7 among them, as --pcr 0,2,4,7: without these any boot "    \
      "loader would pass")                                                                       \
    X(policy_baseline_empty, "policy.baseline-empty", ERROR_INVALID,                             \
      "a log has no events in a selected PCR, or no bank that is strong enough covers them all", \
      "turn on the TPM's SHA-256 bank, boot, and take the log again: hgs host baseline "         \
      "FILE.tcglog")                                                                             \
    X(policy_baseline_large, "policy.baseline-large", ERROR_LIMIT,                               \
      "the selected PCRs have more events than a baseline holds",                                \
      "select fewer PCRs: hgsctl policy add NAME --baseline FILE --pcr 0,2,4,7")                 \
    X(policy_baseline_invalid, "policy.baseline-invalid", ERROR_INVALID,                         \
      "the boot that a log records would not pass, so it is a bad reference",                    \
      "mend what the message names and boot again, or take it as it is: --skip-validation")      \
    X(policy_ci_driver_list, "policy.ci-driver-list", ERROR_INVALID,                             \
      "the list of blocked drivers is not a code integrity policy",                              \
      "give the policy that allows: SiPolicy.p7b, or {GUID}.cip of CiPolicies\\Active")          \
    X(policy_ci_additions, "policy.ci-additions", ERROR_LIMIT,                                   \
      "a unified kernel image has more add-ons than a policy allows, or its policy is of "       \
      "another form",                                                                            \
      "build the add-ons' command lines into the image")                                         \
    X(policy_ci_kernel, "policy.ci-kernel", ERROR_USAGE, "a kernel's file is empty",             \
      "give the kernel that the host boots, as /boot/vmlinuz-VERSION")                           \
    X(policy_ci_command_line, "policy.ci-command-line", ERROR_USAGE,                             \
      "a command line is empty, too long or not one line of text",                               \
      "give what /proc/cmdline of the reference host shows, without BOOT_IMAGE=…")               \
    X(policy_ci_ima, "policy.ci-ima", ERROR_USAGE,                                               \
      "a file is empty or too large for an IMA "                                                 \
      "policy",                                                                                  \
      "give the file that the host loads, as /etc/ima/ima-policy")                               \
    X(policy_dump_hash, "policy.dump-hash", ERROR_USAGE,                                         \
      "the hash of a dump encryption key is not 64 hexadecimal digits",                          \
      "give the SHA-256 of the public key as Windows computes it, or a log that has it: --dump " \
      "FILE.tcglog")                                                                             \
    X(policy_dump_absent, "policy.dump-absent", ERROR_INVALID,                                   \
      "a log proves no dump encryption key",                                                     \
      "take the log on a host whose dumps are encrypted, or give the hash: --dump-key-hash HEX")

ERROR_TABLE_DECLARE(policy_errors, POLICY_ERRORS)
