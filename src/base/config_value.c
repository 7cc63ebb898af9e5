/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/errors.h"
#include "base/memory.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", 1},
    {"s", 1000},
    {"", 1000},
    {"min", 60 * 1000LL},
    {"h", 3600 * 1000LL},
    {"d", 86400 * 1000LL},
    {NULL, 0},
};
static const struct unit size_units[] = {
    {"", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {NULL, 0},
};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

/* A decimal number and a unit, as "8h". False when it is none, or overflows. */
static bool parse_scaled(int64_t *out, const char *text, const struct unit *units)
{
    int64_t value = 0;
    bool negative = *text == '-';
    const char *at = text + negative;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return false;
    }
    while (units->name != NULL && strcmp(units->name, at) != 0)
        units++;
    if (units->name == NULL || __builtin_mul_overflow(value, units->factor, &value))
        return false;
    *out = negative ? -value : value;
    return true;
}

bool config_parse_duration(int64_t *milliseconds, const char *text, struct error *err)
{
    int64_t value;
    if (!parse_scaled(&value, text, duration_units) || value < 0)
        return error_set(err, &base_config_malformed, NULL, NULL,
                         "“%.64s” is not a duration such as 500ms, 30s, 5min, 8h or 30d", text);
    *milliseconds = value;
    return true;
}

bool config_parse_size(int64_t *bytes, const char *text, struct error *err)
{
    int64_t value;
    if (!parse_scaled(&value, text, size_units) || value < 0)
        return error_set(err, &base_config_malformed, NULL, NULL,
                         "“%.64s” is not a size such as 512, 64KiB, 4MiB or 1GiB", text);
    *bytes = value;
    return true;
}

static bool parse_number(int64_t *out, const char *text, struct error *err)
{
    if (parse_scaled(out, text, no_units))
        return true;
    return error_set(err, &base_config_malformed, NULL, NULL, "“%.64s” is not a whole number",
                     text);
}

static bool parse_bool(bool *out, const char *text, struct error *err)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    }
    return error_set(err, &base_config_malformed, NULL, NULL, "“%.64s” is neither yes nor no",
                     text);
}

static struct config_list parse_list(const char *text)
{
    static const char space[] = " \t";
    struct config_list list = {0};
    for (text += strspn(text, space); *text != '\0'; text += strspn(text, space)) {
        size_t size = strcspn(text, space);
        list.items = memory_resize(list.items, list.count + 2, sizeof *list.items);
        list.items[list.count++] = memory_format("%.*s", (int)size, text);
        list.items[list.count] = NULL;
        text += size;
    }
    return list;
}

/* A bound as it would be written in the file. */
static void format_bound(char *text, size_t size, const struct config_key *key, int64_t value)
{
    const struct unit *units = key->type == CONFIG_DURATION ? duration_units
                               : key->type == CONFIG_SIZE   ? size_units
                                                            : no_units;
    const struct unit *best = units; /* each table begins with its smallest */
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        bool exact = value % unit->factor == 0 && (value != 0 || unit->factor == 1);
        bool named = key->type != CONFIG_DURATION || unit->name[0] != '\0';
        if (exact && named && unit->factor > best->factor)
            best = unit;
    }
    snprintf(text, size, "%" PRId64 "%s", value / best->factor, best->name);
}

static bool check_bounds(const struct config_key *key, int64_t value, struct error *err)
{
    if ((key->minimum == 0 && key->maximum == 0) ||
        (value >= key->minimum && value <= key->maximum))
        return true;
    char lowest[40], highest[40];
    format_bound(lowest, sizeof lowest, key, key->minimum);
    format_bound(highest, sizeof highest, key, key->maximum);
    return error_set(err, &base_config_malformed, NULL, key->key, "is not between %s and %s",
                     lowest, highest);
}

static bool set_number(int64_t *field, const struct config_key *key, const char *text,
                       struct error *err)
{
    int64_t value = 0;
    bool fine = key->type == CONFIG_DURATION ? config_parse_duration(&value, text, err)
                : key->type == CONFIG_SIZE   ? config_parse_size(&value, text, err)
                                             : parse_number(&value, text, err);
    if (!fine || !check_bounds(key, value, err))
        return false;
    *field = value;
    return true;
}

static void *field_of(void *values, const struct config_key *key)
{
    return (char *)values + key->offset;
}

bool config_value_set(void *values, const struct config_key *key, const char *text,
                      struct error *err)
{
    void *field = field_of(values, key);
    switch (key->type) {
    case CONFIG_TEXT:
        config_value_clear(values, key);
        *(char **)field = memory_copy_text(text);
        return true;
    case CONFIG_LIST:
        config_value_clear(values, key);
        *(struct config_list *)field = parse_list(text);
        return true;
    case CONFIG_BOOL:
        return parse_bool(field, text, err);
    case CONFIG_NUMBER:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        break;
    }
    return set_number(field, key, text, err);
}

static void clear_list(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_list){0};
}

void config_value_clear(void *values, const struct config_key *key)
{
    void *field = field_of(values, key);
    switch (key->type) {
    case CONFIG_TEXT:
        memory_free_pointer(field);
        return;
    case CONFIG_LIST:
        clear_list(field);
        return;
    case CONFIG_BOOL:
        *(bool *)field = false;
        return;
    case CONFIG_NUMBER:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        *(int64_t *)field = 0;
    }
}

static bool same_list(const struct config_list *a, const struct config_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

/* A text that has no default is NULL. */
static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool config_same(const void *a, const void *b, const struct config_key *key)
{
    const void *one = (const char *)a + key->offset, *other = (const char *)b + key->offset;
    switch (key->type) {
    case CONFIG_TEXT:
        return same_text(*(char *const *)one, *(char *const *)other);
    case CONFIG_LIST:
        return same_list(one, other);
    case CONFIG_BOOL:
        return *(const bool *)one == *(const bool *)other;
    case CONFIG_NUMBER:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        break;
    }
    return *(const int64_t *)one == *(const int64_t *)other;
}
