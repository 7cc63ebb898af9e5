/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"
#include "hgsctl/signer_trust.h"

static void show_list(const struct json *signers)
{
    const char *const headings[] = {"NODE",         "THUMBPRINT",    "STATE",
                                    "PUBLISHED",    "SIGNS FROM",    "RENEWED",
                                    "SERVED UNTIL", "DENIED BEFORE", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *signer = json_first(signers); signer != NULL;
         signer = json_next(signer)) {
        const char *const times[] = {"publish_at", "active_at", "renew_at", "serve_until",
                                     "deny_before"};
        table_cell(table, TABLE_PLAIN, "%s", call_text(signer, "node"));
        table_cell(table, TABLE_FAINT, "%.16s…", call_text(signer, "thumbprint"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(signer, "state"));
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
            table_cell(table, TABLE_PLAIN, "%s", call_text(signer, times[i]));
        table_end_row(table);
    }
    table_print(table, stdout);
}

static void show_trusted(const struct json *signers)
{
    const char *const headings[] = {"TRUSTED SIGNER", "SUBJECT", "EXPIRES", "DENIED BEFORE",
                                    "ADDED",          "BY",      NULL};
    if (json_first(signers) == NULL)
        return;
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *it = json_first(signers); it != NULL; it = json_next(it)) {
        const char *const times[] = {"not_after", "deny_before", "added"};
        table_cell(table, TABLE_FAINT, "%.16s…", call_text(it, "thumbprint"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "subject"));
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
            table_cell(table, TABLE_PLAIN, "%s", call_text(it, times[i]));
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "added_by"));
        table_end_row(table);
    }
    puts("");
    table_print(table, stdout);
}

static void show_problems(const struct json *signers)
{
    for (const struct json *signer = json_first(signers); signer != NULL;
         signer = json_next(signer)) {
        const struct json *problem = json_get(signer, "problem");
        if (problem != NULL)
            printf("\nSigner %.16s…: %s (%s)\n  what to do: %s\n", call_text(signer, "thumbprint"),
                   call_text(problem, "message"), call_text(problem, "code"),
                   call_text(problem, "remedy"));
    }
}

static void show(const struct json *result)
{
    const char *denied = call_text(result, "deny_all_before");
    show_list(json_get(result, "signers"));
    show_problems(json_get(result, "signers"));
    show_trusted(json_get(result, "trusted"));
    if (denied[0] != '\0')
        printf("\nHealth certificates of any signer that were issued before %s are refused.\n",
               denied);
}

static int run_list(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "signer.list"))
        return call_fail(&call);
    if (!call_printed(&call))
        show(call.result);
    return 0;
}

static int run_renew(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "signer.renew"))
        return call_fail(&call);
    if (!call_printed(&call))
        show(call.result);
    return 0;
}

static const char *const list_examples[] = {"hgsctl signer list", NULL};
static const char *const renew_examples[] = {"hgsctl signer renew", NULL};
static const struct option_argument trust_arguments[] = {
    {"FILE", "the signers' certificates", OPTION_FILE, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument signer_arguments[] = {
    {"THUMBPRINT", "the signer's, or its first digits", OPTION_ANY, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument time_arguments[] = {
    {"TIME", "as 2026-11-23T10:00:00Z, or now; never: refuse none for its age", OPTION_ANY, false,
     false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const char *const trust_examples[] = {
    "curl -o signers.json http://other/Attestation/v2.0/signingCertificates",
    "hgsctl signer trust signers.json", NULL};
static const char *const distrust_examples[] = {"hgsctl signer distrust 5f2c9a01", NULL};
static const char *const deny_examples[] = {"hgsctl signer deny-before now",
                                            "hgsctl signer deny-before now --signer 5f2c9a01",
                                            "hgsctl signer deny-before never", NULL};
static const struct option_entry distrust_options[] = {OPTION_ROW_YES, OPTION_ROW_DRY_RUN,
                                                       OPTION_END};
static const struct option_entry deny_options[] = {
    {"signer", "THUMBPRINT", "only for this signer", OPTION_VALUE, OPTION_ANY, NULL, false, NULL,
     false},
    OPTION_ROW_YES,
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry renew_options[] = {OPTION_ROW_DRY_RUN, OPTION_END};

const struct option_command signer_commands[] = {
    {"signer list", "show attestation signers, and when each does what", NULL, NULL, NULL,
     list_examples, "Get-HgsAttestationSignerCertificate", run_list},
    {"signer renew", "make a new attestation signer for this node now",
     "Signers renew themselves. The new one is published now and signs a day later, because "
     "clients "
     "keep the list of signers for hours. For a key that may have leaked: signer distrust.",
     NULL, renew_options, renew_examples, "AttestationSignerCertRenewalTask", run_renew},
    {"signer trust", "accept health certificates that another service issues",
     "FILE holds the other service's signers: PEM, DER, PKCS#7, or its list as "
     "/Attestation/v2.0/signingCertificates gives it. Its signers renew themselves every few "
     "weeks; "
     "trust the new ones when it publishes them, a day before they sign.",
     trust_arguments, renew_options, trust_examples,
     "Add-HgsKeyProtectionAttestationSignerCertificate", signer_trust_run},
    {"signer distrust", "accept no health certificates of a signer any more",
     "For a signer's key that may have leaked: whoever has it can write any time into a "
     "certificate, "
     "so that deny-before does not help. One of this service's own is removed with its key. Hosts "
     "attest again when they next need a key; a signer that is published signs in its place (as "
     "after signer renew), and where there is none, a new one, at once. Make a backup afterwards: "
     "an old one brings the signer back.",
     signer_arguments, distrust_options, distrust_examples,
     "Remove-HgsKeyProtectionAttestationSignerCertificate", signer_distrust_run},
    {"signer deny-before", "refuse health certificates that were issued before a time",
     "After a host was removed or a policy made stricter: hosts must attest again. Without "
     "--signer it holds for every signer, this service's own included.",
     time_arguments, deny_options, deny_examples,
     "Set-HgsKeyProtectionAttestationSignerCertificatePolicy", signer_deny_before_run},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
