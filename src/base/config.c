/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include <assert.h>
#include <ini.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/config_value.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/plain_name.h"
#include "base/utf8.h"

/* What inih's callbacks need. Lines are counted where they are handed out, because the packaged
 * inih does not tell its handler. */
struct loading {
    void *values;
    const struct config_key *keys;
    size_t count;
    const struct config_family *family; /* NULL: none */
    struct config_members *members;
    const char *path;
    struct slice rest; /* of the file */
    int line;
    int *seen_at; /* for each key, then those of each member: the line that gave it; 0: none yet */
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

/* The member's name in a section of the family; NULL for another section. */
static const char *member_name(const struct loading *loading, const char *section)
{
    if (loading->family == NULL)
        return NULL;
    size_t length = strlen(loading->family->section);
    bool one = strncmp(section, loading->family->section, length) == 0 && section[length] == ' ';
    return one ? section + length + 1 : NULL;
}

static bool section_is_known(const struct loading *loading, const char *section)
{
    const char *member = member_name(loading, section);
    if (member != NULL)
        return plain_name_valid(member, CONFIG_MEMBER_NAME_MAX + 1);
    for (size_t i = 0; i < loading->count; i++) {
        if (strcmp(loading->keys[i].section, section) == 0)
            return true;
    }
    return false;
}

static void *member_at(const struct loading *loading, size_t index)
{
    return (char *)loading->members->items + index * loading->family->size;
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

/* The member's index; a new one with the defaults at the first sight of its name. */
static size_t find_member(const struct loading *loading, const char *name)
{
    struct config_members *members = loading->members;
    const struct config_family *family = loading->family;
    for (size_t i = 0; i < members->count; i++)
        if (strcmp(*(char **)member_at(loading, i), name) == 0)
            return i;
    if (members->count == family->maximum)
        return members->count;
    members->items = memory_resize(members->items, members->count + 1, family->size);
    void *member = member_at(loading, members->count);
    memset(member, 0, family->size);
    *(char **)member = memory_copy_text(name);
    set_defaults(member, family->keys, family->key_count);
    return members->count++;
}

/* Where a value goes. */
struct place {
    const struct config_key *key; /* NULL: there is no such key */
    void *values;
    int *seen_at;
};

static struct place find_member_key(const struct loading *loading, const char *member,
                                    const char *name)
{
    const struct config_family *family = loading->family;
    size_t index = find_member(loading, member);
    for (size_t i = 0; index < loading->members->count && i < family->key_count; i++)
        if (strcmp(family->keys[i].key, name) == 0)
            return (struct place){
                &family->keys[i], member_at(loading, index),
                &loading->seen_at[loading->count + index * family->key_count + i]};
    return (struct place){0};
}

static struct place find_key(const struct loading *loading, const char *section, const char *name)
{
    const char *member = member_name(loading, section);
    if (member != NULL)
        return find_member_key(loading, member, name);
    for (size_t i = 0; i < loading->count; i++) {
        const struct config_key *key = &loading->keys[i];
        if (strcmp(key->section, section) == 0 && strcmp(key->key, name) == 0)
            return (struct place){key, loading->values, &loading->seen_at[i]};
    }
    return (struct place){0};
}

/* Makes a member of a section even when no key follows. */
static void begin_member(struct loading *loading, const char *section)
{
    const char *member = member_name(loading, section);
    if (member != NULL && find_member(loading, member) == loading->members->count)
        refuse_text(loading, "there are more than %zu sections [%s NAME]", loading->family->maximum,
                    loading->family->section);
}

/* inih reports a section only with its first key, so an unknown one is looked for here. */
static void check_section(struct loading *loading, const char *line)
{
    line += strspn(line, " \t");
    if (*line != '[')
        return;
    _cleanup_free_ char *section = memory_format("%.*s", (int)strcspn(line + 1, "]\r\n"), line + 1);
    if (section_is_known(loading, section))
        begin_member(loading, section);
    else
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
    struct place place = find_key(loading, section, name);
    struct error reason = {0};
    if (place.key == NULL) {
        if (*section == '\0')
            refuse_text(loading, "“%.64s” stands before the first section", name);
        else
            refuse_text(loading, "unknown key “%.64s” in section [%.64s]", name, section);
        return 0;
    }
    if (*place.seen_at != 0) {
        refuse_text(loading, "“%s” was given before, in line %d", name, *place.seen_at);
        return 0;
    }
    *place.seen_at = loading->line;
    if (config_value_set(place.values, place.key, value, &reason))
        return 1;
    snprintf(reason.object, sizeof reason.object, "[%.64s] %s:", section, place.key->key);
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

bool config_load_family(void *values, const struct config_key *keys, size_t count,
                        const struct config_family *family, struct config_members *members,
                        const char *path, struct error *err)
{
    set_defaults(values, keys, count);
    if (path == NULL)
        return true;
    size_t places = count + (family != NULL ? family->maximum * family->key_count : 0);
    _cleanup_free_ int *seen_at = memory_allocate_zero(places, sizeof *seen_at);
    struct loading loading = {.values = values,
                              .keys = keys,
                              .count = count,
                              .family = family,
                              .members = members,
                              .path = path,
                              .seen_at = seen_at,
                              .err = err};
    if (parse_file(&loading))
        return true;
    config_done(values, keys, count);
    if (family != NULL)
        config_members_done(members, family);
    return false;
}

bool config_load(void *values, const struct config_key *keys, size_t count, const char *path,
                 struct error *err)
{
    return config_load_family(values, keys, count, NULL, NULL, path, err);
}

void config_members_done(struct config_members *members, const struct config_family *family)
{
    for (size_t i = 0; i < members->count; i++) {
        void *member = (char *)members->items + i * family->size;
        free(*(char **)member);
        config_done(member, family->keys, family->key_count);
    }
    free(members->items);
    *members = (struct config_members){0};
}

static bool same_member(const void *a, const void *b, const struct config_family *family)
{
    bool same = strcmp(*(char *const *)a, *(char *const *)b) == 0;
    for (size_t i = 0; same && i < family->key_count; i++)
        same = config_same(a, b, &family->keys[i]);
    return same;
}

bool config_members_same(const struct config_members *a, const struct config_members *b,
                         const struct config_family *family)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = same_member((const char *)a->items + i * family->size,
                           (const char *)b->items + i * family->size, family);
    return same;
}

void config_done(void *values, const struct config_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        config_value_clear(values, &keys[i]);
}
