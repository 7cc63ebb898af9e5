/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The audit trail: who got which key, who changed which policy. JSON lines in <folder>/audit.log,
 * each with a sequence number, a time and the SHA-256 of the line before; every N records, at
 * rotation and at stop the keyholder signs a checkpoint record (keyholder_checkpoint), and the
 * newest sequence and hash are kept in the store (STORE_AUDIT_HEAD: {"seq":…,"hash":"…"}).
 *
 * One thread writes: it takes what waits, writes it in one go, fdatasync, and then tells each
 * waiter. Nothing is released unless its record is on the disk: a caller that needs that appends
 * with a completion and answers in it. When writing fails (full disk), every append fails with
 * audit.unwritable until a retry succeeds (each second). When records that were on disk are gone or
 * changed, every append fails with audit.damaged: nothing is touched until the right files are back
 * or somebody acknowledges the loss (audit_acknowledge). While a sink takes no records (sink.h),
 * every append fails with its error; what is on disk and did not reach the sink is sent first when
 * it is back, and audit.recovered says from where to where those are whose waiters were refused.
 * Another thread has checkpoints signed and writes the head, about once a second: neither a slow
 * keyholder nor a slow store holds up records. Records are on disk before the head is in the store;
 * so after a crash the trail may be ahead of the head, and one that is behind it was cut.
 *
 * Events that the trail writes itself: audit.checkpoint, audit.removed (retention took a file
 * away), audit.repaired (a line that a crash cut was removed), audit.damaged (records that were on
 * disk are gone or changed, and who acknowledged it; verification finds the place), audit.recovered
 * (it could not be written for a while), <event>.suppressed (audit_append_limited).
 */

#include "base/clock.h"
#include "base/json.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

#define AUDIT_RECORD_FIELDS_MAX (256 * 1024)

struct audit;
struct audit_sinks;

/* Called by the trail's threads when records cannot be written any more, or for another reason than
 * before (err), and when they can be again (NULL). */
typedef void audit_trouble(void *context, const struct error *err);

struct audit_options {
    const char *folder;
    const char *node;     /* this node's name: key of the head record */
    int64_t rotate_size;  /* bytes of one file; then audit-<first sequence>.log */
    int64_t retain_files; /* rotated files that are kept; 0: all. A removed file's last hash stands
                             in an audit.removed record */
    int64_t checkpoint_every; /* records */
    int64_t refusals;         /* see audit_append_limited; 0: a default */
    const struct clock *clock;
    struct store *store; /* NULL: no head is kept (tests) */
    /* Where every record goes, too (sink.h); NULL: nowhere. Must outlive the trail. */
    const struct audit_sinks *sinks;
    audit_trouble *trouble; /* may be NULL */
    void *context;          /* of trouble */
};

/*
 * Opens the trail (making the folder, 0700, when absent), repairs a last line that a crash cut (and
 * records that it did), starts the threads. A damaged trail is opened, too, but takes no records.
 * The texts of options are copied; clock and store must
 * outlive the trail. audit.unwritable: also when another process writes this trail.
 */
bool audit_start(struct audit **out, const struct audit_options *options, struct error *err);
/* Who signs checkpoints: after server init, or once keys are loaded. Until then there are none.
 * Never waits; keyholder must outlive the trail. */
void audit_set_signer(struct audit *audit, struct keyholder *keyholder,
                      const uint8_t key_id[KEY_ID_SIZE]);
/* Writes what waits, a last checkpoint, the head; stops. */
void audit_stop(struct audit **audit);

/*
 * A record: `event` is a stable word ("key.released", "attestation.passed", "host.added"); fields
 * are the properties of a JSON object's inside without braces ("\"host\":\"n1\",…"; may be empty),
 * none of them named seq, time, event or prev. Both are checked only for what would break the
 * line: audit.record-invalid when event has other characters than a-z 0-9 . - _, when fields has
 * control characters or is larger than AUDIT_RECORD_FIELDS_MAX.
 * done (may be NULL) is called on the audit thread when the record is on disk (ok) or could not be
 * written (not ok, err set). When the queue is full (audit.busy) or the trail is known to be
 * unwritable, it fails at once and done is not called.
 */
