/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/list.h"

#include <fnmatch.h>

#include "audit/folder.h"
#include "audit/lines.h"
#include "base/file.h"

/* Where to begin and, in the last file, where to end: what comes after the call is not listed. */
struct span {
    size_t file;
    off_t at;
    off_t end; /* of the last file */
};

static bool event_matches(const char *pattern, struct slice event)
{
    char word[AUDIT_EVENT_MAX + 1];
    if (event.size > AUDIT_EVENT_MAX)
        return false;
    memcpy(word, event.data, event.size);
    word[event.size] = '\0';
    return fnmatch(pattern, word, 0) == 0;
}

/* The name's bytes are looked for first, since few lines have them and parsing is slow. */
static bool host_matches(const char *host, struct slice line)
{
    if (memmem(line.data, line.size, host, strlen(host)) == NULL)
        return false;
    _cleanup_json_ struct json *document = NULL;
    const char *found = NULL;
    return json_parse(&document, line, NULL) && json_get_text(&found, document, "host", NULL) &&
           strcmp(found, host) == 0;
}

/* Times are compared as text: all have one form, which sorts as time does. */
static bool time_matches(const struct audit_filter *filter, const char *time)
{
    char bound[CLOCK_TEXT_SIZE];
    return (filter->since == 0 || strcmp(time, clock_format(filter->since, bound)) >= 0) &&
           (filter->until == 0 || strcmp(time, clock_format(filter->until, bound)) <= 0);
}

bool audit_list_matches(const struct audit_filter *filter, const struct audit_record *record,
                        struct slice line)
{
    return record->sequence > filter->after && time_matches(filter, record->time) &&
           (filter->event == NULL || event_matches(filter->event, record->event)) &&
           (filter->host == NULL || host_matches(filter->host, line));
}

/* Goes back through one file. *wanted counts down the records that are still to be found; *done
 * says that span->at is where the list begins. */
static bool search_file(struct span *span, size_t *wanted, bool *done,
                        const struct audit_filter *filter, struct audit_lines *lines,
                        struct error *err)
{
    for (;;) {
        struct slice line;
        struct audit_record record;
        bool found = false;
        if (!audit_lines_previous(lines, &line, &found, err))
            return false;
        if (!found)
            return true;
        if (!audit_record_parse(&record, line))
            continue;
        if (record.sequence <= filter->after) {
            *done = true;
            return true;
        }
        span->at = lines->at;
        if (audit_list_matches(filter, &record, line) && --*wanted == 0) {
            *done = true;
            return true;
        }
    }
}

/*
 * Goes back from the end to the first record that is wanted: the limit-th newest that matches, or
 * the one behind `after`. So following a trail costs what is new, however large the trail is.
 */
static bool search_back(struct span *span, const struct audit_folder *folder,
                        const struct audit_filter *filter, struct error *err)
{
    size_t wanted = filter->limit > 0 ? filter->limit : SIZE_MAX;
    bool done = false;
    for (size_t i = audit_folder_count(folder); i > 0 && !done; i--) {
        char name[AUDIT_NAME_SIZE];
        _cleanup_fd_ int fd = -1;
        off_t end = 0;
        if (!audit_folder_open_file(&fd, name, folder, i - 1, err))
            return false;
        if (fd < 0) /* this one and all before it have been removed */
            return true;
        if (!audit_lines_size(&end, fd, name, err))
            return false;
        if (i == audit_folder_count(folder))
            end = span->end;
        struct audit_lines lines;
        audit_lines_init(&lines, fd, name, end, end);
        span->file = i - 1;
        span->at = end;
        bool searched = search_file(span, &wanted, &done, filter, &lines, err);
        audit_lines_done(&lines);
        if (!searched)
            return false;
    }
    return true;
}

struct output {
    bool (*each)(void *context, struct slice line, struct error *err);
    void *context;
    struct error failure;
    bool stopped;
};

static bool show_file(struct output *output, const struct audit_filter *filter,
                      struct audit_lines *lines, struct error *err)
{
    while (!output->stopped) {
        struct slice line;
        struct audit_record record;
        bool found = false;
        if (!audit_lines_next(lines, &line, &found, err))
            return false;
        if (!found)
            return true;
        if (audit_record_parse(&record, line) && audit_list_matches(filter, &record, line))
            output->stopped = !output->each(output->context, line, &output->failure);
    }
    return true;
}

static bool show(struct output *output, const struct span *span, const struct audit_folder *folder,
                 const struct audit_filter *filter, struct error *err)
{
    size_t count = audit_folder_count(folder);
    for (size_t i = span->file; i < count && !output->stopped; i++) {
        char name[AUDIT_NAME_SIZE];
        _cleanup_fd_ int fd = -1;
        off_t end = 0;
        if (!audit_folder_open_file(&fd, name, folder, i, err))
            return false;
        if (fd < 0)
            continue;
        if (!audit_lines_size(&end, fd, name, err))
            return false;
        struct audit_lines lines;
        audit_lines_init(&lines, fd, name, i == span->file ? span->at : 0,
                         i + 1 == count ? span->end : end);
        bool shown = show_file(output, filter, &lines, err);
        audit_lines_done(&lines);
        if (!shown)
            return false;
    }
    return true;
}

/* The size of the last file now. */
static bool measure(struct span *span, const struct audit_folder *folder, struct error *err)
{
    char name[AUDIT_NAME_SIZE];
    _cleanup_fd_ int fd = -1;
    size_t count = audit_folder_count(folder);
    return count == 0 || (audit_folder_open_file(&fd, name, folder, count - 1, err) &&
                          (fd < 0 || audit_lines_size(&span->end, fd, name, err)));
}

bool audit_list(const char *path, const struct audit_filter *filter,
                bool (*each)(void *context, struct slice line, struct error *err), void *context,
                struct error *err)
{
    _cleanup_audit_folder_ struct audit_folder folder = {.fd = -1, .current = -1};
    struct span span = {0};
    struct output output = {.each = each, .context = context};
    if (!audit_folder_open(&folder, path, err) || !measure(&span, &folder, err))
        return false;
    bool from_behind = filter->limit > 0 || filter->after > 0;
    if (from_behind && !search_back(&span, &folder, filter, err))
        return false;
    if (!show(&output, &span, &folder, filter, err))
        return false;
    if (output.failure.code == NULL)
        return true;
    if (err != NULL)
        *err = output.failure;
    return false;
}
