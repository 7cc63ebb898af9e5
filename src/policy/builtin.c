/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/builtin.h"

#include <strings.h>

/* A GUID's text, in the order of its wire form: "6a460ee1-62ea-416f-…". */
#define GUID(a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, e0, e1, e2, e3, e4, e5) \
    {                                                                        \
        {                                                                    \
            a3, a2, a1, a0, b1, b0, c1, c0, d0, d1, e0, e1, e2, e3, e4, e5   \
        }                                                                    \
    }

/* clang-format off */
/* MS-HGSA 2.2.2.13. */
#define SECURE_BOOT_ENABLED    GUID(0x6a,0x46,0x0e,0xe1,0x62,0xea,0x41,0x6f,0xae,0x6c,0x04,0xe2,0x96,0x34,0x50,0x6d)
#define SECURE_BOOT_SETTINGS   GUID(0x75,0x6d,0xc4,0x55,0x95,0x28,0x47,0x9a,0xa8,0x6a,0xc6,0x46,0x41,0x73,0x16,0xc9)
#define UEFI_DEBUG_DISABLED    GUID(0x20,0x18,0x8f,0xda,0xd4,0x0b,0x46,0x0d,0xb0,0x78,0x2e,0x78,0x98,0xa4,0x2a,0xe9)
#define CI_POLICY              GUID(0x81,0xf1,0x10,0xba,0x53,0xc5,0x40,0x64,0x9d,0x64,0x51,0x02,0x9f,0xa2,0x4f,0x49)
#define FULL_BOOT              GUID(0x75,0xad,0x09,0xc9,0x72,0x54,0x4d,0x00,0x96,0xf3,0x3b,0x09,0xd0,0xaa,0xac,0x54)
#define VSM_IDK_PRESENT        GUID(0x75,0xd5,0x95,0xde,0x12,0xf5,0x41,0xe9,0xa6,0x1e,0x46,0x9d,0x32,0x05,0xec,0xca)
#define VSM_RUNNING            GUID(0x6c,0x0a,0x6d,0x29,0x5b,0xcb,0x4f,0x28,0xba,0xfb,0xf7,0x1e,0xb6,0x0f,0xda,0xe0)
#define IOMMU_ENABLED          GUID(0xda,0x07,0x76,0xe5,0x65,0x70,0x44,0xb3,0x9a,0x17,0x7e,0x95,0xb4,0xfc,0x77,0x79)
#define BITLOCKER_ENABLED      GUID(0x34,0x7d,0xa5,0x47,0xd2,0x66,0x49,0x39,0xbf,0x3d,0x9e,0xc7,0x3a,0x90,0xbd,0xbc)
#define PAGEFILE_ENCRYPTION    GUID(0x12,0xdf,0x0e,0xe9,0xb3,0x8e,0x40,0x86,0x90,0xf8,0x70,0x3d,0x9e,0x7c,0xb8,0x78)
#define HYPERVISOR_ENFORCED_CI GUID(0x54,0x08,0xbd,0x30,0x32,0x50,0x4a,0xc1,0xa1,0x50,0xc4,0x10,0xaf,0x75,0x66,0x99)
#define NO_HIBERNATION         GUID(0xa3,0x20,0x22,0xc6,0xdc,0xcd,0x4b,0xf5,0xbe,0x76,0x3b,0x5c,0xa1,0x54,0x25,0x59)
#define NO_DUMPS               GUID(0x2a,0x79,0x6e,0x36,0xe9,0x18,0x45,0x4f,0xb6,0x10,0x60,0xf0,0x86,0xe8,0xd3,0x34)
#define DUMP_ENCRYPTION        GUID(0x6f,0x39,0x0a,0x71,0x75,0x3c,0x43,0xaa,0xa3,0x26,0x74,0xe3,0x0a,0xed,0xcd,0x9d)
#define DUMP_ENCRYPTION_KEY    GUID(0x85,0xda,0xc0,0xa4,0x8b,0xa9,0x4a,0x7f,0xa3,0x42,0x21,0x18,0x62,0xce,0x0b,0xe8)
/* Ours: Windows has no such policies. */
#define IDENTITY_KEY_IN_TPM    GUID(0x62,0x9f,0x1d,0x0f,0xef,0x68,0x48,0xbb,0x8f,0x41,0x34,0x2b,0xe2,0xe0,0x86,0xc4)
#define LOCKDOWN               GUID(0x46,0x3f,0x35,0x71,0x48,0xf3,0x41,0x39,0x94,0xc4,0x2e,0xb7,0x8e,0x8a,0x6e,0xa2)
/* clang-format on */

