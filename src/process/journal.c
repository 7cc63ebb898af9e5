/* SPDX-License-Identifier: Apache-2.0 */
#include "process/journal.h"

#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "process/errors.h"

#define ENTRY_MAX ((size_t)1024 * 1024)
#define NAME_MAX_SIZE 64 /* of a journal field's name (systemd.journal-fields(7)) */

/* sd_journal_sendv says that all is well when there is no journal. */
bool journal_check(struct error *err)
{
    return access(JOURNAL_SOCKET, W_OK) == 0 ||
           error_set_errno(err, &process_journal, errno, JOURNAL_SOCKET,
                           "the systemd journal cannot be reached");
}

void journal_entry_init(struct journal_entry *entry)
{
    *entry = (struct journal_entry){0};
    buf_init(&entry->bytes, ENTRY_MAX);
}

void journal_entry_done(struct journal_entry *entry)
{
    buf_done(&entry->bytes);
}

static void append_name(struct buf *out, const char *text, size_t *left)
{
    for (; *text != '\0' && *left > 0; text++, --*left)
        buf_append_u8(out, isalnum((unsigned char)*text) ? (uint8_t)(toupper)((unsigned char)*text)
                                                         : '_');
}

void journal_entry_add(struct journal_entry *entry, const char *prefix, const char *name,
                       struct slice value)
{
    size_t left = NAME_MAX_SIZE;
    if (entry->count == JOURNAL_FIELDS_MAX ||
        entry->bytes.size + NAME_MAX_SIZE + 1 + value.size > ENTRY_MAX)
        return;
    append_name(&entry->bytes, prefix, &left);
    append_name(&entry->bytes, name, &left);
    buf_append_u8(&entry->bytes, '=');
    buf_append(&entry->bytes, value);
    entry->ends[entry->count++] = entry->bytes.size;
}

bool journal_entry_send(const struct journal_entry *entry, struct error *err)
{
    struct iovec fields[JOURNAL_FIELDS_MAX];
    size_t begin = 0;
    for (size_t i = 0; i < entry->count; begin = entry->ends[i++])
        fields[i] = (struct iovec){entry->bytes.data + begin, entry->ends[i] - begin};
    if (!journal_check(err))
        return false;
    int result = sd_journal_sendv(fields, (int)entry->count);
    return result >= 0 || error_set_errno(err, &process_journal, -result, JOURNAL_SOCKET,
                                          "the systemd journal takes no entry");
}
