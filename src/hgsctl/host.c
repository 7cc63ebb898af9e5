/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "admin/errors.h"
#include "attestation/platform_identifier.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/table.h"
#include "crypto/certificate.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"
#include "hgsctl/key_file.h"

static void add_names(struct call *call, const char *option, const char *member)
{
    json_write_array(&call->writer, member);
    for (size_t i = 0; i < option_count(call->values, option); i++)
        json_write_text(&call->writer, NULL, option_item(call->values, option, i));
    json_write_array_end(&call->writer);
}

static bool add_key(struct call *call)
{
    static const char *const tpm_only[] = {"profile", "policy-version", "bank",
                                           "force",   "stage",          "set"};
    _cleanup_public_key_ struct public_key *key = NULL;
    for (size_t i = 0; i < sizeof tpm_only / sizeof tpm_only[0]; i++)
        if (option_given(call->values, tpm_only[i]))
            return error_set(&call->err, &admin_argument, "hgsctl(8)", tpm_only[i],
                             "it is for hosts that are registered by their TPM (--tpm)");
    if (!key_file_read(&key, option_text(call->values, "key"), &call->err))
        return false;
    json_write_base64(&call->writer, "key", public_key_spki(key));
    return true;
}

/* The file goes as it is: the service finds the key in it. */
static bool add_identifier(struct call *call)
{
    const struct option_values *values = call->values;
    _cleanup_buf_ struct buf file;
    buf_init(&file, PLATFORM_IDENTIFIER_SIZE_MAX);
    if (!file_read(&file, option_text(values, "tpm"), &call->err))
        return false;
    json_write_base64(&call->writer, "identifier", buf_slice(&file));
    if (option_given(values, "profile"))
        json_write_text(&call->writer, "profile", option_text(values, "profile"));
    if (option_given(values, "policy-version"))
        json_write_text(&call->writer, "policy_version", option_text(values, "policy-version"));
    if (option_given(values, "bank"))
        json_write_text(&call->writer, "bank", option_text(values, "bank"));
    json_write_bool(&call->writer, "force", option_given(values, "force"));
    json_write_bool(&call->writer, "staged", option_given(values, "stage"));
    add_names(call, "set", "sets");
    return true;
}

static int run_add(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "name", option_argument(values, 0));
    bool ok = option_given(values, "tpm") ? add_identifier(&call) : add_key(&call);
    if (!ok || !call_run(&call, "host.add"))
        return call_fail(&call);
    bool doubtful =
        json_get(call.result, "certified") != NULL && !call_bool(call.result, "certified");
    return call_say(&call, "Host %s is registered%s%s.", option_argument(values, 0),
                    doubtful ? " though nothing shows that its key is a TPM's" : "",
                    call_bool(call.result, "staged")
                        ? " and staged; it attests after hgsctl policy activate"
                        : "");
}

static int run_set(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "name", option_argument(values, 0));
    add_names(&call, "set", "sets");
    add_names(&call, "without-set", "without_sets");
    if (option_given(values, "bank"))
        json_write_text(&call.writer, "bank", option_text(values, "bank"));
    if (!call_run(&call, "host.set"))
        return call_fail(&call);
    return call_say(&call, "Host %s is changed.", option_argument(values, 0));
}

/* "rack1, gpu" */
static const char *join_sets(char *text, size_t size, const struct json *host)
{
    size_t used = 0;
    text[0] = '\0';
    for (const struct json *it = json_first(json_get(host, "sets")); it != NULL && used < size;
         it = json_next(it))
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", json_text(it));
    return text;
}

/* What an administrator should see of a TPM host at once. */
static void state_cell(struct table *table, const struct json *host)
{
    bool is_tpm = json_get(host, "certified") != NULL;
    if (json_get(host, "error") != NULL)
        table_cell(table, TABLE_BAD, "DAMAGED");
    else if (is_tpm && !call_bool(host, "certified"))
        table_cell(table, TABLE_WARNING, "no certificate%s",
                   call_bool(host, "staged") ? ", staged" : "");
    else
        table_cell(table, TABLE_PLAIN, "%s", call_bool(host, "staged") ? "staged" : "");
}

