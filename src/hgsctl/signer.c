/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"

static void show_list(const struct json *signers)
{
    const char *const headings[] = {"NODE",       "THUMBPRINT", "STATE",        "PUBLISHED",
                                    "SIGNS FROM", "RENEWED",    "SERVED UNTIL", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *signer = json_first(signers); signer != NULL;
         signer = json_next(signer)) {
        const char *const times[] = {"publish_at", "active_at", "renew_at", "serve_until"};
        table_cell(table, TABLE_PLAIN, "%s", call_text(signer, "node"));
        table_cell(table, TABLE_FAINT, "%.16s…", call_text(signer, "thumbprint"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(signer, "state"));
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
            table_cell(table, TABLE_PLAIN, "%s", call_text(signer, times[i]));
        table_end_row(table);
    }
    table_print(table, stdout);
}

static int run_list(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "signer.list"))
        return call_fail(&call);
    if (!call_printed(&call))
        show_list(json_get(call.result, "signers"));
    return 0;
}

static int run_renew(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "signer.renew"))
        return call_fail(&call);
    if (!call_printed(&call))
        show_list(json_get(call.result, "signers"));
    return 0;
}

static const char *const list_examples[] = {"hgsctl signer list", NULL};
static const char *const renew_examples[] = {"hgsctl signer renew", NULL};
static const struct option_entry renew_options[] = {OPTION_ROW_DRY_RUN, OPTION_END};

const struct option_command signer_commands[] = {
    {"signer list", "show attestation signers, and when each does what", NULL, NULL, NULL,
     list_examples, "Get-HgsAttestationSignerCertificate", run_list},
    {"signer renew", "make a new attestation signer for this node now",
     "Signers renew themselves; this is for a key that may have leaked. The new one is published "
     "now and signs a day later, because clients keep the list of signers for hours.",
     NULL, renew_options, renew_examples, "AttestationSignerCertRenewalTask", run_renew},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
