/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/errors.h"

size_t utf8_length(struct slice bytes)
{
    if (bytes.size == 0)
        return 0;
    uint8_t first = bytes.data[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || bytes.size < length)
        return 0;
    /* The second byte's range excludes overlong forms, surrogates and what lies past U+10FFFF. */
    uint8_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (bytes.data[1] < lowest || bytes.data[1] > highest)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((bytes.data[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

static bool is_ascii(const uint8_t *eight)
{
    uint64_t word;
    memcpy(&word, eight, sizeof word);
    return (word & 0x8080808080808080) == 0;
}

size_t utf8_valid(struct slice text)
{
    size_t at = 0;
    while (at < text.size) {
        if (text.size - at >= 8 && is_ascii(text.data + at)) {
            at += 8;
            continue;
        }
        size_t length = utf8_length(slice_of(text.data + at, text.size - at));
        if (length == 0)
            break;
        at += length;
    }
    return at;
}

bool utf8_check(struct slice text, const char *object, struct error *err)
{
    size_t valid = utf8_valid(text);
    if (valid < text.size)
        return error_set(err, &base_text_malformed, "RFC 3629", object,
                         "is not UTF-8 at byte %zu (0x%02x)", valid + 1, text.data[valid]);
    const uint8_t *nul = text.size > 0 ? memchr(text.data, 0, text.size) : NULL;
    if (nul != NULL)
        return error_set(err, &base_text_malformed, NULL, object, "holds a NUL at byte %zu",
                         (size_t)(nul - text.data) + 1);
    return true;
}

/* Unicode 15: general category Cc, and the property Bidi_Control. */
static bool is_control(const uint8_t *character, size_t length)
{
    if (length == 1)
        return character[0] < 0x20 || character[0] == 0x7f;
    if (length == 2)
        return (character[0] == 0xc2 && character[1] < 0xa0) || /* U+0080 to U+009F */
               (character[0] == 0xd8 && character[1] == 0x9c);  /* U+061C */
    if (length != 3 || character[0] != 0xe2)
        return false;
    return (character[1] == 0x80 && (character[2] == 0x8e || character[2] == 0x8f)) || /* U+200E */
           (character[1] == 0x80 && character[2] >= 0xa8 && character[2] <= 0xae) ||   /* U+2028 */
           (character[1] == 0x81 && character[2] >= 0xa6 && character[2] <= 0xa9);     /* U+2066 */
}

void utf8_replace_controls(char *text)
{
    struct slice rest = slice_from_text(text);
    while (rest.size > 0) {
        size_t length = utf8_length(rest);
        bool replace = length == 0 || is_control(rest.data, length);
        if (length == 0)
            length = 1;
        if (replace)
            memset(text, '?', length);
        text += length;
        rest = slice_of(rest.data + length, rest.size - length);
    }
}