/* "+1 h 2 min", to be seen where it is off; empty where nothing is known. */
static void clock_cell(struct table *table, const struct json *host)
{
    char offset[CLOCK_OFFSET_SIZE] = "";
    if (json_get(host, "clock_offset") != NULL)
        clock_format_offset(call_integer(host, "clock_offset"), offset);
    table_cell(table, call_bool(host, "clock_off") ? TABLE_WARNING : TABLE_PLAIN, "%s", offset);
}

static void list_host(void *context, const struct json *host)
{
    struct table *table = context;
    char sets[256];
    table_cell(table, TABLE_PLAIN, "%s", call_text(host, "name"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(host, "mode"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(host, "profile"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(host, "policy_version"));
    state_cell(table, host);
    clock_cell(table, host);
    table_cell(table, TABLE_PLAIN, "%s", join_sets(sets, sizeof sets, host));
    table_cell(table, TABLE_FAINT, "%.16s…", call_text(host, "key_id"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(host, "added"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(host, "added_by"));
    table_end_row(table);
}

static int run_list(const struct option_values *values)
{
    const char *const headings[] = {"NAME", "MODE", "PROFILE", "VERSION", "STATE", "CLOCK",
                                    "SETS", "KEY",  "ADDED",   "BY",      NULL};
    _cleanup_call_ struct call call;
    _cleanup_table_ struct table *table = table_new(headings);
    call_init(&call, values);
    if (option_argument(values, 0) != NULL)
        json_write_text(&call.writer, "pattern", option_argument(values, 0));
    if (!call_list(&call, "host.list", "hosts", list_host, table))
        return call_fail(&call);
    if (!option_json(values))
        table_print(table, stdout);
    return 0;
}

static void show_tpm(struct table *table, const struct json *host)
{
    static const struct {
        const char *name, *member;
    } texts[] = {
        {"TPM manufacturer", "tpm_manufacturer"},
        {"TPM firmware", "tpm_firmware_version"},
        {"System UUID", "system_uuid"},
        {"Serial number", "serial_number"},
    };
    char sets[512];
    bool certified = call_bool(host, "certified");
    bool has_certificate = json_get(host, "endorsement_certificate") != NULL;
    table_pair(table, "Profile", "%s", call_text(host, "profile"));
    table_pair(table, "Policy version", "%s", call_text(host, "policy_version"));
    table_pair(table, "PCR bank", "%s", call_text(host, "bank"));
    table_pair(table, "Certificate", "%s",
               certified         ? "led to a trusted root when the host was registered"
               : has_certificate ? "LEADS TO NO TRUSTED ROOT: nothing shows that the key is a TPM's"
                                 : "NONE: nothing shows that the key is a TPM's");
    if (call_bool(host, "staged"))
        table_pair(table, "State", "%s", "staged: it attests after hgsctl policy activate");
    table_pair(table, "Sets", "%s", join_sets(sets, sizeof sets, host));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (json_get(host, texts[i].member) != NULL)
            table_pair(table, texts[i].name, "%s", call_text(host, texts[i].member));
}

static void show_clock(struct table *table, const struct json *host)
{
    char offset[CLOCK_OFFSET_SIZE];
    if (json_get(host, "clock_offset") == NULL)
        return;
    table_pair(table, "Clock", "%s against this node's%s, measured %s",
               clock_format_offset(call_integer(host, "clock_offset"), offset),
               call_bool(host, "clock_off") ? ": set the wrong one right (hgsctl explain "
                                              "hgsd.host-clock)"
                                            : "",
               call_text(host, "clock_measured_at"));
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
    if (json_get(call.result, "certified") != NULL)
        show_tpm(table, call.result);
    show_clock(table, call.result);
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
    int status = call_say(&call,
                          "Host %s is removed; health certificates that it has still count until "
                          "they expire.",
                          name);
    const struct json *left = json_first(json_get(call.result, "policies_left"));
    for (; left != NULL && !option_json(values); left = json_next(left))
        printf("Policy %s was for it alone and stays: hgsctl policy remove %s\n", json_text(left),
               json_text(left));
    return status;
}

static const struct option_argument name_argument[] = {
    {"NAME", "the host's name", OPTION_NAME, false, false}, {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument pattern_argument[] = {
    {"PATTERN", "names to list, with shell wildcards", OPTION_PATTERN, true, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const char *const profiles[] = {"linux", "windows", NULL};
static const char *const versions[] = {"v1", "v2", NULL};
static const char *const banks[] = {"sha256", "sha384", "sha512", NULL};
static const struct option_entry add_options[] = {
    {"tpm", "FILE", "the host's platform identifier: hgs host identify, Get-PlatformIdentifier",
     OPTION_VALUE, OPTION_FILE, NULL, true, "how", false},
    {"key", "FILE", "the host's public key: PEM or DER, a certificate, or a Windows RSA1 blob",
     OPTION_VALUE, OPTION_FILE, NULL, true, "how", false},
    {"profile", "PROFILE", "what runs on it; its policies follow from that (linux unless said)",
     OPTION_VALUE, OPTION_ANY, profiles, false, NULL, false},
    {"policy-version", "VERSION", "version of its policies; v2 (unless said) needs a certificate",
     OPTION_VALUE, OPTION_ANY, versions, false, NULL, false},
    {"bank", "BANK", "bank of the TPM's PCRs that it attests by (sha256 unless said)", OPTION_VALUE,
     OPTION_ANY, banks, false, NULL, false},
    {"force", NULL, "though no endorsement certificate leads to a root; only with v1", OPTION_FLAG,
     OPTION_ANY, NULL, false, NULL, false},
    {"stage", NULL, "attests only after policy activate", OPTION_FLAG, OPTION_ANY, NULL, false,
     NULL, false},
    {"set", "SET", "name of a set of hosts that policies can be for", OPTION_REPEATED, OPTION_NAME,
     NULL, false, NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry set_options[] = {
    {"set", "SET", "put it into this set of hosts", OPTION_REPEATED, OPTION_NAME, NULL, false, NULL,
     false},
    {"without-set", "SET", "take it out of this set", OPTION_REPEATED, OPTION_NAME, NULL, false,
     NULL, false},
    {"bank", "BANK", "attest it by this bank of its TPM's PCRs", OPTION_VALUE, OPTION_ANY, banks,
     false, NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry remove_options[] = {OPTION_ROW_YES, OPTION_ROW_DRY_RUN,
                                                     OPTION_END};
static const char *const add_examples[] = {"hgsctl host add n1 --tpm n1.xml --set rack1",
                                           "hgsctl host add hv7 --tpm hv7.xml --profile windows",
                                           "hgsctl host add n1 --key n1.pem", NULL};
static const char *const set_examples[] = {"hgsctl host set n1 --set rack2 --without-set rack1",
                                           NULL};
static const char *const list_examples[] = {"hgsctl host list", "hgsctl host list 'rack1-*'", NULL};
static const char *const show_examples[] = {"hgsctl host show n1", NULL};
static const char *const remove_examples[] = {"hgsctl host remove n1 --yes", NULL};

const struct option_command host_commands[] = {
    {"host add", "register a host by its TPM, or by its public key",
     "For TPM mode the host is known by its TPM's endorsement key: hgs host identify --name NAME "
     "--out FILE.xml. The TPM's certificate must lead to a root (tpm-root add). For host key mode "
     "the host makes a key: hgs host key --generate --out FILE.\n\nHosts of both kinds can be "
     "registered in any mode.",
     name_argument, add_options, add_examples,
     "Add-HgsAttestationTpmHost, Add-HgsAttestationHostKey", run_add},
    {"host set", "change the sets of hosts that a host is in, or its bank of PCRs",
     "A host attests by the bank that it is registered for. Firmware may not measure into every "
     "bank that a TPM has; one that it leaves out can be filled by whoever runs the host.",
     name_argument, set_options, set_examples, NULL, run_set},
    {"host list", "list registered hosts",
     "CLOCK is how far a host's clock is ahead of this node's (- is behind), as it said when it "
     "last "
     "attested or got a key since hgsd started; Windows hosts do not say.",
     pattern_argument, NULL, list_examples, "Get-HgsAttestationTpmHost, Get-HgsAttestationHostKey",
     run_list},
    {"host show", "show one host", NULL, name_argument, NULL, show_examples,
     "Get-HgsAttestationTpmHost, Get-HgsAttestationHostKey", run_show},
    {"host remove", "forget a host", NULL, name_argument, remove_options, remove_examples,
     "Remove-HgsAttestationTpmHost, Remove-HgsAttestationHostKey", run_remove},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
