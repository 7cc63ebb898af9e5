/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "admin/errors.h"
#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/certificate_add.h"
#include "hgsctl/certificate_permission.h"
#include "hgsctl/certificate_request.h"
#include "hgsctl/certificate_usage.h"
#include "hgsctl/commands.h"

static const char *const types[] = {"signing", "encryption", "communications", NULL};

static void show_list(const struct json *certificates)
{
    const char *const headings[] = {"TYPE",  "THUMBPRINT", "SUBJECT", "EXPIRES",
                                    "STATE", "SOURCE",     "KEY",     NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *item = json_first(certificates); item != NULL; item = json_next(item)) {
        bool enabled = call_bool(item, "enabled"), expired = call_bool(item, "expired");
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "type"));
        table_cell(table, TABLE_FAINT, "%s", call_text(item, "thumbprint"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "subject"));
        table_cell(table, expired ? TABLE_WARNING : TABLE_PLAIN, "%s",
                   call_text(item, "not_after"));
        table_cell(table, enabled ? TABLE_GOOD : TABLE_FAINT, "%s",
                   !enabled                     ? "disabled"
                   : call_bool(item, "primary") ? "primary"
                                                : "enabled");
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "source"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "key_source"));
        table_end_row(table);
    }
    table_print(table, stdout);
}

static void show_requests(const struct json *requests)
{
    const char *const headings[] = {"REQUESTED", "KEY", "SUBJECT", "SINCE", "BY", NULL};
    if (json_first(requests) == NULL)
        return;
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *item = json_first(requests); item != NULL; item = json_next(item)) {
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "type"));
        table_cell(table, TABLE_FAINT, "%.16s…", call_text(item, "key_id"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "subject"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "added"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(item, "added_by"));
        table_end_row(table);
    }
    puts("");
    table_print(table, stdout);
}

static void show_all(const struct json *result)
{
    show_list(json_get(result, "certificates"));
    show_requests(json_get(result, "requests"));
}

static int run_list(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "certificate.list"))
        return call_fail(&call);
    if (!call_printed(&call))
        show_all(call.result);
    return 0;
}

static const char *key_place(const struct json *certificate)
{
    const char *source = call_text(certificate, "key_source");
    if (strcmp(source, "token") == 0)
        return call_text(certificate, "key_uri");
    return strcmp(source, "file") == 0 ? "in the key folder of each node" : "sealed in the state";
}

static void show_abilities(struct table *table, const struct json *certificate)
{
    const struct json *abilities = json_get(certificate, "abilities");
    if (abilities == NULL)
        return;
    for (const struct json *item = json_first(abilities); item != NULL; item = json_next(item))
        table_pair(table, item == json_first(abilities) ? "Key can" : "", "%s", json_text(item));
    if (call_bool(certificate, "only_sha1"))
        table_pair(table, "Key protectors",
                   "only those written with SHA-1: hgs guardian import --sha1");
}

static int run_show(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "thumbprint", option_argument(values, 0));
    if (!call_run(&call, "certificate.show"))
        return call_fail(&call);
    if (call_printed(&call))
        return 0;
    _cleanup_table_ struct table *table = table_new(NULL);
    table_pair(table, "Type", "%s", call_text(call.result, "type"));
    table_pair(table, "Thumbprint (SHA-256)", "%s", call_text(call.result, "thumbprint"));
    table_pair(table, "Thumbprint (SHA-1)", "%s", call_text(call.result, "thumbprint_sha1"));
    table_pair(table, "Subject", "%s", call_text(call.result, "subject"));
    table_pair(table, "Issuer", "%s", call_text(call.result, "issuer"));
    table_pair(table, "Valid from", "%s", call_text(call.result, "not_before"));
    table_pair(table, "Valid until", "%s", call_text(call.result, "not_after"));
    table_pair(table, "Private key", "%s", call_text(call.result, "key_id"));
    table_pair(table, "Source", "%s", call_text(call.result, "source"));
    table_pair(table, "Key is", "%s", key_place(call.result));
    show_abilities(table, call.result);
    table_pair(table, "Primary", "%s", call_bool(call.result, "primary") ? "yes" : "no");
    table_pair(table, "Enabled", "%s", call_bool(call.result, "enabled") ? "yes" : "no");
    table_print(table, stdout);
    return 0;
}

