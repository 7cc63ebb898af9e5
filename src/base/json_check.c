/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_check.h"

#include "base/errors.h"
#include "base/json.h"
#include "base/utf8.h"

/* cJSON copies a number into 64 bytes before it converts it. */
#define NUMBER_MAX 63

struct checker {
    const uint8_t *start, *at, *end;
    int depth;
    size_t values, values_max;
    bool escaped; /* the text that was checked last has an escape */
    struct json_longs *longs;
    struct error *err;
};

static bool refuse(const struct checker *checker, const char *what)
{
    return error_set(checker->err, &base_json_malformed, "RFC 8259", NULL, "byte %zu: %s",
                     (size_t)(checker->at - checker->start) + 1, what);
}

/* The next byte, or 0, which no JSON text holds, at the end. */
static uint8_t peek(const struct checker *checker)
{
    return checker->at < checker->end ? *checker->at : 0;
}

static bool take(struct checker *checker, uint8_t byte)
{
    if (peek(checker) != byte || byte == 0)
        return false;
    checker->at++;
    return true;
}

static void skip_space(struct checker *checker)
{
    for (;;) {
        uint8_t c = peek(checker);
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        checker->at++;
    }
}

typedef uint8_t sixteen __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

/* All bits of each of sixteen bytes that is a quote, a backslash, a control character or above
 * 0x7e. */
static sixteen special(const uint8_t *at)
{
    sixteen bytes;
    memcpy(&bytes, at, sizeof bytes);
    return (sixteen)(bytes == '"') | (sixteen)(bytes == '\\') | (sixteen)(bytes - ' ' > '~' - ' ');
}

static bool none(sixteen bytes)
{
    halves bits = (halves)bytes;
    return (bits[0] | bits[1]) == 0;
}

static bool is_plain(uint8_t byte)
{
    return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
}

/* How many of the bytes at the front need no closer look: most of our texts are long runs of
 * base64. */
static size_t plain_run(const struct checker *checker)
{
    const uint8_t *at = checker->at, *end = checker->end;
    while (end - at >= 64 &&
           none(special(at) | special(at + 16) | special(at + 32) | special(at + 48)))
        at += 64;
    while (end - at >= 16 && none(special(at)))
        at += 16;
    while (at < end && is_plain(*at))
        at++;
    return (size_t)(at - checker->at);
}

static bool hex_quad(struct checker *checker, unsigned *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = peek(checker), lower = c | 0x20;
        if (c >= '0' && c <= '9')
            *value = *value << 4 | (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            *value = *value << 4 | (lower - 'a' + 10u);
        else
            return refuse(checker, "\\u is not followed by four hexadecimal digits");
        checker->at++;
    }
    return true;
}

/* Behind "\u". Halves of a character above U+FFFF only come in pairs. */
static bool check_unicode_escape(struct checker *checker)
{
    unsigned first, second;
    if (!hex_quad(checker, &first))
        return false;
    if (first == 0)
        return refuse(checker, "a text holds a NUL");
    if (first < 0xd800 || first > 0xdfff)
        return true;
    if (first > 0xdbff || !take(checker, '\\') || !take(checker, 'u'))
        return refuse(checker, "half a surrogate pair");
    if (!hex_quad(checker, &second))
        return false;
    if (second < 0xdc00 || second > 0xdfff)
        return refuse(checker, "half a surrogate pair");
    return true;
}

static bool check_escape(struct checker *checker)
{
    uint8_t c = peek(checker);
    if (c == 0 || strchr("\"\\/bfnrtu", c) == NULL)
        return refuse(checker, "an unknown escape in a text");
    checker->at++;
    return c != 'u' || check_unicode_escape(checker);
}

/* One character of a string that is not plain ASCII. */
static bool check_character(struct checker *checker)
{
    if (take(checker, '\\')) {
        checker->escaped = true;
        return check_escape(checker);
    }
    if (*checker->at < 0x20)
        return refuse(checker, "a control character in a text");
    size_t length = utf8_length(slice_of(checker->at, (size_t)(checker->end - checker->at)));
    if (length == 0)
        return refuse(checker, "not UTF-8");
    checker->at += length;
    return true;
}

/* Behind the opening quote. */
static bool check_string(struct checker *checker)
{
    checker->escaped = false;
    while (checker->at < checker->end) {
        size_t run = plain_run(checker);
        if (run > 0) {
            checker->at += run;
            continue;
        }
        if (take(checker, '"'))
            return true;
        if (!check_character(checker))
            return false;
    }
    return refuse(checker, "a text has no end");
}

static size_t skip_digits(struct checker *checker)
{
    const uint8_t *from = checker->at;
    while (peek(checker) >= '0' && peek(checker) <= '9')
        checker->at++;
    return (size_t)(checker->at - from);
}

