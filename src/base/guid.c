/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guid.h"

#include "base/base64.h"
#include "base/errors.h"
#include "base/hex.h"

#define DIGITS 32
#define BASE64_SIZE 24

/* The place in the wire form of each byte of the text ([MS-DTYP] 2.3.4.2 and 2.3.4.3). */
static const uint8_t wire_place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

char *guid_format(const struct guid *guid, char text[GUID_TEXT_SIZE])
{
    uint8_t bytes[16];
    char digits[DIGITS + 1];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = guid->bytes[wire_place[i]];
    hex_format(slice_of(bytes, sizeof bytes), digits);
    char *to = text;
    for (size_t i = 0; i < DIGITS; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            *to++ = '-';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

/* The 32 digits between the hyphens; false when those are elsewhere. */
static bool take_digits(char digits[DIGITS], struct slice text)
{
    if (text.size != GUID_TEXT_SIZE - 1)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen && text.data[i] != '-')
            return false;
        if (!hyphen)
            digits[count++] = (char)text.data[i];
    }
    return true;
}

bool guid_parse(struct guid *out, struct slice text, struct error *err)
{
    struct slice inner = text;
    if (text.size == GUID_TEXT_SIZE + 1 && text.data[0] == '{' && text.data[text.size - 1] == '}')
        inner = slice_of(text.data + 1, text.size - 2);
    char digits[DIGITS];
    struct buf bytes;
    buf_init(&bytes, 16);
    bool fine =
        take_digits(digits, inner) && hex_parse(&bytes, slice_of(digits, sizeof digits), NULL);
    for (size_t i = 0; fine && i < 16; i++)
        out->bytes[wire_place[i]] = bytes.data[i];
    buf_done(&bytes);
    if (!fine)
        return error_set(err, &base_guid_malformed, "[MS-DTYP] 2.3.4.3", NULL,
                         "“%.*s” is not a GUID", text.size > 64 ? 64 : (int)text.size,
                         text.size > 0 ? (const char *)text.data : "");
    return true;
}

bool guid_parse_message(struct guid *out, struct slice text, struct error *err)
{
    if (text.size != BASE64_SIZE)
        return guid_parse(out, text, err);
    struct buf bytes;
    buf_init(&bytes, 18);
    bool fine = base64_parse(&bytes, text, NULL) && bytes.size == sizeof out->bytes;
    if (fine)
        memcpy(out->bytes, bytes.data, sizeof out->bytes);
    buf_done(&bytes);
    if (!fine)
        return error_set(err, &base_guid_malformed, "[MS-DTYP] 2.3.4.2", NULL,
                         "“%.*s” is not base64 of the 16 bytes of a GUID", BASE64_SIZE,
                         (const char *)text.data);
    return true;
}
