/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/policy_show.h"

#include <stdio.h>

#include "base/table.h"
#include "hgsctl/call.h"

static void show_events(const struct json *baseline)
{
    const char *const headings[] = {"PCR", "EVENT", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *it = json_first(json_get(baseline, "events")); it != NULL;
         it = json_next(it)) {
        table_cell(table, TABLE_PLAIN, "%lld", (long long)call_integer(it, "pcr"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "words"));
        table_end_row(table);
    }
    puts("");
    table_print(table, stdout);
}

/* The first digest of a ci policy's form. */
static const char *main_digest(const struct json *ci)
{
    const struct json *digests = json_get(ci, "image");
    if (digests == NULL)
        digests = json_get(ci, "file");
    if (digests == NULL)
        digests = json_first(json_get(ci, "candidates"));
    return call_text(digests, "sha256");
}

static void show_contents(struct table *table, const struct json *policy)
{
    const struct json *record = json_get(policy, "record"), *ci = json_get(record, "ci");
    if (ci != NULL) {
        table_pair(table, "Form", "%s", call_text(policy, "form"));
        table_pair(table, "SHA-256", "%s", main_digest(ci));
        table_pair(table, "Decided by", "%s", call_text(policy, "evidence"));
        table_pair(table, "Strength", "%s", call_text(policy, "strength"));
    }
    if (json_get(policy, "command_line") != NULL)
        table_pair(table, "Command line", "%s", call_text(policy, "command_line"));
    if (json_get(policy, "warning") != NULL)
        table_pair(table, "Warning", "%s", call_text(policy, "warning"));
    if (json_get(record, "dump_key") != NULL)
        table_pair(table, "Dump key (SHA-256)", "%s", call_text(record, "dump_key"));
    if (json_get(policy, "events") != NULL)
        table_pair(table, "Events", "%lld", (long long)call_integer(policy, "events"));
}

static void show_builtin(struct table *table, const struct json *policy)
{
    table_pair(table, "Requires", "%s", call_text(policy, "purpose"));
    table_pair(table, "Decided by", "%s", call_text(policy, "evidence"));
    table_pair(table, "Strength", "%s", call_text(policy, "strength"));
    table_pair(table, "If it fails", "%s", call_text(policy, "remedy"));
    if (json_get(policy, "changed") != NULL)
        table_pair(table, "State changed", "%s by %s", call_text(policy, "changed"),
                   call_text(policy, "changed_by"));
}

void policy_show(const struct json *policy)
{
    _cleanup_table_ struct table *table = table_new(NULL);
    const struct json *whom = json_get(policy, "for");
    table_pair(table, "Name", "%s", call_text(policy, "name"));
    table_pair(table, "Type", "%s", call_text(policy, "type"));
    table_pair(table, "Profile", "%s", call_text(policy, "profile"));
    table_pair(table, "State", "%s%s", call_text(policy, "state"),
               call_bool(policy, "expired") ? ", but its end has come" : "");
    if (strcmp(call_text(policy, "type"), "builtin") == 0) {
        show_builtin(table, policy);
        table_print(table, stdout);
        return;
    }
    table_pair(table, "Version", "%s", call_text(policy, "policy_version"));
    if (whom != NULL)
        table_pair(table, "For", "%s %s", json_get(whom, "host") != NULL ? "host" : "set",
                   call_text(whom, json_get(whom, "host") != NULL ? "host" : "set"));
    if (json_get(policy, "until") != NULL)
        table_pair(table, "Until", "%s", call_text(policy, "until"));
    table_pair(table, "Added", "%s by %s", call_text(policy, "added"),
               call_text(policy, "added_by"));
    show_contents(table, policy);
    table_print(table, stdout);
    const struct json *baseline = json_get(json_get(policy, "record"), "baseline");
    if (baseline != NULL)
        show_events(baseline);
}
