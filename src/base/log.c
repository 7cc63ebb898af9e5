/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define LINE_SIZE 2048

static const char *log_program = "hgs";
static atomic_int log_level = LOG_LEVEL_NOTICE;
static bool to_journal;
static struct clock log_clock;

static const char *const level_names[] = {"error", "warning", "notice", "debug"};
static const int priorities[] = {3, 4, 5, 7}; /* sd-daemon(3) */

/* systemd names the device and inode that it connected to stderr; a program that redirected it has
 * another. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat status;
    return stream != NULL && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_init(const char *program, enum log_level level)
{
    log_program = program;
    to_journal = stderr_is_journal();
    clock_init(&log_clock);
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store(&log_level, (int)level);
}

bool log_level_parse(enum log_level *out, const char *text)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static size_t append_prefix(char *line, enum log_level level)
{
    char time[CLOCK_TEXT_SIZE];
    if (to_journal)
        return (size_t)snprintf(line, LINE_SIZE, "<%d>%s: ", priorities[level], log_program);
    return (size_t)snprintf(line, LINE_SIZE,
                            "%s %s: %s: ", clock_format(clock_now(&log_clock), time), log_program,
                            level_names[level]);
}

/* One write a line, so that the lines of several processes do not mix. Quoted input may hold
 * control characters; they move nobody's terminal. */
static void emit(char *line, size_t size)
{
    line[size] = '\0';
    utf8_replace_controls(line);
    line[size] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, size + 1);
    (void)ignored;
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level level, const char *format, va_list arguments, const char *end)
{
    if ((int)level > atomic_load(&log_level))
        return;
    char line[LINE_SIZE];
    size_t size = append_prefix(line, level);
    if (size < LINE_SIZE)
        size += (size_t)vsnprintf(line + size, LINE_SIZE - size, format, arguments);
    if (size < LINE_SIZE)
        size += (size_t)snprintf(line + size, LINE_SIZE - size, "%s", end);
    emit(line, size < LINE_SIZE ? size : LINE_SIZE - 1);
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(level, format, arguments, "");
    va_end(arguments);
}

void log_error(enum log_level level, const struct error *err, const char *format, ...)
{
    char text[LINE_SIZE / 2] = ": ";
    error_format(err, text + 2, sizeof text - 2);
    va_list arguments;
    va_start(arguments, format);
    write_line(level, format, arguments, text);
    va_end(arguments);
}