#define SECURE_BOOT_REMEDY "turn Secure Boot on in the firmware's settings, and boot again"
#define BASELINE_REMEDY                                                                        \
    "if the change was meant, approve it or add a baseline of this model; else find out what " \
    "changed"
#define COMMAND_LINE_PROVEN " in a command line that the log proves"

static const struct builtin windows[] = {
    {BUILTIN_SECURE_BOOT_ENABLED, "Hgs_SecureBootEnabled", SECURE_BOOT_ENABLED, POLICY_LOCKED, 1,
     "Secure Boot is on", "the variable SecureBoot in PCR 7, exactly once", "strong",
     SECURE_BOOT_REMEDY},
    {BUILTIN_UEFI_DEBUG_DISABLED, "Hgs_UefiDebugDisabled", UEFI_DEBUG_DISABLED, POLICY_LOCKED, 1,
     "no debugger of firmware, boot loader, kernel or hypervisor is on",
     "PCR 7 without \"UEFI Debug Mode\", and the debug settings that Windows' loaders measure",
     "strong",
     "turn debugging off (bcdedit /debug off, /bootdebug off, /hypervisorsettings), and boot "
     "again"},
    {BUILTIN_SECURE_BOOT_SETTINGS, "Hgs_SecureBootSettings", SECURE_BOOT_SETTINGS, POLICY_LOCKED, 1,
     "firmware, its settings and the boot loader are those of a baseline",
     "the events of the baseline's PCRs, all of them and no others", "strong", BASELINE_REMEDY},
    {BUILTIN_CI_POLICY, "Hgs_CiPolicy", CI_POLICY, POLICY_LOCKED, 1,
     "one of the code integrity policies added here is in force, and nothing weakens it",
     "the digests of active policies that Windows' loader measures, with test signing, safe mode "
     "and Windows PE off",
     "strong", "apply the code integrity policy to the host and boot again, or add the host's"},
    {BUILTIN_HYPERVISOR_ENFORCED_CI, "Hgs_HypervisorEnforcedCiPolicy", HYPERVISOR_ENFORCED_CI,
     POLICY_ENABLED, 1, "the hypervisor enforces code integrity",
     "VBS_HVCI_POLICY, measured by Windows' loader", "strong",
     "turn on hypervisor-enforced code integrity (memory integrity), and boot again"},
    {BUILTIN_FULL_BOOT, "Hgs_FullBoot", FULL_BOOT, POLICY_LOCKED, 1,
     "the host was booted, and not resumed from sleep or hibernation",
     "TRANSFER_CONTROL, measured by Windows' boot manager", "strong",
     "restart the host, or shut it down and start it"},
    {BUILTIN_VSM_IDK_PRESENT, "Hgs_VsmIdkPresent", VSM_IDK_PRESENT, POLICY_LOCKED, 1,
     "virtualization based security holds the identity key",
     "VSM_IDK_INFO, measured by Windows' loader", "strong",
     "turn on virtualization based security and the Host Guardian feature, and boot again"},
    {BUILTIN_VSM_RUNNING, "Hgs_VsmRunning", VSM_RUNNING, POLICY_DISABLED, 2,
     "virtualization based security runs and is mandatory",
     "VSM_LAUNCH_TYPE, HYPERVISOR_LAUNCH_TYPE and the VBS settings, measured by Windows' loader",
     "strong", "turn on virtualization based security, and boot again"},
    {BUILTIN_PAGEFILE_ENCRYPTION, "Hgs_PageFileEncryptionEnabled", PAGEFILE_ENCRYPTION,
     POLICY_ENABLED, 1, "page files are encrypted",
     "PAGEFILE_ENCRYPTION_ENABLED, measured by Windows' loader", "strong",
     "fsutil behavior set encryptpagingfile 1, and boot again"},
    {BUILTIN_BITLOCKER_ENABLED, "Hgs_BitLockerEnabled", BITLOCKER_ENABLED, POLICY_DISABLED, 1,
     "the system volume was unlocked by a BitLocker key protector",
     "BITLOCKER_UNLOCK, measured by Windows' boot manager", "strong",
     "turn BitLocker on, or resume it, and boot again"},
    {BUILTIN_IOMMU_ENABLED, "Hgs_IommuEnabled", IOMMU_ENABLED, POLICY_ENABLED, 1,
     "virtualization based security starts only with an IOMMU",
     "VBS_IOMMU_REQUIRED, measured by Windows' loader, unless firmware says that DMA protection is "
     "off",
     "strong", "require DMA protection for virtualization based security, and boot again"},
    {BUILTIN_NO_HIBERNATION, "Hgs_NoHibernation", NO_HIBERNATION, POLICY_ENABLED, 1,
     "hibernation is off", "HIBERNATION_DISABLED, measured by Windows' loader", "strong",
     "powercfg /hibernate off, and boot again"},
    {BUILTIN_NO_DUMPS, "Hgs_NoDumps", NO_DUMPS, POLICY_ENABLED, 1, "memory dumps are off",
     "DUMPS_DISABLED, measured by Windows' loader", "strong",
     "turn memory dumps off, and boot again; or disable this policy and encrypt dumps"},
    {BUILTIN_DUMP_ENCRYPTION, "Hgs_DumpEncryption", DUMP_ENCRYPTION, POLICY_ENABLED, 1,
     "memory dumps are encrypted, or off",
     "DUMP_ENCRYPTION_ENABLED and DUMPS_DISABLED, measured by Windows' loader", "strong",
     "turn dump encryption on, and boot again"},
    {BUILTIN_DUMP_ENCRYPTION_KEY, "Hgs_DumpEncryptionKey", DUMP_ENCRYPTION_KEY, POLICY_ENABLED, 1,
     "memory dumps are encrypted to a key of a dump policy, or off; moot when Hgs_DumpEncryption "
     "is disabled",
     "DUMP_ENCRYPTION_KEY_DIGEST, measured by Windows' loader", "strong",
     "set one of the keys that are known here on the host, or add the host's as a dump policy"},
};

