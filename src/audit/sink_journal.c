/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records in the systemd journal: MESSAGE is for people; HGS_RECORD is the whole line, HGS_EVENT,
 * HGS_SEQ and one field HGS_… for each property of the record, so that `journalctl HGS_HOST=n1`
 * finds what concerns a host. The identifier is hgs-audit, the facility authpriv.
 */

#include <stdio.h>

#include "audit/errors.h"
#include "audit/sink.h"
#include "process/journal.h"

static bool missing(const struct error *why, struct error *err)
{
    return error_set(err, &audit_sink_missing, NULL, "journal", "%s", why->message);
}

static bool journal_sink_check(void *state, struct error *err)
{
    (void)state;
    struct error why = {0};
    return journal_check(&why) || missing(&why, err);
}

static bool journal_sink_open(void **state, struct error *err)
{
    (void)err;
    *state = NULL;
    return true;
}

/* What stands in MESSAGE behind the event's word. */
struct message {
    struct journal_entry *entry;
    struct buf text;
};

static void add_field(void *context, const char *name, const char *value)
{
    struct message *message = context;
    static const char *const shown[] = {"host", "object", "user", "code", "peer"};
    journal_entry_add(message->entry, "HGS_", name, slice_from_text(value));
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (strcmp(name, shown[i]) == 0)
            buf_append_format(&message->text, " %s=%.256s", name, value);
}

static void add_text(struct journal_entry *entry, const char *name, const char *value)
{
    journal_entry_add(entry, "", name, slice_from_text(value));
}

static bool journal_sink_send(void *state, const struct audit_record *record, struct slice line,
                              struct error *err)
{
    (void)state;
    char sequence[24];
    struct error why = {0};
    struct journal_entry entry;
    struct message message = {.entry = &entry};
    journal_entry_init(&entry);
    buf_init(&message.text, 8192);
    buf_append(&message.text, record->event);
    snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)record->sequence);
    add_text(&entry, "SYSLOG_IDENTIFIER", "hgs-audit");
    add_text(&entry, "SYSLOG_FACILITY", "10");
    add_text(&entry, "PRIORITY", "6");
    add_text(&entry, "HGS_SEQ", sequence);
    journal_entry_add(&entry, "HGS_", "event", record->event);
    journal_entry_add(&entry, "HGS_", "record", line);
    audit_sink_each_field(record, add_field, &message);
    journal_entry_add(&entry, "", "MESSAGE", buf_slice(&message.text));
    bool sent = journal_entry_send(&entry, &why);
    buf_done(&message.text);
    journal_entry_done(&entry);
    return sent || missing(&why, err);
}

static void journal_sink_close(void *state)
{
    (void)state;
}

const struct audit_sink_kind audit_sink_journal = {"journal", journal_sink_check, journal_sink_open,
                                                   journal_sink_send, journal_sink_close};
