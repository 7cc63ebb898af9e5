/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where records of the trail go besides its files: the systemd journal, as structured fields, and
 * the Linux audit system, as AUDIT_TRUSTED_APP messages. A sink that is configured is part of the
 * trail: while it takes nothing, no record is finished, and so nothing is released. Each kind of
 * sink is a struct of functions; a sink is opened before the sandbox is entered (sockets) and used
 * by the audit thread alone.
 */

#include "audit/record.h"

struct audit_sink_kind {
    const char *name; /* "journal" */
    /* Whether this process can use it as things are now. state: of open; NULL when that failed.
     * audit.sink-missing, audit.sink-privilege. */
    bool (*check)(void *state, struct error *err);
    /* Before the sandbox is entered and capabilities are given up. audit.sink-missing. */
    bool (*open)(void **state, struct error *err);
    /* One record. audit.sink-failed, or the errors of check. After an outage a record may come a
     * second time. */
    bool (*send)(void *state, const struct audit_record *record, struct slice line,
                 struct error *err);
    void (*close)(void *state);
};

/* sink_journal.c and sink_linux.c. */
extern const struct audit_sink_kind audit_sink_journal;
extern const struct audit_sink_kind audit_sink_linux;

#define AUDIT_SINKS_MAX 4

struct audit_sinks {
    struct audit_sink {
        const struct audit_sink_kind *kind;
        void *state;
        struct error closed; /* why it could not be opened; code NULL: it is open */
    } items[AUDIT_SINKS_MAX];
    size_t count;
};

/* Opens one more. One that cannot be opened is added all the same: the trail then takes no records.
 */
void audit_sinks_add(struct audit_sinks *sinks, const struct audit_sink_kind *kind);
/* Whether all of them can be used as things are now; the first reason why not. With the
 * capabilities that the service keeps. */
bool audit_sinks_check(const struct audit_sinks *sinks, struct error *err);
/* Sends every line of lines (each with its newline) to every sink, until one fails. */
bool audit_sinks_send(const struct audit_sinks *sinks, struct slice lines, struct error *err);
void audit_sinks_close(struct audit_sinks *sinks);

/*
 * The scalar properties of a record's fields, for sinks that know no JSON: each is called with its
 * name and its value as text. What is an object or array is passed over: the line has it all.
 */
void audit_sink_each_field(const struct audit_record *record,
                           void (*each)(void *context, const char *name, const char *value),
                           void *context);