static int run_set(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "thumbprint", option_argument(values, 0));
    json_write_text(&call.writer, "type", option_text(values, "type"));
    if (option_given(values, "primary"))
        json_write_bool(&call.writer, "primary", true);
    if (option_given(values, "enable") || option_given(values, "disable"))
        json_write_bool(&call.writer, "enabled", option_given(values, "enable"));
    if (!call_run(&call, "certificate.set"))
        return call_fail(&call);
    char thumbprint[2 * 32 + 1];
    snprintf(thumbprint, sizeof thumbprint, "%s", call_text(call.result, "thumbprint"));
    bool enabled = call_bool(call.result, "enabled");
    call_say(&call, "Certificate %s is %s.", thumbprint,
             call_bool(call.result, "primary") ? "primary"
             : enabled                         ? "enabled"
                                               : "disabled");
    if (!enabled && !option_json(values) && !option_given(values, "dry-run"))
        certificate_usage_warn(&call, option_text(values, "type"), thumbprint);
    return 0;
}

static bool request_removal(struct call *call, const struct option_values *values, bool needed)
{
    json_write_text(&call->writer, "thumbprint", option_argument(values, 0));
    json_write_text(&call->writer, "type", option_text(values, "type"));
    json_write_bool(&call->writer, "needed", needed);
    return call_run(call, "certificate.remove");
}

/* The service refuses to lose key protectors, and says how many; a person may know better. */
static bool insist(struct call *call, const struct option_values *values)
{
    char message[ERROR_MESSAGE_SIZE];
    if (strcmp(call->err.code->name, admin_certificate_needed.name) != 0 || !option_asks(values))
        return false;
    snprintf(message, sizeof message, "%s", call->err.message);
    if (!option_confirm(values, &call->err, "%s. Remove it all the same?", message))
        return false;
    call_again(call);
    return request_removal(call, values, true);
}

static int run_remove(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &call.err,
                        "Key protectors that know only this certificate can no longer be used."))
        return call_fail(&call);
    if (!request_removal(&call, values, option_given(values, "yes")) && !insist(&call, values))
        return call_fail(&call);
    bool sealed = strcmp(call_text(call.result, "key_source"), "sealed") == 0;
    return call_say(&call, "Certificate %s is removed%s.", call_text(call.result, "thumbprint"),
                    call_bool(call.result, "key_removed") ? ", and its private key with it"
                    : sealed ? "; its private key serves another certificate"
                             : "; its private key stays where it is");
}

