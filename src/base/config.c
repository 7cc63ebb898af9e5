/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include <assert.h>
#include <ini.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/config_value.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"

/* What inih's callbacks need. Lines are counted where they are handed out, because the packaged
 * inih does not tell its handler. */
struct loading {
    void *values;
    const struct config_key *keys;
    size_t count;
    const char *path;
    struct slice rest; /* of the file */
    int line;
    int *seen_at; /* for each key, the line that gave it; 0: none yet */
    bool failed;
    struct error *err;
};

/* Puts "path:line" before what is already in *reason. */
static void refuse(struct loading *loading, const struct error *reason)
{
    if (loading->failed)
        return;
    loading->failed = true;
    char place[ERROR_OBJECT_SIZE];
    snprintf(place, sizeof place, "%s:%d", loading->path, loading->line);
    error_set(loading->err, &base_config_malformed, "hgsd.conf(5)", place, "%s%s%s", reason->object,
              reason->object[0] != '\0' ? " " : "", reason->message);
}

static void __attribute__((format(printf, 2, 3)))
refuse_text(struct loading *loading, const char *format, ...)
{
    struct error reason = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason.message, sizeof reason.message, format, arguments);
    va_end(arguments);
    refuse(loading, &reason);
}

static bool section_is_known(const struct loading *loading, const char *section)
{
    for (size_t i = 0; i < loading->count; i++) {
        if (strcmp(loading->keys[i].section, section) == 0)
            return true;
    }
    return false;
}

static const struct config_key *find_key(const struct loading *loading, const char *section,
                                         const char *name)
{
    for (size_t i = 0; i < loading->count; i++) {
        const struct config_key *key = &loading->keys[i];
        if (strcmp(key->section, section) == 0 && strcmp(key->key, name) == 0)
            return key;
    }
    return NULL;
}

/* inih reports a section only with its first key, so an unknown one is looked for here. */
static void check_section(struct loading *loading, const char *line)
{
    line += strspn(line, " \t");
    if (*line != '[')
        return;
    _cleanup_free_ char *section = memory_format("%.*s", (int)strcspn(line + 1, "]\r\n"), line + 1);
    if (!section_is_known(loading, section))
        refuse_text(loading, "unknown section [%.64s]", section);
}

/* ini_reader: hands out one line, as fgets does. */
static char *next_line(char *line, int size, void *context)
{
    struct loading *loading = context;
    if (loading->rest.size == 0 || loading->failed)
        return NULL;
    const uint8_t *newline = memchr(loading->rest.data, '\n', loading->rest.size);
    size_t length =
        newline != NULL ? (size_t)(newline - loading->rest.data) + 1 : loading->rest.size;
    loading->line++;
    if (length > CONFIG_LINE_MAX || length >= (size_t)size) {
        refuse_text(loading, "has more than %d bytes", CONFIG_LINE_MAX);
        return NULL;
    }
    memcpy(line, loading->rest.data, length);
    line[length] = '\0';
    loading->rest = slice_of(loading->rest.data + length, loading->rest.size - length);
    check_section(loading, line);
    return loading->failed ? NULL : line;
}

/* ini_handler; 0 makes inih stop. */
static int take_value(void *context, const char *section, const char *name, const char *value)
{
    struct loading *loading = context;
    const struct config_key *key = find_key(loading, section, name);
    struct error reason = {0};
    if (key == NULL) {
        if (*section == '\0')
            refuse_text(loading, "“%.64s” stands before the first section", name);
        else
            refuse_text(loading, "unknown key “%.64s” in section [%.64s]", name, section);
        return 0;
    }
    int *seen_at = &loading->seen_at[key - loading->keys];
    if (*seen_at != 0) {
        refuse_text(loading, "“%s” was given before, in line %d", name, *seen_at);
        return 0;
    }
    *seen_at = loading->line;
    if (config_value_set(loading->values, key, value, &reason))
        return 1;
    snprintf(reason.object, sizeof reason.object, "[%s] %s:", key->section, key->key);
    refuse(loading, &reason);
    return 0;
}

/* Debian's inih has a line buffer of 200 bytes unless told otherwise, and silently takes the rest
 * of a line for the next; and it takes an indented line for more of the value before. */
static void set_up_inih(void)
{
    ini_use_stack = false;
    ini_initial_alloc = CONFIG_LINE_MAX + 8;
    ini_max_line = CONFIG_LINE_MAX + 8;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
}

static void set_defaults(void *values, const struct config_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].initial == NULL)
            continue;
        bool fine = config_value_set(values, &keys[i], keys[i].initial, NULL);
        assert(fine);
        (void)fine;
    }
}

static bool parse_file(struct loading *loading)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_inih);
    struct buf text;
    buf_init(&text, CONFIG_FILE_MAX);
    bool fine = file_read(&text, loading->path, loading->err) &&
                utf8_check(buf_slice(&text), loading->path, loading->err);
    if (fine) {
        loading->rest = buf_slice(&text);
        int broken = ini_parse_stream(next_line, loading, take_value, loading);
        if (broken != 0)
            refuse_text(loading, "is neither [section] nor key = value");
        fine = !loading->failed;
    }
    buf_done(&text);
    return fine;
}

bool config_load(void *values, const struct config_key *keys, size_t count, const char *path,
                 struct error *err)
{
    set_defaults(values, keys, count);
    if (path == NULL)
        return true;
    _cleanup_free_ int *seen_at = memory_allocate_zero(count, sizeof *seen_at);
    struct loading loading = {.values = values,
                              .keys = keys,
                              .count = count,
                              .path = path,
                              .seen_at = seen_at,
                              .err = err};
    if (parse_file(&loading))
        return true;
    config_done(values, keys, count);
    return false;
}

void config_done(void *values, const struct config_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        config_value_clear(values, &keys[i]);
}
