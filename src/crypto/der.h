/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The distinguished encoding rules (ITU-T X.690 section 10), as far as keys and certificates need
 * them. Reading is strict: lengths are definite and minimal, tags have one byte, integers are
 * minimal. A failed read sets the reader's `failed` (base/slice.h) and gives empty slices from then
 * on, so that a parser reads a whole structure and asks reader_done() once for each level.
 */

#include "base/buf.h"
#include "base/slice.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8_STRING = 0x0c,
    DER_PRINTABLE_STRING = 0x13,
    DER_TELETEX_STRING = 0x14,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};
/* [number] IMPLICIT of a primitive type, and [number] of a constructed one or EXPLICIT. */
#define DER_CONTEXT(number) ((uint8_t)(0x80 | (number)))
#define DER_CONTEXT_CONSTRUCTED(number) ((uint8_t)(0xa0 | (number)))

/* The next element's tag; 0 at the end. */
uint8_t der_peek(const struct reader *reader);
/* The contents of the next element, which must have this tag. */
struct slice der_read(struct reader *reader, uint8_t tag);
/* A reader over those contents; failed when they could not be read. */
struct reader der_enter(struct reader *reader, uint8_t tag);
/* The whole next element, of any tag, with its header. */
struct slice der_read_element(struct reader *reader);
bool der_read_boolean(struct reader *reader);
/* A minimal INTEGER of either sign: its contents as they are. */
struct slice der_read_integer(struct reader *reader);
/* A minimal INTEGER of at least 0, big-endian without its sign byte (zero: one byte). */
struct slice der_read_unsigned(struct reader *reader);
/* The same when it is at most max. */
uint64_t der_read_number(struct reader *reader, uint64_t max);
/* A BIT STRING of whole bytes. */
struct slice der_read_bits(struct reader *reader);
/* UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 restricts them (seconds, Z): seconds since 1970.
 */
int64_t der_read_time(struct reader *reader);

/* Whether a slice holds one whole element with this tag, readable to its end. */
bool der_is(struct slice bytes, uint8_t tag);

/* Writes "1.2.840.113549.1.1.1" for an OID's contents; cut at size. Returns text. */
char *der_format_oid(struct slice oid, char *text, size_t size);

void der_write(struct buf *out, uint8_t tag, struct slice contents);
/* What is appended until der_end becomes the element's contents. Nests. */
size_t der_begin(struct buf *out, uint8_t tag);
void der_end(struct buf *out, size_t begin);
/* An INTEGER; leading zeros do not matter. */
void der_write_unsigned(struct buf *out, struct slice big_endian);
void der_write_number(struct buf *out, uint32_t value);
void der_write_bits(struct buf *out, struct slice bytes);
/* UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 4.1.2.5). Years 1950 to 9999. */
void der_write_time(struct buf *out, int64_t time);
