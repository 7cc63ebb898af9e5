/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/errors.h"
#include "base/memory.h"

/* Holds the longest line and its newline. */
#define WINDOW_SIZE (AUDIT_LINE_MAX + 1)

void audit_lines_init(struct audit_lines *lines, int fd, const char *name, off_t at, off_t end)
{
    *lines = (struct audit_lines){.fd = fd, .name = name, .at = at, .end = end};
    lines->window = memory_allocate(WINDOW_SIZE);
}

void audit_lines_done(struct audit_lines *lines)
{
    free(lines->window);
    lines->window = NULL;
}

bool audit_lines_size(off_t *out, int fd, const char *name, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set_errno(err, &audit_unreadable, errno, name, "cannot be looked at");
    *out = status.st_size;
    return true;
}

/* Reads the window anew: size bytes from offset on, fewer when the file has become shorter. */
static bool fill(struct audit_lines *lines, off_t offset, size_t size, struct error *err)
{
    lines->window_at = offset;
    lines->window_size = 0;
    while (lines->window_size < size) {
        ssize_t got = pread(lines->fd, lines->window + lines->window_size,
                            size - lines->window_size, offset + (off_t)lines->window_size);
        if (got < 0 && errno != EINTR)
            return error_set_errno(err, &audit_unreadable, errno, lines->name, "cannot be read");
        if (got == 0)
            break;
        lines->window_size += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static size_t smaller(off_t bytes)
{
    return bytes < WINDOW_SIZE ? (size_t)bytes : WINDOW_SIZE;
}

/* The line at lines->at if the window has all of it. */
static bool take_next(struct audit_lines *lines, struct slice *line)
{
    if (lines->window_size == 0 || lines->at < lines->window_at ||
        lines->at >= lines->window_at + (off_t)lines->window_size)
        return false;
    size_t from = (size_t)(lines->at - lines->window_at);
    const uint8_t *start = lines->window + from;
    const uint8_t *newline = memchr(start, '\n', lines->window_size - from);
    size_t size = newline != NULL ? (size_t)(newline - start) : WINDOW_SIZE;
    if (newline == NULL && lines->window_size - from < WINDOW_SIZE)
        return false;
    *line = slice_of(start, size);
    lines->at += (off_t)size + (newline != NULL);
    return true;
}

bool audit_lines_next(struct audit_lines *lines, struct slice *line, bool *found, struct error *err)
{
    *found = take_next(lines, line);
    if (*found || lines->at >= lines->end)
        return true;
    if (!fill(lines, lines->at, smaller(lines->end - lines->at), err))
        return false;
    *found = take_next(lines, line);
    return true;
}

/* The end (behind its newline) of the last line that ends at or before `before` in the window; -1
 * when no newline is there. */
static off_t find_end(const struct audit_lines *lines, off_t before)
{
    if (lines->window_size == 0 || before <= lines->window_at ||
        before > lines->window_at + (off_t)lines->window_size)
        return -1;
    const uint8_t *newline = memrchr(lines->window, '\n', (size_t)(before - lines->window_at));
    return newline == NULL ? -1 : lines->window_at + (newline - lines->window) + 1;
}

static bool fill_before(struct audit_lines *lines, off_t end, struct error *err)
{
    size_t size = smaller(end);
    return fill(lines, end - (off_t)size, size, err);
}

/* Moves lines->at back behind the newline before it, past what is no line. */
static bool settle(struct audit_lines *lines, struct error *err)
{
    while (lines->at > 0 && find_end(lines, lines->at) != lines->at) {
        if (!fill_before(lines, lines->at, err))
            return false;
        off_t end = find_end(lines, lines->at);
        lines->at = end >= 0 ? end : lines->window_at;
    }
    return true;
}

bool audit_lines_previous(struct audit_lines *lines, struct slice *line, bool *found,
                          struct error *err)
{
    if (!settle(lines, err))
        return false;
    *found = lines->at > 0;
    if (!*found)
        return true;
    off_t newline = lines->at - 1;
    off_t start = find_end(lines, newline);
    if (start < 0 && lines->window_at > 0) {
        if (!fill_before(lines, lines->at, err))
            return false;
        start = find_end(lines, newline);
    }
    *found = lines->window_at + (off_t)lines->window_size >= lines->at;
    if (!*found) /* the file has become shorter just now */
        return true;
    if (start < 0) /* the file's first line, or a piece of what is too long for one */
        start = lines->window_at;
    *line = slice_of(lines->window + (start - lines->window_at), (size_t)(newline - start));
    lines->at = start;
    return true;
}
