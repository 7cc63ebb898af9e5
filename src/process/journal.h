/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Entries of the systemd journal (systemd.journal-fields(7)), one at a time. */

#include "base/buf.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_FIELDS_MAX 64

/* An entry being put together. */
struct journal_entry {
    struct buf bytes; /* "NAME=value" one after another */
    size_t ends[JOURNAL_FIELDS_MAX];
    size_t count;
};

/* Whether there is a journal to send to: process.journal. */
bool journal_check(struct error *err);

void journal_entry_init(struct journal_entry *entry);
void journal_entry_done(struct journal_entry *entry);
/* A field: prefix and name in upper case, what a name may not hold as '_'. More than
 * JOURNAL_FIELDS_MAX, or more than a megabyte, are left out. */
void journal_entry_add(struct journal_entry *entry, const char *prefix, const char *name,
                       struct slice value);
/* Hands the entry to the journal. process.journal. */
bool journal_entry_send(const struct journal_entry *entry, struct error *err);
