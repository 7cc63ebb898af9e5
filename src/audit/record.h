/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A record of the trail, one line:
 *
 *     {"seq":12,"time":"2026-11-23T10:00:00Z","event":"key.released",…,"prev":"<64 hex digits>"}
 *
 * The first three properties and the last one stand in this order and spelling, so that a record is
 * written and read without going through a JSON tree; the caller's fields are between. prev is the
 * SHA-256 of the line before, without its newline; of the first record ever, zeros. Sequences start
 * at 1.
 */

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/digest.h"

#define AUDIT_HASH_SIZE DIGEST_SHA256_SIZE
#define AUDIT_EVENT_MAX 64
/* A line without its newline. */
#define AUDIT_LINE_MAX (256 * 1024 + 512)

/* A place in the chain: a record and the hash of its line. Sequence 0 with zeros is before the
 * first. */
struct audit_place {
    uint64_t sequence;
    uint8_t hash[AUDIT_HASH_SIZE];
};

struct audit_record {
    uint64_t sequence;
    char time[CLOCK_TEXT_SIZE];
    struct slice event;  /* the word */
    struct slice fields; /* the caller's properties; may be empty */
    uint8_t previous[AUDIT_HASH_SIZE];
};

/* audit.record-invalid when a line of these would not be one line of JSON. */
bool audit_record_check(const char *event, struct slice fields, struct error *err);

/* Appends the line of the record that follows *place, with its newline, and moves *place to it. */
void audit_record_append(struct buf *out, struct audit_place *place,
                         const char time[CLOCK_TEXT_SIZE], struct slice event, struct slice fields);

/* Takes a line (without newline) apart; slices are borrowed from it. False when it is none that
 * audit_record_append writes. */
bool audit_record_parse(struct audit_record *out, struct slice line);