static const struct builtin linux_table[] = {
    {BUILTIN_SECURE_BOOT_ENABLED, "Hgs_SecureBootEnabled", SECURE_BOOT_ENABLED, POLICY_LOCKED, 1,
     "Secure Boot is on, and shim checks what it loads",
     "the variable SecureBoot in PCR 7, exactly once, and no MokSBState", "strong",
     SECURE_BOOT_REMEDY "; with shim: mokutil --enable-validation"},
    {BUILTIN_UEFI_DEBUG_DISABLED, "Hgs_UefiDebugDisabled", UEFI_DEBUG_DISABLED, POLICY_LOCKED, 1,
     "firmware has no debugger on", "PCR 7 without \"UEFI Debug Mode\"", "strong",
     "turn the firmware's debugger off, and boot again"},
    {BUILTIN_SECURE_BOOT_SETTINGS, "Hgs_SecureBootSettings", SECURE_BOOT_SETTINGS, POLICY_LOCKED, 1,
     "firmware, its settings and the boot loader are those of a baseline",
     "the events of the baseline's PCRs, all of them and no others; boot images of ci policies "
     "aside",
     "strong", BASELINE_REMEDY},
    {BUILTIN_CI_POLICY, "Hgs_CiPolicy", CI_POLICY, POLICY_LOCKED, 1,
     "the kernel is one of those added here, with their command line, or an IMA policy is",
     "the image's digests in PCRs 4 and 11, a kernel's in PCR 4 or 9 with its command line, or an "
     "IMA policy's file in PCR 10 (weaker: it shows that the file was measured)",
     "good", "boot one of the kernels that are known here, or add the host's as a ci policy"},
    {BUILTIN_FULL_BOOT, "Hgs_FullBoot", FULL_BOOT, POLICY_LOCKED, 1,
     "the kernel cannot resume from hibernation",
     "noresume, nohibernate or lockdown" COMMAND_LINE_PROVEN, "good",
     "boot with lockdown=integrity, or with noresume"},
    {BUILTIN_IDENTITY_KEY_IN_TPM, "Hgs_IdentityKeyInTpm", IDENTITY_KEY_IN_TPM, POLICY_LOCKED, 1,
     "the identity key was made in the TPM and works only while the attested PCRs hold",
     "the exchange with the TPM itself", "strong",
     "attest with a client that lets the TPM make the key: hgs host attest"},
    {BUILTIN_LOCKDOWN, "Hgs_Lockdown", LOCKDOWN, POLICY_ENABLED, 2,
     "not even root can change the running kernel or read its memory",
     "lockdown=integrity or confidentiality" COMMAND_LINE_PROVEN, "good",
     "boot with lockdown=integrity"},
    {BUILTIN_IOMMU_ENABLED, "Hgs_IommuEnabled", IOMMU_ENABLED, POLICY_ENABLED, 1,
     "the kernel was asked to use the IOMMU against devices",
     "intel_iommu=on, amd_iommu=force_enable, iommu=force or stricter" COMMAND_LINE_PROVEN
     ", unless firmware says that DMA protection is off",
     "weak",
     "boot with intel_iommu=on or amd_iommu=force_enable; disable it where there is no IOMMU"},
    {BUILTIN_NO_HIBERNATION, "Hgs_NoHibernation", NO_HIBERNATION, POLICY_ENABLED, 1,
     "hibernation is off", "nohibernate or lockdown" COMMAND_LINE_PROVEN, "good",
     "boot with lockdown=integrity, or with nohibernate"},
    {BUILTIN_NO_DUMPS, "Hgs_NoDumps", NO_DUMPS, POLICY_ENABLED, 1,
     "no crash kernel is loaded that would write memory to disk",
     "neither crashkernel= nor fadump=" COMMAND_LINE_PROVEN, "medium", "boot without crashkernel="},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

const struct builtin *builtin_table(enum eventlog_profile profile, size_t *count)
{
    *count = profile == EVENTLOG_PROFILE_WINDOWS ? COUNT(windows) : COUNT(linux_table);
    return profile == EVENTLOG_PROFILE_WINDOWS ? windows : linux_table;
}

const struct builtin *builtin_find(enum eventlog_profile profile, const char *name)
{
    size_t count;
    const struct builtin *table = builtin_table(profile, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

const struct builtin *builtin_get(enum eventlog_profile profile, enum builtin_policy policy)
{
    size_t count;
    const struct builtin *table = builtin_table(profile, &count);
    for (size_t i = 0; i < count; i++) {
        if (table[i].policy == policy)
            return &table[i];
    }
    return NULL;
}

static const struct builtin *find_guid(const struct builtin *table, size_t count,
                                       const struct guid *guid)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&table[i].guid, guid, sizeof *guid) == 0)
            return &table[i];
    }
    return NULL;
}

const struct builtin *builtin_find_guid(const struct guid *guid)
{
    const struct builtin *found = find_guid(windows, COUNT(windows), guid);
    return found != NULL ? found : find_guid(linux_table, COUNT(linux_table), guid);
}
