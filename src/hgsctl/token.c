/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"

static int run_unlock(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    files.operation = KEYHOLDER_UNLOCK;
    call_init(&call, values);
    json_write_text(&call.writer, "name", option_argument(values, 0));
    if (!call_open_password(&call, &files.fds[MEETING_PASSWORD], option_text(values, "pin-file"),
                            false) ||
        !call_give(&call, "meeting_fd", &files) || !call_run(&call, "token.unlock"))
        return call_fail(&call);
    return call_say(&call, "Token %s can be used until its process ends.",
                    call_text(call.result, "name"));
}

static void show_list(const struct json *tokens)
{
    const char *const headings[] = {"TOKEN",   "STATE", "KEYS", "SESSIONS",
                                    "WAITING", "URI",   "IS",   NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *item = json_first(tokens); item != NULL; item = json_next(item)) {
        const char *state = call_text(item, "state");
        bool works = strcmp(state, "works") == 0;
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "name"));
        table_cell(table, works ? TABLE_GOOD : TABLE_WARNING, "%s", state);
        table_cell(table, TABLE_PLAIN, "%lld of %lld", (long long)call_integer(item, "keys_told"),
                   (long long)call_integer(item, "keys"));
        table_cell(table, TABLE_PLAIN, "%lld", (long long)call_integer(item, "sessions"));
        long long waiting = call_integer(item, "waiting");
        bool full = waiting > 0 && waiting >= call_integer(item, "waiting_limit");
        table_cell(table, full ? TABLE_WARNING : TABLE_PLAIN, "%lld", waiting);
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "uri"));
        table_cell(table, TABLE_FAINT, "%s",
                   works ? call_text(item, "details") : call_text(json_get(item, "error"), "code"));
        table_end_row(table);
    }
    table_print(table, stdout);
}

/* What server show says of them, alone. */
static int run_list(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "token.list"))
        return call_fail(&call);
    if (!call_printed(&call))
        show_list(json_get(call.result, "tokens"));
    return 0;
}

static const struct option_argument name_argument[] = {
    {"NAME", "of the section [token NAME] of hgsd.conf", OPTION_NAME, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_entry unlock_options[] = {
    {"pin-file", "FILE", "file with the PIN; asked for without it", OPTION_VALUE, OPTION_FILE, NULL,
     false, NULL, false},
    OPTION_END,
};
static const char *const list_examples[] = {"hgsctl token list", NULL};
static const char *const unlock_examples[] = {"hgsctl token unlock hsm1", NULL};

const struct option_command token_commands[] = {
    {"token list", "list the PKCS#11 tokens of this node, and whether they can be used",
     "As many requests as a token has sessions are at work in it; WAITING are those behind them. "
     "When [limits] queue of them wait, more are told to try again.",
     NULL, NULL, list_examples, NULL, run_list},
    {"token unlock", "give a token its PIN",
     "For tokens whose section in hgsd.conf names neither a file nor a credential with the PIN: it "
     "goes to the token's process, past the service, and is kept there until that ends; a token "
     "that refuses it is not asked again until another one is given.",
     name_argument, unlock_options, unlock_examples, NULL, run_unlock},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
