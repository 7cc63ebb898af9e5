/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/builtin.h"

#include <strings.h>

/* The wire form of a GUID whose text is the five numbers with hyphens in between. */
#define BYTE(number, place) (uint8_t)((number) >> 8 * (place))
#define GUID(a, b, c, d, e)                                                                     \
    {                                                                                           \
        {                                                                                       \
            BYTE(a, 0), BYTE(a, 1), BYTE(a, 2), BYTE(a, 3), BYTE(b, 0), BYTE(b, 1), BYTE(c, 0), \
                BYTE(c, 1), BYTE(d, 1), BYTE(d, 0), BYTE(e, 5), BYTE(e, 4), BYTE(e, 3),         \
                BYTE(e, 2), BYTE(e, 1), BYTE(e, 0)                                              \
        }                                                                                       \
    }

/* MS-HGSA 2.2.2.13. */
#define SECURE_BOOT_ENABLED GUID(0x6a460ee1, 0x62ea, 0x416f, 0xae6c, 0x04e29634506d)
#define SECURE_BOOT_SETTINGS GUID(0x756dc455, 0x9528, 0x479a, 0xa86a, 0xc646417316c9)
#define UEFI_DEBUG_DISABLED GUID(0x20188fda, 0xd40b, 0x460d, 0xb078, 0x2e7898a42ae9)
#define CI_POLICY GUID(0x81f110ba, 0x53c5, 0x4064, 0x9d64, 0x51029fa24f49)
#define FULL_BOOT GUID(0x75ad09c9, 0x7254, 0x4d00, 0x96f3, 0x3b09d0aaac54)
#define VSM_IDK_PRESENT GUID(0x75d595de, 0x12f5, 0x41e9, 0xa61e, 0x469d3205ecca)
#define VSM_RUNNING GUID(0x6c0a6d29, 0x5bcb, 0x4f28, 0xbafb, 0xf71eb60fdae0)
#define IOMMU_ENABLED GUID(0xda0776e5, 0x6570, 0x44b3, 0x9a17, 0x7e95b4fc7779)
#define BITLOCKER_ENABLED GUID(0x347da547, 0xd266, 0x4939, 0xbf3d, 0x9ec73a90bdbc)
#define PAGEFILE_ENCRYPTION GUID(0x12df0ee9, 0xb38e, 0x4086, 0x90f8, 0x703d9e7cb878)
#define HYPERVISOR_ENFORCED_CI GUID(0x5408bd30, 0x3250, 0x4ac1, 0xa150, 0xc410af756699)
#define NO_HIBERNATION GUID(0xa32022c6, 0xdccd, 0x4bf5, 0xbe76, 0x3b5ca1542559)
#define NO_DUMPS GUID(0x2a796e36, 0xe918, 0x454f, 0xb610, 0x60f086e8d334)
#define DUMP_ENCRYPTION GUID(0x6f390a71, 0x753c, 0x43aa, 0xa326, 0x74e30aedcd9d)
#define DUMP_ENCRYPTION_KEY GUID(0x85dac0a4, 0x8ba9, 0x4a7f, 0xa342, 0x211862ce0be8)
/* Ours: Windows has no such policies. */
#define IDENTITY_KEY_IN_TPM GUID(0x629f1d0f, 0xef68, 0x48bb, 0x8f41, 0x342be2e086c4)
#define LOCKDOWN GUID(0x463f3571, 0x48f3, 0x4139, 0x94c4, 0x2eb78e8a6ea2)

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
     "virtualization based security runs",
     "VSM_LAUNCH_TYPE and HYPERVISOR_LAUNCH_TYPE, measured by Windows' loader", "strong",
     "turn on virtualization based security, and boot again"},
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
