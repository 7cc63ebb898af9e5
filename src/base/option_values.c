/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/option_check.h"
#include "base/option_private.h"

const struct option_entry option_implied[] = {
    {"help", NULL, "show this help", OPTION_FLAG},
    {"json", NULL, "print the result (and errors, on stderr) as JSON", OPTION_FLAG},
    {"version", NULL, "show the program's version", OPTION_FLAG, .hidden = true},
    {"dump-options", NULL, "show all options as JSON", OPTION_FLAG, .hidden = true},
    OPTION_END,
};

static const struct option_entry *find_entry(const struct option_entry *table, const char *name,
                                             size_t size)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strlen(table->name) == size && memcmp(table->name, name, size) == 0)
            return table;
    return NULL;
}

const struct option_entry *option_lookup(const struct option_values *values, const char *name,
                                         size_t size)
{
    const struct option_entry *entry = find_entry(option_implied, name, size);
    if (entry == NULL && values->command != NULL)
        entry = find_entry(values->command->options, name, size);
    if (entry == NULL)
        entry = find_entry(values->program->options, name, size);
    return entry;
}

void option_free(struct option_values **values)
{
    if (*values == NULL)
        return;
    free((*values)->given);
    free((*values)->arguments);
    free(*values);
    *values = NULL;
}

const struct option_command *option_command(const struct option_values *values)
{
    return values->wanted == WANTED_RUN ? values->command : NULL;
}

const char *option_item(const struct option_values *values, const char *name, size_t index)
{
    assert(option_lookup(values, name, strlen(name)) != NULL);
    for (size_t i = 0; i < values->given_count; i++)
        if (strcmp(values->given[i].entry->name, name) == 0 && index-- == 0)
            return values->given[i].value;
    return NULL;
}

size_t option_count(const struct option_values *values, const char *name)
{
    assert(option_lookup(values, name, strlen(name)) != NULL);
    size_t count = 0;
    for (size_t i = 0; i < values->given_count; i++)
        count += strcmp(values->given[i].entry->name, name) == 0;
    return count;
}

bool option_given(const struct option_values *values, const char *name)
{
    return option_count(values, name) > 0;
}

const char *option_text(const struct option_values *values, const char *name)
{
    return option_item(values, name, 0);
}

uint32_t option_number(const struct option_values *values, const char *name, uint32_t otherwise)
{
    const char *text = option_text(values, name);
    uint32_t number = otherwise;
    if (text != NULL && !option_check_number(&number, text))
        assert(!"an OPTION_NUMBER was checked when it was parsed");
    return number;
}

const char *option_argument(const struct option_values *values, size_t index)
{
    return index < values->argument_count ? values->arguments[index] : NULL;
}

size_t option_argument_count(const struct option_values *values)
{
    return values->argument_count;
}

bool option_json(const struct option_values *values)
{
    return values->json;
}
