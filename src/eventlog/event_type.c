/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/event_type.h"

#include "eventlog/eventlog.h"

static const struct row {
    uint32_t type;
    const char *name;
    const char *words;
} types[] = {
    {EVENTLOG_POST_CODE, "EV_POST_CODE", "firmware's code"},
    {EVENTLOG_NO_ACTION, "EV_NO_ACTION", "a note"},
    {EVENTLOG_SEPARATOR, "EV_SEPARATOR", "a separator"},
    {EVENTLOG_ACTION, "EV_ACTION", "an action"},
    {EVENTLOG_TAG, "EV_EVENT_TAG", "a tagged event"},
    {EVENTLOG_S_CRTM_CONTENTS, "EV_S_CRTM_CONTENTS", "the first code of all"},
    {EVENTLOG_S_CRTM_VERSION, "EV_S_CRTM_VERSION", "firmware's version"},
    {EVENTLOG_CPU_MICROCODE, "EV_CPU_MICROCODE", "the processor's microcode"},
    {EVENTLOG_PLATFORM_CONFIG_FLAGS, "EV_PLATFORM_CONFIG_FLAGS", "firmware's configuration"},
    {EVENTLOG_TABLE_OF_DEVICES, "EV_TABLE_OF_DEVICES", "the table of devices"},
    {EVENTLOG_COMPACT_HASH, "EV_COMPACT_HASH", "a value"},
    {EVENTLOG_IPL, "EV_IPL", "the boot loader's"},
    {EVENTLOG_IPL_PARTITION_DATA, "EV_IPL_PARTITION_DATA", "a partition"},
    {EVENTLOG_NONHOST_CODE, "EV_NONHOST_CODE", "another processor's code"},
    {EVENTLOG_NONHOST_CONFIG, "EV_NONHOST_CONFIG", "another processor's configuration"},
    {EVENTLOG_NONHOST_INFO, "EV_NONHOST_INFO", "another processor"},
    {EVENTLOG_OMIT_BOOT_DEVICE_EVENTS, "EV_OMIT_BOOT_DEVICE_EVENTS", "boot devices left out"},
    {EVENTLOG_POST_CODE2, "EV_POST_CODE2", "firmware's code"},
    {EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, "EV_EFI_VARIABLE_DRIVER_CONFIG", "a variable"},
    {EVENTLOG_EFI_VARIABLE_BOOT, "EV_EFI_VARIABLE_BOOT", "a boot variable"},
    {EVENTLOG_EFI_BOOT_SERVICES_APPLICATION, "EV_EFI_BOOT_SERVICES_APPLICATION",
     "started an image"},
    {EVENTLOG_EFI_BOOT_SERVICES_DRIVER, "EV_EFI_BOOT_SERVICES_DRIVER", "started a driver"},
    {EVENTLOG_EFI_RUNTIME_SERVICES_DRIVER, "EV_EFI_RUNTIME_SERVICES_DRIVER", "started a driver"},
    {EVENTLOG_EFI_GPT_EVENT, "EV_EFI_GPT_EVENT", "the partition table"},
    {EVENTLOG_EFI_ACTION, "EV_EFI_ACTION", "an action"},
    {EVENTLOG_EFI_PLATFORM_FIRMWARE_BLOB, "EV_EFI_PLATFORM_FIRMWARE_BLOB", "a part of firmware"},
    {EVENTLOG_EFI_HANDOFF_TABLES, "EV_EFI_HANDOFF_TABLES", "tables of firmware"},
    {EVENTLOG_EFI_PLATFORM_FIRMWARE_BLOB2, "EV_EFI_PLATFORM_FIRMWARE_BLOB2", "a part of firmware"},
    {EVENTLOG_EFI_HANDOFF_TABLES2, "EV_EFI_HANDOFF_TABLES2", "tables of firmware"},
    {EVENTLOG_EFI_VARIABLE_BOOT2, "EV_EFI_VARIABLE_BOOT2", "a boot variable"},
    {EVENTLOG_EFI_GPT_EVENT2, "EV_EFI_GPT_EVENT2", "the partition table"},
    {EVENTLOG_EFI_HCRTM_EVENT, "EV_EFI_HCRTM_EVENT", "the first code of all, by hardware"},
    {EVENTLOG_EFI_VARIABLE_AUTHORITY, "EV_EFI_VARIABLE_AUTHORITY", "verified by an authority"},
    {EVENTLOG_EFI_SPDM_FIRMWARE_BLOB, "EV_EFI_SPDM_FIRMWARE_BLOB", "a device's firmware"},
    {EVENTLOG_EFI_SPDM_FIRMWARE_CONFIG, "EV_EFI_SPDM_FIRMWARE_CONFIG", "a device's configuration"},
    {EVENTLOG_EFI_SPDM_DEVICE_POLICY, "EV_EFI_SPDM_DEVICE_POLICY", "a policy for devices"},
    {EVENTLOG_EFI_SPDM_DEVICE_AUTHORITY, "EV_EFI_SPDM_DEVICE_AUTHORITY",
     "a device was verified by an authority"},
};

static const struct row *find(uint32_t type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].type == type)
            return &types[i];
    }
    return NULL;
}

const char *eventlog_type_name(uint32_t type)
{
    const struct row *row = find(type);
    return row != NULL ? row->name : NULL;
}

const char *eventlog_type_words(uint32_t type)
{
    const struct row *row = find(type);
    return row != NULL ? row->words : NULL;
}
