/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/certificate_usage.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/table.h"

static const struct verdict {
    const char *word, *meaning;
    enum table_tone tone;
} verdicts[] = {
    {"primary", "primary", TABLE_PLAIN},
    {"needed", "needed: have it granted anew", TABLE_WARNING},
    {"counting", "too early to tell", TABLE_FAINT},
    {"idle", "only for protectors not seen lately", TABLE_WARNING},
    {"unneeded", "can go", TABLE_GOOD},
};

static void verdict_cell(struct table *table, const char *word)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        if (strcmp(verdicts[i].word, word) == 0)
            table_cell(table, verdicts[i].tone, "%s", verdicts[i].meaning);
}

static void count_cell(struct table *table, const struct json *figures, const char *name)
{
    table_cell(table, TABLE_PLAIN, "%" PRId64, call_integer(figures, name));
}

static void time_cell(struct table *table, const struct json *figures, const char *name)
{
    const char *time = call_text(figures, name);
    table_cell(table, TABLE_PLAIN, "%s", *time != '\0' ? time : "-");
}

static void show(const struct json *result)
{
    static const char *const headings[] = {"TYPE",   "THUMBPRINT", "STATE",  "NEED IT",   "LATELY",
                                           "LATEST", "OLDEST",     "OTHERS", "CAN IT GO", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *it = json_first(json_get(result, "certificates")); it != NULL;
         it = json_next(it)) {
        const struct json *only = json_get(it, "only");
        bool enabled = call_bool(it, "enabled");
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "type"));
        table_cell(table, TABLE_FAINT, "%.16s…", call_text(it, "thumbprint"));
        table_cell(table, enabled ? TABLE_GOOD : TABLE_FAINT, "%s",
                   !enabled                   ? "disabled"
                   : call_bool(it, "primary") ? "primary"
                                              : "enabled");
        count_cell(table, only, "protectors");
        count_cell(table, only, "lately");
        time_cell(table, only, "last_seen");
        time_cell(table, only, "oldest_seen");
        count_cell(table, json_get(it, "also"), "protectors");
        verdict_cell(table, call_text(it, "verdict"));
        table_end_row(table);
    }
    table_print(table, stdout);
    printf("\nLately: in the last %" PRId64 " days. Key protectors known: %" PRId64
           ", all that came since %s.\n",
           call_integer(result, "days"), call_integer(result, "protectors"),
           call_text(result, "since"));
}

void certificate_usage_warn(struct call *call, const char *type, const char *thumbprint)
{
    call_again(call);
    if (!call_run(call, "certificate.usage"))
        return;
    for (const struct json *it = json_first(json_get(call->result, "certificates")); it != NULL;
         it = json_next(it)) {
        int64_t count = call_integer(json_get(it, "only"), "protectors");
        if (count > 0 && strcmp(call_text(it, "type"), type) == 0 &&
            strcmp(call_text(it, "thumbprint"), thumbprint) == 0)
            printf("Key protectors that are refused until it is enabled, or their owners grant "
                   "access anew: %" PRId64 "\n",
                   count);
    }
}

int certificate_usage_run(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (option_given(values, "days"))
        json_write_integer(&call.writer, "days", option_number(values, "days", 0));
    if (!call_run(&call, "certificate.usage"))
        return call_fail(&call);
    if (!call_printed(&call))
        show(call.result);
    return 0;
}
