/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/variable.h"

const struct guid uefi_global_variable = {{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa,
                                           0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}};
const struct guid uefi_security_database = {{0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3,
                                             0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f}};

bool uefi_variable_parse(struct uefi_variable *out, struct slice bytes)
{
    struct reader reader = reader_of(bytes);
    struct uefi_variable variable;
    struct slice vendor = reader_bytes(&reader, sizeof variable.vendor.bytes);
    uint64_t characters = reader_u64_le(&reader);
    uint64_t size = reader_u64_le(&reader);
    if (reader.failed || characters > reader.rest.size / 2 || size > reader.rest.size)
        return false;
    memcpy(variable.vendor.bytes, vendor.data, vendor.size);
    variable.name = reader_bytes(&reader, 2 * (size_t)characters);
    variable.data = reader_bytes(&reader, (size_t)size);
    if (!reader_done(&reader))
        return false;
    *out = variable;
    return true;
}

bool uefi_variable_parse_padded(struct uefi_variable *out, struct slice bytes)
{
    for (size_t padding = 0; padding <= UEFI_VARIABLE_PADDING_MAX; padding++) {
        if (uefi_variable_parse(out, bytes))
            return true;
        if (bytes.size == 0 || bytes.data[bytes.size - 1] != 0)
            return false;
        bytes.size--;
    }
    return false;
}

bool uefi_variable_has_name(const struct uefi_variable *variable, const char *name)
{
    size_t length = strlen(name);
    if (variable->name.size != 2 * length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (variable->name.data[2 * i] != (uint8_t)name[i] || variable->name.data[2 * i + 1] != 0)
            return false;
    return true;
}

bool uefi_variable_is(const struct uefi_variable *variable, const struct guid *vendor,
                      const char *name)
{
    return memcmp(&variable->vendor, vendor, sizeof *vendor) == 0 &&
           uefi_variable_has_name(variable, name);
}