static const struct option_argument thumbprint_argument[] = {
    {"THUMBPRINT", "SHA-256 thumbprint, or its first 8 or more digits", OPTION_ANY, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};
#define TYPE_ROW                                                                             \
    {                                                                                        \
        "type", "TYPE", "what it is for", OPTION_VALUE, OPTION_ANY, types, true, NULL, false \
    }
static const struct option_entry add_options[] = {
    TYPE_ROW,
    {"pfx", "FILE", "PFX with the certificate and its private key", OPTION_VALUE, OPTION_FILE, NULL,
     false, "source", false},
    {"file", "CERT", "certificate, PEM or DER, with --key-file or --pkcs11 or of a request",
     OPTION_VALUE, OPTION_FILE, NULL, false, NULL, false},
    {"key-file", "KEY", "PEM private key of --file; not for a request", OPTION_VALUE, OPTION_FILE,
     NULL, false, NULL, false},
    {"thumbprint", "T", "one whose files are in the key folder of each node (hgsd.conf)",
     OPTION_VALUE, OPTION_ANY, NULL, false, "source", false},
    {"pkcs11", "URI",
     "key in a token, as pkcs11:token=NAME;object=LABEL; its certificate, too, or "
     "--file CERT",
     OPTION_VALUE, OPTION_ANY, NULL, false, "source", false},
    {"only-sha1", NULL, "take a key that opens key protectors written with SHA-1 alone",
     OPTION_FLAG, OPTION_ANY, NULL, false, NULL, false},
    {"password-file", "FILE", "file with the password of the PFX or key (asked for a PFX)",
     OPTION_VALUE, OPTION_FILE, NULL, false, NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry set_options[] = {
    TYPE_ROW,
    {"primary", NULL, "use it for what is signed or encrypted from now on", OPTION_FLAG, OPTION_ANY,
     NULL, false, NULL, false},
    {"enable", NULL, "use it again", OPTION_FLAG, OPTION_ANY, NULL, false, "state", false},
    {"disable", NULL, "keep it, but do not use it", OPTION_FLAG, OPTION_ANY, NULL, false, "state",
     false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry usage_options[] = {
    {"days", "N", "what counts as lately (default 30)", OPTION_VALUE, OPTION_NUMBER, NULL, false,
     NULL, false},
    OPTION_END,
};
static const struct option_entry remove_options[] = {TYPE_ROW, OPTION_ROW_YES, OPTION_ROW_DRY_RUN,
                                                     OPTION_END};
static const char *const add_examples[] = {
    "hgsctl certificate add --type signing --pfx signing.pfx --password-file pw",
    "hgsctl certificate add --type encryption --file e.pem --key-file e.key",
    "hgsctl certificate add --type signing --thumbprint "
    "5f2c9a01d84b7e3360c1f29ab85d47e6013f8c2b9ad6e47510f38b2c6d9e07a4",
    NULL};
static const char *const list_examples[] = {"hgsctl certificate list", NULL};
static const char *const show_examples[] = {"hgsctl certificate show 5f2c9a01", NULL};
static const char *const set_examples[] = {
    "hgsctl certificate set 5f2c9a01 --type signing --primary", NULL};
static const char *const usage_examples[] = {"hgsctl certificate usage",
                                             "hgsctl certificate usage --days 90", NULL};
static const char *const remove_examples[] = {
    "hgsctl certificate remove 5f2c9a01 --type signing --yes", NULL};

static const struct option_entry permission_options[] = {
    {"grant", NULL, "give the keyholder's user what it lacks", OPTION_FLAG, OPTION_ANY, NULL, false,
     NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const char *const permission_examples[] = {
    "hgsctl certificate permission 5f2c9a01",
    "hgsctl certificate permission 5f2c9a01 --grant --dry-run",
    "hgsctl certificate permission 5f2c9a01 --grant", NULL};

static const char *const request_types[] = {"signing", "encryption", "both", "communications",
                                            NULL};
static const struct option_entry request_options[] = {
    {"type", "TYPE", "what the certificate is for", OPTION_VALUE, OPTION_ANY, request_types, true,
     "what", false},
    {"again", "KEY-ID", "write a request again that the service has (certificate list)",
     OPTION_VALUE, OPTION_ANY, NULL, true, "what", false},
    {"subject", "DN", "its subject, as CN=HGS signing,O=Example; with --type", OPTION_VALUE,
     OPTION_ANY, NULL, false, NULL, false},
    {"key-usage", "0xHH", "key usage, where the authority or an HSM wants another", OPTION_VALUE,
     OPTION_ANY, NULL, false, NULL, false},
    {"key-file", "KEY", "PEM private key, made when there is no such file", OPTION_VALUE,
     OPTION_FILE, NULL, false, "key", false},
    {"pkcs11", "URI", "key in a token, as pkcs11:token=NAME;object=LABEL, made when there is none",
     OPTION_VALUE, OPTION_ANY, NULL, false, "key", false},
    {"out", "FILE", "where the request goes (PEM)", OPTION_VALUE, OPTION_FILE, NULL, true, NULL,
     false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_argument cancel_argument[] = {
    {"KEY-ID", "the key's, or its first digits (certificate list)", OPTION_ANY, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_entry remove_request_options[] = {OPTION_ROW_YES, OPTION_ROW_DRY_RUN,
                                                             OPTION_END};
static const char *const request_examples[] = {
    "hgsctl certificate request --type signing --subject 'CN=HGS signing,O=Example' --out s.csr",
    "hgsctl certificate add --type signing --file s.pem",
    "hgsctl certificate request --type both --subject CN=HGS --key-file hgs.key --out hgs.csr",
    "hgsctl certificate request --again 5f2c9a01 --out s.csr", NULL};
static const char *const cancel_examples[] = {"hgsctl certificate cancel 5f2c9a01", NULL};

const struct option_command certificate_commands[] = {
    {"certificate add", "add a signing, encryption or communications certificate",
     "The private key of files goes to the keyholder process, past the service; it is sealed into "
     "the state and so on every node. With --thumbprint each node has certificate and key in its "
     "key "
     "folder ([keyholder] key-folder of hgsd.conf), and nothing of the key is stored. The key "
     "signs "
     "or decrypts before anything is changed. The first certificate of a type becomes primary.",
     NULL, add_options, add_examples, "Add-HgsKeyProtectionCertificate", certificate_add_run},
    {"certificate list", "list the certificates", NULL, NULL, NULL, list_examples,
     "Get-HgsKeyProtectionCertificate", run_list},
    {"certificate show", "show one certificate", NULL, thumbprint_argument, NULL, show_examples,
     "Get-HgsKeyProtectionCertificate", run_show},
    {"certificate set", "make a certificate primary, enable or disable it", NULL,
     thumbprint_argument, set_options, set_examples, "Set-HgsKeyProtectionCertificate", run_set},
    {"certificate permission", "tell whether the service can read a private key, and let it",
     "Of a certificate that is referred to by its thumbprint, added yet or not: whether the "
     "keyholder's user can read its private key on this node, and if not, what it lacks on the way "
     "to the files. --grant gives it that and no more, by an entry of its own in the access "
     "control "
     "lists (or by the owner's bits, where the file is its own); root or the owner may do so. "
     "Ends with 1 when the key does not work; with --grant --dry-run, with 0 when something would "
     "be "
     "granted.",
     thumbprint_argument, permission_options, permission_examples,
     "Add-AccessRule of GuardedFabricTools", certificate_permission_run},
    {"certificate request", "make a request that a certification authority can sign",
     "The keyholder makes the key (RSA of 2048 bits) and keeps it; when the certificate comes, "
     "certificate add --file CERT is all. With --key-file the key is in that file, and with "
     "--pkcs11 in that token, where it is made if there is none; --dry-run says whether it would "
     "be.",
     NULL, request_options, request_examples, NULL, certificate_request_run},
    {"certificate cancel", "forget a request, and its private key unless a token has it", NULL,
     cancel_argument, remove_request_options, cancel_examples, NULL, certificate_cancel_run},
    {"certificate usage", "count the key protectors that ask for each certificate",
     "NEED IT counts key protectors that would be lost with the certificate: no other enabled "
     "one of its type opens them. OTHERS counts those that have another, too. A certificate that "
     "nobody needs can go.\n\n"
     "A key protector is counted when its key is rolled, that is when its VM starts, and known "
     "again by a keyed digest of its transport key, which each roll hands on to the next and a "
     "grant keeps. So a copy of a VM that starts by itself counts by itself, and so does a VM "
     "whose key its owner renewed (hgs vm revoke) or took from an old backup; what it was before "
     "stays, and grows old. A VM that never started since counting began is not known. Counts "
     "survive a restart; a crash loses the last seconds. Of more than a million, those not seen "
     "for longest are forgotten, and counting is said to be complete from a later time.",
     NULL, usage_options, usage_examples, NULL, certificate_usage_run},
    {"certificate remove", "remove a certificate and its private key",
     "Where key protectors need it (certificate usage) it asks again, and where nobody can be "
     "asked it refuses without --yes. To be sure, disable it first and wait: it can be enabled "
     "again.",
     thumbprint_argument, remove_options, remove_examples, "Remove-HgsKeyProtectionCertificate",
     run_remove},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
