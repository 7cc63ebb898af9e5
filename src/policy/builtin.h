/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The built-in policies, one table a profile, as Windows names them (MS-HGSA 2.2.2.13; the
 * guarded fabric documentation's "default policies"). A policy that a profile cannot prove from
 * measurements is not in its table. Each says how strong its evidence is; `policy show` prints it.
 */

#include "base/guid.h"
#include "policy/policy.h"

/* Common to both profiles unless named otherwise. */
enum builtin_policy {
    BUILTIN_SECURE_BOOT_ENABLED,
    BUILTIN_SECURE_BOOT_SETTINGS, /* one baseline */
    BUILTIN_UEFI_DEBUG_DISABLED,
    BUILTIN_CI_POLICY, /* one ci policy */
    BUILTIN_FULL_BOOT,
    BUILTIN_VSM_IDK_PRESENT, /* Windows */
    BUILTIN_VSM_RUNNING,     /* Windows */
    BUILTIN_IOMMU_ENABLED,
    BUILTIN_BITLOCKER_ENABLED,      /* Windows */
    BUILTIN_PAGEFILE_ENCRYPTION,    /* Windows */
    BUILTIN_HYPERVISOR_ENFORCED_CI, /* Windows */
    BUILTIN_NO_HIBERNATION,
    BUILTIN_NO_DUMPS,
    BUILTIN_DUMP_ENCRYPTION,     /* Windows */
    BUILTIN_DUMP_ENCRYPTION_KEY, /* Windows; one dump policy */
    BUILTIN_IDENTITY_KEY_IN_TPM, /* Linux */
    BUILTIN_LOCKDOWN,            /* Linux */
    BUILTIN_POLICY_COUNT,
};

struct builtin {
    enum builtin_policy policy;
    const char *name; /* "Hgs_SecureBootEnabled" */
    struct guid guid;
    enum policy_state state; /* without a record: enabled, disabled or locked */
    uint32_t level;          /* functional level that brought it */
    const char *purpose;     /* one sentence: what it requires */
    const char *evidence;    /* one sentence: what it is decided by */
    const char *strength;    /* "strong", "good", "medium", "weak" */
    const char *remedy;      /* one sentence: what to do on a host that does not pass */
};

/* The table of a profile, in the order of the documentation; *count rows. */
const struct builtin *builtin_table(enum eventlog_profile profile, size_t *count);
/* NULL when the profile has no such policy. Names match without regard to case. */
const struct builtin *builtin_find(enum eventlog_profile profile, const char *name);
const struct builtin *builtin_get(enum eventlog_profile profile, enum builtin_policy policy);
/* By GUID, as a reply of another service names it; NULL for one that is not known. */
const struct builtin *builtin_find_guid(const struct guid *guid);
