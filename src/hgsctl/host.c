/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/file.h"
#include "base/table.h"
#include "crypto/certificate.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"
#include "hgsctl/key_file.h"

static int run_add(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    _cleanup_public_key_ struct public_key *key = NULL;
    call_init(&call, values);
    if (!key_file_read(&key, option_text(values, "key"), &call.err))
        return call_fail(&call);
    json_write_text(&call.writer, "name", option_argument(values, 0));
    json_write_base64(&call.writer, "key", public_key_spki(key));
    if (!call_run(&call, "host.add"))
        return call_fail(&call);
    return call_say(&call, "Host %s is registered.", option_argument(values, 0));
}

static void show_list(const struct json *hosts)
{
    const char *const headings[] = {"NAME", "MODE", "KEY", "ADDED", "BY", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *host = json_first(hosts); host != NULL; host = json_next(host)) {
        table_cell(table, TABLE_PLAIN, "%s", call_text(host, "name"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(host, "mode"));
        table_cell(table, TABLE_FAINT, "%.16s…", call_text(host, "key_id"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(host, "added"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(host, "added_by"));
        table_end_row(table);
    }
    table_print(table, stdout);
}

static int run_list(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *pattern = option_argument(values, 0);
    if (pattern != NULL)
        json_write_text(&call.writer, "pattern", pattern);
    if (!call_run(&call, "host.list"))
        return call_fail(&call);
    if (!call_printed(&call))
        show_list(json_get(call.result, "hosts"));
    return 0;
}

static int run_show(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "name", option_argument(values, 0));
    if (!call_run(&call, "host.show"))
        return call_fail(&call);
    if (call_printed(&call))
        return 0;
    _cleanup_table_ struct table *table = table_new(NULL);
    table_pair(table, "Name", "%s", call_text(call.result, "name"));
    table_pair(table, "Mode", "%s", call_text(call.result, "mode"));
    table_pair(table, "Key (SHA-256)", "%s", call_text(call.result, "key_id"));
    table_pair(table, "Public key", "%s", call_text(call.result, "key"));
    table_pair(table, "Added", "%s by %s", call_text(call.result, "added"),
               call_text(call.result, "added_by"));
    table_print(table, stdout);
    return 0;
}

static int run_remove(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *name = option_argument(values, 0);
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &call.err, "Host %s will get no more health certificates.", name))
        return call_fail(&call);
    json_write_text(&call.writer, "name", name);
    if (!call_run(&call, "host.remove"))
        return call_fail(&call);
    return call_say(&call,
                    "Host %s is removed; health certificates that it has still count until "
                    "they expire.",
                    name);
}

static const struct option_argument name_argument[] = {
    {"NAME", "the host's name", OPTION_NAME, false, false}, {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument pattern_argument[] = {
    {"PATTERN", "names to list, with shell wildcards", OPTION_PATTERN, true, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_entry add_options[] = {
    {"key", "FILE", "the host's public key: PEM or DER, a certificate, or a Windows RSA1 blob",
     OPTION_VALUE, OPTION_FILE, NULL, true, NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry remove_options[] = {OPTION_ROW_YES, OPTION_ROW_DRY_RUN,
                                                     OPTION_END};
static const char *const add_examples[] = {"hgsctl host add n1 --key n1.pem", NULL};
static const char *const list_examples[] = {"hgsctl host list", "hgsctl host list 'rack1-*'", NULL};
static const char *const show_examples[] = {"hgsctl host show n1", NULL};
static const char *const remove_examples[] = {"hgsctl host remove n1 --yes", NULL};

const struct option_command host_commands[] = {
    {"host add", "register a host by its public key",
     "The host makes its key with hgs host key --generate --out FILE.", name_argument, add_options,
     add_examples, "Add-HgsAttestationHostKey", run_add},
    {"host list", "list registered hosts", NULL, pattern_argument, NULL, list_examples,
     "Get-HgsAttestationHostKey", run_list},
    {"host show", "show one host", NULL, name_argument, NULL, show_examples,
     "Get-HgsAttestationHostKey", run_show},
    {"host remove", "forget a host", NULL, name_argument, remove_options, remove_examples,
     "Remove-HgsAttestationHostKey", run_remove},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
