/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include "base/base64_blocks.h"
#include "base/errors.h"

static const char clause[] = "RFC 4648 section 4";
/* One row for each character of the alphabet: the character and its value. */
/* clang-format off */
#define ALPHABET(X) \
    X('A', 0) X('B', 1) X('C', 2) X('D', 3) X('E', 4) X('F', 5) X('G', 6) X('H', 7) \
    X('I', 8) X('J', 9) X('K', 10) X('L', 11) X('M', 12) X('N', 13) X('O', 14) X('P', 15) \
    X('Q', 16) X('R', 17) X('S', 18) X('T', 19) X('U', 20) X('V', 21) X('W', 22) X('X', 23) \
    X('Y', 24) X('Z', 25) X('a', 26) X('b', 27) X('c', 28) X('d', 29) X('e', 30) X('f', 31) \
    X('g', 32) X('h', 33) X('i', 34) X('j', 35) X('k', 36) X('l', 37) X('m', 38) X('n', 39) \
    X('o', 40) X('p', 41) X('q', 42) X('r', 43) X('s', 44) X('t', 45) X('u', 46) X('v', 47) \
    X('w', 48) X('x', 49) X('y', 50) X('z', 51) X('0', 52) X('1', 53) X('2', 54) X('3', 55) \
    X('4', 56) X('5', 57) X('6', 58) X('7', 59) X('8', 60) X('9', 61) X('+', 62) X('/', 63)
/* clang-format on */

/*
 * decoded[n][c]: what character c contributes as the n-th of a group of four to the group's 24
 * bits, and bit 24 + n to say that it belongs to the alphabet. So a group is four loads, three ORs
 * and one comparison.
 */
#define FIRST(c, value) [c] = 1u << 24 | (value) << 18,
#define SECOND(c, value) [c] = 1u << 25 | (value) << 12,
#define THIRD(c, value) [c] = 1u << 26 | (value) << 6,
#define FOURTH(c, value) [c] = 1u << 27 | (value),
static const uint32_t decoded[4][256] = {
    {ALPHABET(FIRST)}, {ALPHABET(SECOND)}, {ALPHABET(THIRD)}, {ALPHABET(FOURTH)}};
#define GROUP_VALID 0x0f000000u

/* The two characters of each 12 bits: a group is two loads and two stores. */
/* clang-format off */
#define PAIRS(c) \
    {c, 'A'}, {c, 'B'}, {c, 'C'}, {c, 'D'}, {c, 'E'}, {c, 'F'}, {c, 'G'}, {c, 'H'}, \
    {c, 'I'}, {c, 'J'}, {c, 'K'}, {c, 'L'}, {c, 'M'}, {c, 'N'}, {c, 'O'}, {c, 'P'}, \
    {c, 'Q'}, {c, 'R'}, {c, 'S'}, {c, 'T'}, {c, 'U'}, {c, 'V'}, {c, 'W'}, {c, 'X'}, \
    {c, 'Y'}, {c, 'Z'}, {c, 'a'}, {c, 'b'}, {c, 'c'}, {c, 'd'}, {c, 'e'}, {c, 'f'}, \
    {c, 'g'}, {c, 'h'}, {c, 'i'}, {c, 'j'}, {c, 'k'}, {c, 'l'}, {c, 'm'}, {c, 'n'}, \
    {c, 'o'}, {c, 'p'}, {c, 'q'}, {c, 'r'}, {c, 's'}, {c, 't'}, {c, 'u'}, {c, 'v'}, \
    {c, 'w'}, {c, 'x'}, {c, 'y'}, {c, 'z'}, {c, '0'}, {c, '1'}, {c, '2'}, {c, '3'}, \
    {c, '4'}, {c, '5'}, {c, '6'}, {c, '7'}, {c, '8'}, {c, '9'}, {c, '+'}, {c, '/'},
/* clang-format on */
#define ROW(c, value) PAIRS(c)
static const char pairs[64 * 64][2] = {ALPHABET(ROW)};

static void encode_group(uint8_t *to, uint32_t bits)
{
    memcpy(to, pairs[bits >> 12], 2);
    memcpy(to + 2, pairs[bits & 4095], 2);
}

void base64_append(struct buf *out, struct slice bytes)
{
    if (bytes.size == 0)
        return;
    size_t size = (bytes.size + 2) / 3 * 4;
    uint8_t *to = buf_reserve(out, size);
    if (to == NULL)
        return;
    size_t blocks = bytes.size < BASE64_BLOCK_BEHIND
                        ? 0
                        : (bytes.size - BASE64_BLOCK_BEHIND) / BASE64_BLOCK_BYTES;
    blocks = base64_encode_blocks(to, bytes.data, blocks);
    to += blocks * BASE64_BLOCK_CHARACTERS;
    const uint8_t *from = bytes.data + blocks * BASE64_BLOCK_BYTES;
    size_t left = bytes.size - blocks * BASE64_BLOCK_BYTES;
    for (; left >= 3; left -= 3, from += 3, to += 4)
        encode_group(to, (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2]);
    if (left > 0) {
        encode_group(to, (uint32_t)from[0] << 16 | (left == 2 ? (uint32_t)from[1] << 8 : 0));
        to[3] = '=';
        if (left == 1)
            to[2] = '=';
    }
    buf_added(out, size);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* True when all of eight bytes are above a space's code. */
static bool is_dense(const uint8_t *eight)
{
    uint64_t word;
    memcpy(&word, eight, sizeof word);
    uint64_t above = ((word & 0x7f7f7f7f7f7f7f7f) + 0x5f5f5f5f5f5f5f5f) | word;
    return (above & 0x8080808080808080) == 0x8080808080808080;
}

static size_t count_characters(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size;) {
        if (text.size - i >= 8 && is_dense(text.data + i)) {
            count += 8;
            i += 8;
        } else {
            count += !is_space(text.data[i++]);
        }
    }
    return count;
}

