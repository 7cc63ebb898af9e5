/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include "base/errors.h"

static const char lower_digits[] = "0123456789abcdef";
static const char upper_digits[] = "0123456789ABCDEF";

static void write_digits(char *to, struct slice bytes, const char *digits)
{
    for (size_t i = 0; i < bytes.size; i++) {
        to[2 * i] = digits[bytes.data[i] >> 4];
        to[2 * i + 1] = digits[bytes.data[i] & 15];
    }
}

static void append(struct buf *out, struct slice bytes, const char *digits)
{
    if (bytes.size == 0)
        return;
    char *to = (char *)buf_reserve(out, 2 * bytes.size);
    if (to == NULL)
        return;
    write_digits(to, bytes, digits);
    buf_added(out, 2 * bytes.size);
}

void hex_append(struct buf *out, struct slice bytes)
{
    append(out, bytes, lower_digits);
}

void hex_append_upper(struct buf *out, struct slice bytes)
{
    append(out, bytes, upper_digits);
}

char *hex_format(struct slice bytes, char *text)
{
    write_digits(text, bytes, lower_digits);
    text[2 * bytes.size] = '\0';
    return text;
}

/* The value of a digit, or 16. */
static unsigned digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

static const char clause[] = "RFC 4648 section 8";

bool hex_parse(struct buf *out, struct slice text, struct error *err)
{
    if (text.size % 2 != 0)
        return error_set(err, &base_hex_malformed, clause, NULL,
                         "hexadecimal text has %zu digits, which is odd", text.size);
    if (text.size == 0)
        return true;
    uint8_t *to = buf_reserve(out, text.size / 2);
    if (to == NULL)
        return buf_ok(out, "hexadecimal text", err);
    for (size_t i = 0; i < text.size; i += 2) {
        unsigned high = digit_value(text.data[i]), low = digit_value(text.data[i + 1]);
        if (high > 15 || low > 15)
            return error_set(err, &base_hex_malformed, clause, NULL,
                             "character %zu of hexadecimal text is not a digit",
                             high > 15 ? i + 1 : i + 2);
        to[i / 2] = (uint8_t)(high << 4 | low);
    }
    buf_added(out, text.size / 2);
    return true;
}