typedef void audit_done(void *context, bool ok, const struct error *err);
bool audit_append(struct audit *audit, const char *event, struct slice fields, audit_done *done,
                  void *context, struct error *err);
/* Appends and waits until it is on disk; not to be called by a completion. */
bool audit_append_wait(struct audit *audit, const char *event, struct slice fields,
                       struct error *err);
/*
 * Appends a record of something that anybody can cause, without waiting. Of one event, `refusals`
 * records a second are written (half of them for one peer; fifty times as many at once), so that
 * nobody fills the disk. The others are counted: "<event>.suppressed" {count} follows within about
 * a second. True also when it was counted. At most 8 such events.
 */
bool audit_append_limited(struct audit *audit, const char *event, const char *peer,
                          struct slice fields, struct error *err);
/* Has records that somebody waits for written at once, together with all others; else they are
 * gathered for some milliseconds. For a caller who knows that no more will come soon. */
void audit_hurry(struct audit *audit);
/* Says whether few records that somebody waits for are to be expected soon, besides those of whom
 * gets an answer now: then they are gathered for half a millisecond only. */
void audit_expect_few(struct audit *audit, bool few);
/* Waits until all that was appended before the call is on disk (or failed); records that nobody
 * waits for may else take some milliseconds. Not to be called by a completion. */
void audit_flush(struct audit *audit);
/*
 * Goes on although records that were on disk are gone or changed: record audit.damaged says what
 * was found, and fields who accepts it (as for audit_append). An audit.log that is not the end of
 * this trail is kept beside it. Waits until that is on disk. audit.undamaged when there is nothing
 * to acknowledge; audit.unwritable.
 */
bool audit_acknowledge(struct audit *audit, struct slice fields, struct error *err);
/* Whether releases are possible; when not, *err says why (for server show). */
bool audit_healthy(struct audit *audit, struct error *err);
/* Whether the writer has done an entry since the last call with this mark (at first 0), or nothing
 * waits for it. */
bool audit_moves(struct audit *audit, uint64_t *mark);
/* The time of the newest record that was there when the trail was opened; INT64_MIN: there was
 * none. Records are as late as a clock was: one before them was set back. */
int64_t audit_time_before(const struct audit *audit);
/* Sequence of the newest record on disk. */
uint64_t audit_sequence(struct audit *audit);

/* Reading: what `hgsctl event list` shows. Times in seconds; 0 and NULL: no filter. */
struct audit_filter {
    int64_t since, until;
    const char *host;  /* value of the field "host" */
    const char *event; /* shell wildcard on the event word */
    uint64_t after;    /* sequence */
    size_t limit;      /* newest `limit` of those that match; 0: all */
};
/*
 * Calls each for the lines (without newline) that match, oldest first. each returns false to stop
 * early, having set err when it is a failure. A trail that is being written is listed up to where
 * it was at the call; lines that are no records are passed over (audit_verify finds them).
 */
bool audit_list(const char *folder, const struct audit_filter *filter,
                bool (*each)(void *context, struct slice line, struct error *err), void *context,
                struct error *err);

/* Verification (`hgsctl event verify`). */
struct audit_report {
    uint64_t first, last; /* sequences seen */
    uint64_t records, checkpoints;
    uint64_t unsigned_tail; /* records that no checkpoint covers: somebody who holds the machine
                               might have rewritten them all */
    bool whole;             /* every check passed */
    struct error problem;   /* the first one that did not: audit.altered, audit.missing,
                               audit.reordered, audit.cut, audit.checkpoint */
};
/* What is known of the trail from elsewhere; zeros: nothing. */
struct audit_known {
    /* The audit key's public half. Without it checkpoints are counted, and not verified. */
    const struct public_key *key;
    /* What the store remembers, read before the call: a trail that ends before is cut, one with
     * another record there was altered. */
    uint64_t head_sequence;
    uint8_t head_hash[32];
    /* Records before this one were looked at before, and are passed over. */
    uint64_t from;
};
/*
 * Walks all files of the folder (file NULL), or the one file whose path is given (folder is not
 * used then; what comes before and behind it is not known and not missed). Returns false only when
 * files cannot be read (audit.unreadable).
 */
bool audit_verify(const char *folder, const char *file, const struct audit_known *known,
                  struct audit_report *report, struct error *err);
