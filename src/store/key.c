/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "store/errors.h"
#include "store/store.h"

/* The code point of a character of length bytes that utf8_length has found valid. */
static uint32_t code_point(const uint8_t *character, size_t length)
{
    static const uint8_t first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = character[0] & first_mask[length];
    for (size_t i = 1; i < length; i++)
        point = point << 6 | (character[i] & 0x3fU);
    return point;
}

static bool visible(uint32_t point)
{
    bool control = point < 0x20 || (point >= 0x7f && point <= 0x9f);
    bool separator = point == 0x2028 || point == 0x2029;
    bool direction = point == 0x200e || point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
                     (point >= 0x2066 && point <= 0x2069);
    return !control && !separator && !direction;
}

bool store_key_check(const char *key, struct error *err)
{
    size_t size = strnlen(key, STORE_KEY_MAX + 1);
    if (size == 0)
        return error_set(err, &store_key_invalid, NULL, "record", "its key is empty");
    if (size > STORE_KEY_MAX)
        return error_set(err, &store_limit, NULL, key, "the key is longer than %d bytes",
                         STORE_KEY_MAX);
    for (size_t at = 0, length; at < size; at += length) {
        const uint8_t *character = (const uint8_t *)key + at;
        length = utf8_length(slice_of(character, size - at));
        if (length == 0)
            return error_set(err, &store_key_invalid, "RFC 3629", key,
                             "the key is not UTF-8 at byte %zu", at + 1);
        uint32_t point = code_point(character, length);
        if (!visible(point))
            return error_set(err, &store_key_invalid, NULL, key,
                             "the key has U+%04X, which nobody can see, at byte %zu",
                             (unsigned)point, at + 1);
    }
    return true;
}
