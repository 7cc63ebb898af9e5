/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Base64 (RFC 4648 section 4) many characters at a time, where the processor can: event logs and
 * key protectors are long, and a table for each character takes four times as long. Without tables,
 * what is encoded or decoded leaves no trace in the cache either.
 */

#include <stddef.h>
#include <stdint.h>

#define BASE64_BLOCK_CHARACTERS 32
#define BASE64_BLOCK_BYTES 24

/*
 * Decodes up to count blocks of characters of the alphabet into to, which has room for them, and
 * returns how many: it stops before the first block that has anything else (white space, '=', a
 * foreign character). 0 on processors that it is not made for.
 */
size_t base64_decode_blocks(uint8_t *to, const uint8_t *from, size_t count);

/* Behind the last block, so many bytes more can be read. */
#define BASE64_BLOCK_BEHIND 4

/* Encodes count blocks of bytes into to; returns count, or 0 on processors that it is not made for.
 */
size_t base64_encode_blocks(uint8_t *to, const uint8_t *from, size_t count);