/* How many '=' end the text, at most two. */
static size_t count_padding(struct slice text, bool spaced)
{
    size_t padding = 0;
    for (size_t i = text.size; i > 0 && padding < 2; i--) {
        if (text.data[i - 1] == '=')
            padding++;
        else if (!spaced || !is_space(text.data[i - 1]))
            break;
    }
    return padding;
}

static uint32_t group_bits(const uint8_t *four)
{
    return decoded[0][four[0]] | decoded[1][four[1]] | decoded[2][four[2]] | decoded[3][four[3]];
}

/* The next group that has white space in or before it, which the caller knows to be there. */
static const uint8_t *gather(const uint8_t *from, uint8_t four[4])
{
    for (size_t i = 0; i < 4; from++) {
        if (!is_space(*from))
            four[i++] = *from;
    }
    return from;
}

/* The next group; NULL when it is malformed. */
static const uint8_t *decode_group(uint8_t *to, const uint8_t *from, bool spaced)
{
    uint8_t four[4];
    uint32_t bits = group_bits(from);
    const uint8_t *end = from + 4;
    if ((bits & GROUP_VALID) != GROUP_VALID) {
        if (!spaced)
            return NULL;
        end = gather(from, four);
        bits = group_bits(four);
        if ((bits & GROUP_VALID) != GROUP_VALID)
            return NULL;
    }
    to[0] = (uint8_t)(bits >> 16);
    to[1] = (uint8_t)(bits >> 8);
    to[2] = (uint8_t)bits;
    return end;
}

#define BLOCK_GROUPS (BASE64_BLOCK_CHARACTERS / 4)

/* Decodes count whole groups, white space aside; where they end in the text, or NULL when one is
 * malformed. */
static const uint8_t *decode_groups(uint8_t *to, const uint8_t *from, size_t count, bool spaced)
{
    while (count > 0) {
        size_t blocks = base64_decode_blocks(to, from, count / BLOCK_GROUPS);
        to += blocks * BASE64_BLOCK_BYTES;
        from += blocks * BASE64_BLOCK_CHARACTERS;
        count -= blocks * BLOCK_GROUPS;
        size_t some = count < BLOCK_GROUPS ? count : BLOCK_GROUPS;
        for (size_t i = 0; i < some && from != NULL; i++, to += 3)
            from = decode_group(to, from, spaced);
        if (from == NULL)
            return NULL;
        count -= some;
    }
    return from;
}

/* The last group, when it is padded: 1 or 2 bytes, whose unused bits must be zero. */
static bool decode_last(uint8_t *to, const uint8_t *from, size_t padding, bool spaced)
{
    uint8_t four[4];
    if (spaced)
        gather(from, four);
    else
        memcpy(four, from, sizeof four);
    four[3] = 'A';
    if (padding == 2)
        four[2] = 'A';
    uint32_t bits = group_bits(four);
    if ((bits & GROUP_VALID) != GROUP_VALID || (bits & (padding == 2 ? 0xffff : 0xff)) != 0)
        return false;
    to[0] = (uint8_t)(bits >> 16);
    if (padding == 1)
        to[1] = (uint8_t)(bits >> 8);
    return true;
}

static bool parse(struct buf *out, struct slice text, bool spaced, struct error *err)
{
    size_t characters = spaced ? count_characters(text) : text.size;
    if (characters == 0)
        return true;
    if (characters % 4 != 0)
        return error_set(err, &base_base64_malformed, clause, NULL,
                         "base64 text has %zu characters, which is not a multiple of 4",
                         characters);
    size_t padding = count_padding(text, spaced);
    size_t size = characters / 4 * 3 - padding;
    uint8_t *to = buf_reserve(out, size);
    if (to == NULL)
        return buf_ok(out, "base64 text", err);
    size_t groups = characters / 4 - (padding > 0);
    const uint8_t *from = decode_groups(to, text.data, groups, spaced);
    if (from == NULL || (padding > 0 && !decode_last(to + 3 * groups, from, padding, spaced)))
        return error_set(err, &base_base64_malformed, clause, NULL,
                         "base64 text holds a foreign character, or bits after its end");
    buf_added(out, size);
    return true;
}

bool base64_parse(struct buf *out, struct slice text, struct error *err)
{
    return parse(out, text, false, err);
}

bool base64_parse_spaced(struct buf *out, struct slice text, struct error *err)
{
    return parse(out, text, true, err);
}
