/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64_blocks.h"

#ifdef __x86_64__

#include <string.h>

typedef uint8_t bytes __attribute__((vector_size(BASE64_BLOCK_CHARACTERS)));
typedef uint8_t half __attribute__((vector_size(BASE64_BLOCK_CHARACTERS / 2)));
typedef uint16_t pairs __attribute__((vector_size(BASE64_BLOCK_CHARACTERS)));
typedef uint32_t groups __attribute__((vector_size(BASE64_BLOCK_CHARACTERS)));
typedef uint64_t words __attribute__((vector_size(BASE64_BLOCK_CHARACTERS)));

#define HALF_BYTES (BASE64_BLOCK_BYTES / 2)

/* gcc's analyzer takes the logarithm of how many parts a vector has for the width of one. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-shift-count-overflow"
#endif

/* All bits of each byte of it that lies in first … last. */
#define WITHIN(it, first, last) ((bytes)((it) - (first) <= (last) - (first)))

/* One block: four characters become the low 24 bits of a group, first character on top; then the
 * groups' bytes change places, in each half of the block, since that is how far they can go. */
__attribute__((target("avx2"))) static int decode_block(uint8_t *to, const uint8_t *from)
{
    bytes block;
    memcpy(&block, from, sizeof block);
    bytes upper = WITHIN(block, 'A', 'Z'), lower = WITHIN(block, 'a', 'z');
    bytes digit = WITHIN(block, '0', '9'), plus = (bytes)(block == '+');
    bytes slash = (bytes)(block == '/');
    words known = (words)(upper | lower | digit | plus | slash);
    if ((known[0] & known[1] & known[2] & known[3]) != UINT64_MAX)
        return 0;
    block -= ('A' & upper) | (('a' - 26) & lower);
    block += ((52 - '0') & digit) | ((62 - '+') & plus) | ((63 - '/') & slash);
    pairs two = (pairs)block;
    two = two << 6 | two >> 8;
    groups four = (groups)two;
    four = (four & 0xfff) << 12 | (four >> 16 & 0xfff);
    bytes bits = (bytes)four;
    bytes out =
        __builtin_shufflevector(bits, bits, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 7, 11, 15,
                                18, 17, 16, 22, 21, 20, 26, 25, 24, 30, 29, 28, 19, 23, 27, 31);
    memcpy(to, &out, HALF_BYTES);
    memcpy(to + HALF_BYTES, (const uint8_t *)&out + sizeof out / 2, HALF_BYTES);
    return 1;
}

__attribute__((target("avx2"))) static size_t decode(uint8_t *to, const uint8_t *from, size_t count)
{
    size_t done = 0;
    while (done < count && decode_block(to, from)) {
        to += BASE64_BLOCK_BYTES;
        from += BASE64_BLOCK_CHARACTERS;
        done++;
    }
    return done;
}

size_t base64_decode_blocks(uint8_t *to, const uint8_t *from, size_t count)
{
    return __builtin_cpu_supports("avx2") ? decode(to, from, count) : 0;
}

/* All bits of each byte of it that is above a limit. */
#define ABOVE(it, limit) ((bytes)((it) > (limit)))

/* The way back: three bytes become a group with the first of them on top, then its four parts of
 * six bits a byte each, then those their characters. */
__attribute__((target("avx2"))) static void encode_block(uint8_t *to, const uint8_t *from)
{
    half low, high;
    memcpy(&low, from, sizeof low);
    memcpy(&high, from + HALF_BYTES, sizeof high);
    bytes block =
        __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
                                17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    bytes order =
        __builtin_shufflevector(block, block, 2, 1, 0, 15, 5, 4, 3, 15, 8, 7, 6, 15, 11, 10, 9, 15,
                                18, 17, 16, 31, 21, 20, 19, 31, 24, 23, 22, 31, 27, 26, 25, 31);
    groups three = (groups)order;
    bytes six = (bytes)((three >> 18 & 0x3f) | (three >> 4 & 0x3f00) | (three << 10 & 0x3f0000) |
                        (three << 24 & 0x3f000000));
    bytes out = six + 'A';
    out += ('a' - 'Z' - 1) & ABOVE(six, 25);
    out -= ('z' + 1 - '0') & ABOVE(six, 51);
    out -= ('9' + 1 - '+') & ABOVE(six, 61);
    out += ('/' - '+' - 1) & ABOVE(six, 62);
    memcpy(to, &out, sizeof out);
}

__attribute__((target("avx2"))) static size_t encode(uint8_t *to, const uint8_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        encode_block(to + i * BASE64_BLOCK_CHARACTERS, from + i * BASE64_BLOCK_BYTES);
    return count;
}

size_t base64_encode_blocks(uint8_t *to, const uint8_t *from, size_t count)
{
    return __builtin_cpu_supports("avx2") ? encode(to, from, count) : 0;
}

#else

size_t base64_encode_blocks(uint8_t *to, const uint8_t *from, size_t count)
{
    (void)to, (void)from, (void)count;
    return 0;
}

size_t base64_decode_blocks(uint8_t *to, const uint8_t *from, size_t count)
{
    (void)to, (void)from, (void)count;
    return 0;
}

#endif
