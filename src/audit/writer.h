/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The thread that writes: all that waits in the queue becomes lines, one write, one fdatasync, then
 * each waiter is told. It rotates and removes files, and after a failure tries again every second.
 * A trail that is damaged stays shut until an entry acknowledges that, or the right files are back.
 */

#include "audit/file.h"
#include "audit/keeper.h"
#include "audit/sink.h"

struct audit_writer {
    struct audit_queue *queue;
    struct audit_keeper *keeper;
    const struct clock *clock;
    int64_t rotate_size;
    size_t retain_files;

    pthread_t thread;
    struct audit_file file;
    struct buf lines;                /* of one write */
    struct audit_place place;        /* of the last of them */
    const struct audit_sinks *sinks; /* may be NULL */
    struct buf unsent;               /* lines that are on disk and did not reach every sink */
    uint64_t unsent_first, unsent_last;
    int64_t formatted; /* the second whose text is time */
    char time[CLOCK_TEXT_SIZE];
    int64_t failed_since;       /* seconds; 0: it is well */
    struct audit_found found;   /* what is to be told of yet; damage must be acknowledged first */
    char kept[AUDIT_KEPT_SIZE]; /* the name that an audit.log in the way was given for it */
    audit_trouble *trouble;
    void *context;
};

/* Opens the files; what was found amiss waits in the queue as the first record. Nothing runs yet.
 */
bool audit_writer_open(struct audit_writer *writer, struct audit_queue *queue,
                       const struct audit_options *options, const struct audit_place *head,
                       struct error *err);
void audit_writer_done(struct audit_writer *writer);

/* keeper is told of what is on disk. audit.unwritable when no thread can be had. */
bool audit_writer_start(struct audit_writer *writer, struct audit_keeper *keeper,
                        struct error *err);
/* The queue must have been closed: waits until all of it is written. */
void audit_writer_stop(struct audit_writer *writer);
