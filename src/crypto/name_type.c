/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/name_type.h"

#include <string.h>
#include <strings.h>

static const struct name_type types[] = {
    {"CN", {0x55, 0x04, 0x03}, 3, DER_UTF8_STRING, 64},
    {"C", {0x55, 0x04, 0x06}, 3, DER_PRINTABLE_STRING, 2},
    {"L", {0x55, 0x04, 0x07}, 3, DER_UTF8_STRING, 128},
    {"ST", {0x55, 0x04, 0x08}, 3, DER_UTF8_STRING, 128},
    {"STREET", {0x55, 0x04, 0x09}, 3, DER_UTF8_STRING, 128},
    {"O", {0x55, 0x04, 0x0a}, 3, DER_UTF8_STRING, 64},
    {"OU", {0x55, 0x04, 0x0b}, 3, DER_UTF8_STRING, 64},
    {"serialNumber", {0x55, 0x04, 0x05}, 3, DER_PRINTABLE_STRING, 64, .only_read = true},
    {"UID", {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01}, 10, DER_UTF8_STRING, 0},
    {"DC", {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19}, 10, DER_IA5_STRING, 0},
    {"emailAddress", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01}, 9, DER_IA5_STRING, 0},
};

const struct name_type *name_type_find(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i].name) == size && strncasecmp(types[i].name, name, size) == 0)
            return &types[i];
    return NULL;
}

const struct name_type *name_type_shown(struct slice oid)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (!types[i].only_read && slice_equal(oid, slice_of(types[i].oid, types[i].oid_size)))
            return &types[i];
    return NULL;
}