static bool check_number(struct checker *checker)
{
    const uint8_t *from = checker->at;
    take(checker, '-');
    if (!take(checker, '0') && skip_digits(checker) == 0)
        return refuse(checker, "not a value");
    if (take(checker, '.') && skip_digits(checker) == 0)
        return refuse(checker, "a number has no digits behind its point");
    if (take(checker, 'e') || take(checker, 'E')) {
        if (!take(checker, '+'))
            take(checker, '-');
        if (skip_digits(checker) == 0)
            return refuse(checker, "a number has no digits in its exponent");
    }
    if (checker->at - from > NUMBER_MAX)
        return refuse(checker, "a number has too many digits");
    return true;
}

static bool check_word(struct checker *checker, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(checker->end - checker->at) < size || memcmp(checker->at, word, size) != 0)
        return refuse(checker, "not a value");
    checker->at += size;
    return true;
}

/* Notes a long value, from start up to here, if there is room. */
static bool note_long(struct checker *checker, const uint8_t *start, size_t size, bool is_bytes)
{
    struct json_longs *longs = checker->longs;
    if (longs->count == JSON_LONGS_MAX)
        return false;
    longs->items[longs->count++] =
        (struct json_long){checker->values - 1, is_bytes, slice_of(start, size)};
    return true;
}

/* Behind the opening quote of a value. */
static bool check_text(struct checker *checker)
{
    const uint8_t *start = checker->at;
    if (!check_string(checker))
        return false;
    size_t size = (size_t)(checker->at - start) - 1;
    if (size >= JSON_LONG_MIN && !checker->escaped)
        note_long(checker, start, size, false);
    return true;
}

/* A whole number from 0 to 255, written as one writes it. */
static bool take_byte(struct checker *checker)
{
    const uint8_t *start = checker->at;
    unsigned number = 0;
    while (peek(checker) >= '0' && peek(checker) <= '9' && checker->at - start < 3)
        number = 10 * number + (unsigned)(*checker->at++ - '0');
    size_t size = (size_t)(checker->at - start);
    return size > 0 && (size == 1 || *start != '0') && number <= 255;
}

/* Behind '['. True when it was a long array of bytes, which is noted then; else nothing moves. */
static bool take_bytes(struct checker *checker)
{
    struct checker ahead = *checker;
    size_t count = 0;
    do {
        skip_space(&ahead);
        if (!take_byte(&ahead))
            return false;
        skip_space(&ahead);
        count++;
    } while (take(&ahead, ','));
    const uint8_t *start = checker->at - 1;
    if (count < JSON_LONG_MIN || !take(&ahead, ']') ||
        !note_long(checker, start, (size_t)(ahead.at - start), true))
        return false;
    checker->at = ahead.at;
    return true;
}

static bool check_value(struct checker *checker);

static bool check_name(struct checker *checker)
{
    skip_space(checker);
    if (!take(checker, '"'))
        return refuse(checker, "a property's name is missing");
    if (!check_string(checker))
        return false;
    skip_space(checker);
    if (!take(checker, ':'))
        return refuse(checker, "a property's name is not followed by a colon");
    return true;
}

/* Behind '{' or '['. */
static bool check_members(struct checker *checker, bool object)
{
    uint8_t close = object ? '}' : ']';
    if (++checker->depth > JSON_DEPTH_MAX)
        return error_set(checker->err, &base_json_too_deep, NULL, NULL,
                         "byte %zu: more than %d levels", (size_t)(checker->at - checker->start),
                         JSON_DEPTH_MAX);
    skip_space(checker);
    if (take(checker, close)) {
        checker->depth--;
        return true;
    }
    do {
        if (object && !check_name(checker))
            return false;
        if (!check_value(checker))
            return false;
        skip_space(checker);
    } while (take(checker, ','));
    if (!take(checker, close))
        return refuse(checker, object ? "an object goes on without a comma, or has no end"
                                      : "an array goes on without a comma, or has no end");
    checker->depth--;
    return true;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static bool check_value(struct checker *checker)
{
    if (++checker->values > checker->values_max)
        return error_set(checker->err, &base_json_too_deep, NULL, NULL, "more than %zu values",
                         checker->values_max);
    skip_space(checker);
    switch (peek(checker)) {
    case '{':
        checker->at++;
        return check_members(checker, true);
    case '[':
        checker->at++;
        return take_bytes(checker) || check_members(checker, false);
    case '"':
        checker->at++;
        return check_text(checker);
    case 't':
        return check_word(checker, "true");
    case 'f':
        return check_word(checker, "false");
    case 'n':
        return check_word(checker, "null");
    default:
        return check_number(checker);
    }
}

bool json_check(struct json_longs *longs, struct slice text, size_t values, struct error *err)
{
    struct checker checker = {.values_max = values,
                              .start = text.data,
                              .at = text.data,
                              .end = text.data,
                              .longs = longs,
                              .err = err};
    longs->count = 0;
    if (text.size > 0)
        checker.end += text.size;
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        return refuse(&checker, "a byte order mark");
    if (!check_value(&checker))
        return false;
    skip_space(&checker);
    if (checker.at < checker.end)
        return refuse(&checker, "something follows the document");
    return true;
}
