/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/file.h"
#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"

static const char *const modes[] = {"tpm", "hostkey", "ad", NULL};

static bool add_pfx(struct call *call, const char *name, const char *path, int password)
{
    _cleanup_meeting_ struct meeting files = MEETING_NONE;
    char again[64];
    files.operation = KEYHOLDER_IMPORT;
    /* Opened anew: each reader begins at its beginning. */
    snprintf(again, sizeof again, "/proc/self/fd/%d", password);
    return call_open(call, &files.fds[MEETING_KEY], path) &&
           call_open(call, &files.fds[MEETING_PASSWORD], again) && call_give(call, name, &files);
}

/* The PFX files and the one password for both. */
static bool add_certificates(struct call *call, const struct option_values *values)
{
    const char *signing = option_text(values, "signing-certificate");
    const char *encryption = option_text(values, "encryption-certificate");
    if (signing == NULL || encryption == NULL)
        return true; /* the service refuses one without the other */
    _cleanup_fd_ int password = -1;
    return call_open_password(call, &password, option_text(values, "password-file"), false) &&
           add_pfx(call, "signing_meeting_fd", signing, password) &&
           add_pfx(call, "encryption_meeting_fd", encryption, password);
}

static int run_init(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "service_name", option_text(values, "service-name"));
    json_write_text(&call.writer, "trust", option_text(values, "trust"));
    json_write_bool(&call.writer, "generate", option_given(values, "generate-certificates"));
    if (!add_certificates(&call, values) || !call_run(&call, "server.init"))
        return call_fail(&call);
    return call_say(&call, "Service %s is initialised and attests hosts in mode %s.",
                    option_text(values, "service-name"), option_text(values, "trust"));
}

static void show_nodes(const struct json *result)
{
    char offset[CLOCK_OFFSET_SIZE];
    const char *const headings[] = {"NODE",         "MODE",         "REVISION",
                                    "CLOCK OFFSET", "LAST CONTACT", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *node = json_first(json_get(result, "nodes")); node != NULL;
         node = json_next(node)) {
        table_cell(table, TABLE_PLAIN, "%s", call_text(node, "name"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(node, "mode"));
        table_cell(table, TABLE_PLAIN, "%lld", (long long)call_integer(node, "revision"));
        table_cell(table, TABLE_PLAIN, "%s",
                   clock_format_offset(call_integer(node, "clock_offset"), offset));
        table_cell(table, TABLE_PLAIN, "%s", call_text(node, "last_contact"));
        table_end_row(table);
    }
    puts("");
    table_print(table, stdout);
}

/* Nothing, where nothing is prepared for TPM mode. */
static void show_tpm(struct table *table, const struct json *tpm)
{
    long long hosts = call_integer(tpm, "hosts"), roots = call_integer(tpm, "roots");
    long long bare = call_integer(tpm, "hosts_without_certificate");
    long long staged = call_integer(tpm, "hosts_staged") + call_integer(tpm, "policies_staged");
    long long baselines = call_integer(tpm, "baselines"), ci = call_integer(tpm, "ci_policies");
    if (hosts + roots + baselines + ci + staged == 0)
        return;
    table_pair(table, "TPM hosts", "%lld", hosts);
    if (bare > 0)
        table_pair(table, "TPM hosts without certificate",
                   "%lld, whose key may be no TPM's (hgsctl host list)", bare);
    table_pair(table, "TPM policies", "%lld baselines, %lld ci, %lld dump; %lld expired", baselines,
               ci, (long long)call_integer(tpm, "dump_policies"),
               (long long)call_integer(tpm, "policies_expired"));
    table_pair(table, "TPM roots", "%lld, and %lld intermediate", roots,
               (long long)call_integer(tpm, "intermediates"));
    table_pair(table, "Staged", "%lld policies, %lld hosts%s",
               (long long)call_integer(tpm, "policies_staged"),
               (long long)call_integer(tpm, "hosts_staged"),
               staged > 0 ? " (hgsctl policy activate)" : "");
    table_pair(table, "Pending", "%lld boots that did not pass",
               (long long)call_integer(tpm, "pending"));
    if (call_integer(tpm, "dropped") > 0)
        table_pair(table, "Boots not remembered",
                   "%lld since the start, the last of %s at %s (have it attest again)",
                   (long long)call_integer(tpm, "dropped"), call_text(tpm, "dropped_host"),
                   call_text(tpm, "dropped_time"));
}

/* "5 min" */
static const char *format_span(int64_t seconds, char text[CLOCK_OFFSET_SIZE])
{
    clock_format_offset(seconds, text);
    return text[0] == '+' ? text + 1 : text;
}

static void show_clocks(struct table *table, const struct json *result)
{
    const struct json *clock = json_get(result, "clock"), *hosts = json_get(result, "host_clocks");
    char tolerance[CLOCK_OFFSET_SIZE], bound[CLOCK_OFFSET_SIZE], offset[CLOCK_OFFSET_SIZE];
    format_span(call_integer(clock, "bound"), bound);
    table_pair(table, "Clock tolerance", "%s; offsets of more than %s are warned about",
               format_span(call_integer(clock, "tolerance"), tolerance),
               bound[0] == '+' ? bound + 1 : bound);
    const struct json *worst = json_first(json_get(hosts, "farthest"));
    if (worst == NULL)
        table_pair(table, "Host clocks", "%lld measured, none off",
                   (long long)call_integer(hosts, "measured"));
    else
        table_pair(table, "Host clocks", "%lld measured, %lld OFF, most of all %s: %s",
                   (long long)call_integer(hosts, "measured"),
                   (long long)call_integer(hosts, "off"), call_text(worst, "host"),
                   clock_format_offset(call_integer(worst, "offset"), offset));
}

static void show_pairs(const struct json *result)
{
    _cleanup_table_ struct table *table = table_new(NULL);
    const struct json *audit = json_get(result, "audit");
    table_pair(table, "Service", "%s",
               call_bool(result, "initialized") ? call_text(result, "service_name")
                                                : "not initialised (hgsctl server init)");
    table_pair(table, "Version", "%s", call_text(result, "version"));
    table_pair(table, "Trust", "%s", call_text(result, "mode"));
    for (const struct json *url = json_first(json_get(result, "urls")); url != NULL;
         url = json_next(url))
        table_pair(table, "URL", "%s", json_text(url));
    table_pair(table, "Functional level", "%lld",
               (long long)call_integer(result, "functional_level"));
    table_pair(table, "Hosts", "%lld", (long long)call_integer(result, "hosts"));
    show_tpm(table, json_get(result, "tpm"));
    table_pair(table, "Service runs as", "%s", call_text(result, "service_user"));
    table_pair(table, "Keyholder runs as", "%s", call_text(result, "keyholder_user"));
    table_pair(table, "Keyholder", "%s, %lld keys loaded",
               call_bool(result, "keyholder_alive") ? "answers" : "DOES NOT ANSWER",
               (long long)call_integer(result, "keys_loaded"));
    for (const struct json *it = json_first(json_get(result, "tokens")); it != NULL;
         it = json_next(it))
        table_pair(table, "Token", "%s %s, %lld keys, %lld sessions, %lld requests wait (of %lld)",
                   call_text(it, "name"), call_text(it, "state"),
                   (long long)call_integer(it, "keys"), (long long)call_integer(it, "sessions"),
                   (long long)call_integer(it, "waiting"),
                   (long long)call_integer(it, "waiting_limit"));
    table_pair(table, "Sandbox", "%s", call_text(result, "sandbox"));
    for (const struct json *file = json_first(json_get(json_get(result, "reload"), "fixed"));
         file != NULL; file = json_next(file))
        table_pair(table, "Not to be replaced", "%s (write into it, or restart hgsd)",
                   json_text(file));
    table_pair(table, "Audit trail", "%s, %lld records",
               call_bool(audit, "writable") ? "writable" : "NOT WRITABLE: no key is released",
               (long long)call_integer(audit, "sequence"));
    table_pair(table, "Started", "%s", call_text(result, "started"));
    show_clocks(table, result);
    table_print(table, stdout);
}

/* Certificates that a node cannot work with: a key that is missing there, or cannot be read. */
static void show_unusable(const struct json *node)
{
    for (const struct json *item = json_first(json_get(node, "certificates_unusable"));
         item != NULL; item = json_next(item)) {
        const struct json *error = json_get(item, "error");
        printf("\nOn node %s the %s certificate %s cannot be used: %s: %s (%s)\n"
               "  what to do: %s\n",
               call_text(node, "name"), call_text(item, "type"), call_text(item, "thumbprint"),
               call_text(error, "object"), call_text(error, "message"), call_text(error, "code"),
               call_text(error, "remedy"));
    }
}

/* What is wrong stands last, where a reader's eye is: the audit trail's failure, keys that cannot
 * be used. */
static void show_problems(const struct json *result)
{
    const struct json *clock = json_get(result, "clock"), *problem = json_get(clock, "problem");
    const struct json *audit_error = json_get(json_get(result, "audit"), "error");
    if (problem != NULL)
        printf("\nClock, at %s: %s (%s)\n  what to do: %s\n", call_text(clock, "at"),
               call_text(problem, "message"), call_text(problem, "code"),
               call_text(problem, "remedy"));
    for (const struct json *signer = json_first(json_get(result, "signer_problems"));
         signer != NULL; signer = json_next(signer))
        printf("\nAttestation signer %.16s: %s (%s)\n  what to do: %s\n",
               call_text(signer, "object"), call_text(signer, "message"), call_text(signer, "code"),
               call_text(signer, "remedy"));
    for (const struct json *error = json_first(json_get(json_get(result, "reload"), "errors"));
         error != NULL; error = json_next(error))
        printf("\nNot reloaded at %s: %s: %s (%s)\n  what to do: %s\n",
               call_text(json_get(result, "reload"), "time"), call_text(error, "object"),
               call_text(error, "message"), call_text(error, "code"), call_text(error, "remedy"));
    if (*call_text(json_get(result, "reload"), "restart_for") != '\0')
        printf("\nChanged in hgsd.conf, and not in force before hgsd is started again: %s\n",
               call_text(json_get(result, "reload"), "restart_for"));
    if (audit_error != NULL)
        printf("\nAudit trail: %s (%s)\n  what to do: %s\n", call_text(audit_error, "message"),
               call_text(audit_error, "code"), call_text(audit_error, "remedy"));
    for (const struct json *it = json_first(json_get(result, "tokens")); it != NULL;
         it = json_next(it)) {
        const struct json *error = json_get(it, "error");
        if (error != NULL)
            printf("\nToken %s cannot be used: %s: %s (%s)\n  what to do: %s\n",
                   call_text(it, "name"), call_text(error, "object"), call_text(error, "message"),
                   call_text(error, "code"), call_text(error, "remedy"));
    }
    for (const struct json *key = json_first(json_get(result, "keys_unusable")); key != NULL;
         key = json_next(key)) {
        const struct json *error = json_get(key, "error");
        printf("\nPrivate key %s cannot be used: %s (%s)\n  what to do: %s\n",
               call_text(key, "key_id"), call_text(error, "message"), call_text(error, "code"),
               call_text(error, "remedy"));
    }
    for (const struct json *node = json_first(json_get(result, "nodes")); node != NULL;
         node = json_next(node))
        show_unusable(node);
}

static int run_show(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "server.show"))
        return call_fail(&call);
    if (call_printed(&call))
        return 0;
    show_pairs(call.result);
    show_nodes(call.result);
    show_problems(call.result);
    return 0;
}

/* A duration option in whole seconds (or days) as a member of the settings. */
static bool add_duration(struct call *call, const char *option, const char *member, int64_t unit_ms)
{
    int64_t milliseconds;
    const char *text = option_text(call->values, option);
    if (text == NULL)
        return true;
    if (!config_parse_duration(&milliseconds, text, &call->err))
        return false;
    json_write_integer(&call->writer, member, milliseconds / unit_ms);
    return true;
}

static bool add_attestation(struct call *call)
{
    const char *key = option_text(call->values, "signer-key");
    const char *unprotected = option_text(call->values, "allow-unprotected-signing-keys");
    json_write_object(&call->writer, "attestation");
    bool ok =
        add_duration(call, "health-certificate-lifetime", "health_certificate_seconds", 1000) &&
        add_duration(call, "clock-tolerance", "clock_tolerance_seconds", 1000) &&
        add_duration(call, "clock-warning", "clock_warning_seconds", 1000) &&
        add_duration(call, "signer-lifetime", "signer_lifetime_days", 86400 * 1000LL) &&
        add_duration(call, "tpm-exchange", "rtpm_exchange_seconds", 1000);
    if (key != NULL)
        json_write_text(&call->writer, "signer_key", key);
    if (unprotected != NULL)
        json_write_bool(&call->writer, "allow_unprotected_signing_keys",
                        strcmp(unprotected, "yes") == 0);
    json_write_object_end(&call->writer);
    return ok;
}

static bool gives_attestation(const struct option_values *values)
{
    static const char *const names[] = {"health-certificate-lifetime",
                                        "clock-tolerance",
                                        "clock-warning",
                                        "signer-lifetime",
                                        "signer-key",
                                        "tpm-exchange",
                                        "allow-unprotected-signing-keys"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (option_given(values, names[i]))
            return true;
    return false;
}

/* What would keep every host from passing in the new mode, at once and not host by host. */
static void warn_of_mode(struct call *call)
{
    call_again(call);
    if (!call_run(call, "server.test"))
        return;
    for (const struct json *test = json_first(json_get(call->result, "tests")); test != NULL;
         test = json_next(test))
        if (call_bool(test, "warning"))
            printf("  %s: %s\n", call_text(test, "name"), call_text(test, "detail"));
}

static int run_set(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (option_given(values, "trust"))
        json_write_text(&call.writer, "trust", option_text(values, "trust"));
    if (gives_attestation(values) && !add_attestation(&call))
        return call_fail(&call);
    if (option_given(values, "max-offline-unwraps")) {
        json_write_object(&call.writer, "key_protection");
        json_write_integer(&call.writer, "max_offline_unwraps",
                           option_number(values, "max-offline-unwraps", 0));
        json_write_object_end(&call.writer);
    }
    json_write_integer(&call.writer, "wait", option_number(values, "wait", 10));
    if (!call_run(&call, "server.set"))
        return call_fail(&call);
    int status = call_say(&call, "Every node works with the new settings.");
    if (option_given(values, "trust") && !option_json(values) && !option_given(values, "dry-run"))
        warn_of_mode(&call);
    return status;
}

static void show_tests(const struct json *tests)
{
    const char *const headings[] = {"TEST", "RESULT", "DETAIL", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *test = json_first(tests); test != NULL; test = json_next(test)) {
        bool ok = call_bool(test, "ok"), warning = call_bool(test, "warning");
        table_cell(table, TABLE_PLAIN, "%s", call_text(test, "name"));
        table_cell(table, warning ? TABLE_WARNING : (ok ? TABLE_GOOD : TABLE_BAD), "%s",
                   warning ? "WARNING" : (ok ? "passed" : "FAILED"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(test, "detail"));
        table_end_row(table);
    }
    table_print(table, stdout);
}

static int run_test(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "server.test"))
        return call_fail(&call);
    if (!call_printed(&call))
        show_tests(json_get(call.result, "tests"));
    return call_bool(call.result, "ok") ? 0 : 1;
}

static int run_clear(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &call.err,
                        "This removes every host, certificate and private key of the service."))
        return call_fail(&call);
    if (!call_run(&call, "server.clear"))
        return call_fail(&call);
    return call_say(&call, "The service is as it was before server init; its audit trail stays.");
}

static const struct option_entry init_options[] = {
    {"service-name", "NAME", "name of the cluster", OPTION_VALUE, OPTION_NAME, NULL, true, NULL,
     false},
    {"trust", "MODE", "how hosts prove who they are", OPTION_VALUE, OPTION_ANY, modes, true, NULL,
     false},
    {"generate-certificates", NULL, "make self-signed signing and encryption certificates",
     OPTION_FLAG, OPTION_ANY, NULL, true, "certificates", false},
    {"signing-certificate", "FILE", "PFX with the signing certificate", OPTION_VALUE, OPTION_FILE,
     NULL, true, "certificates", false},
    {"encryption-certificate", "FILE", "PFX with the encryption certificate", OPTION_VALUE,
     OPTION_FILE, NULL, false, NULL, false},
    {"password-file", "FILE", "file with the password of both PFX files", OPTION_VALUE, OPTION_FILE,
     NULL, false, NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const char *const init_examples[] = {
    "hgsctl server init --service-name fabric --trust hostkey --generate-certificates",
    "hgsctl server init --service-name fabric --trust tpm --generate-certificates",
    "hgsctl server init --service-name fabric --trust hostkey --signing-certificate s.pfx "
    "--encryption-certificate e.pfx --password-file pw",
    NULL};

static const char *const signer_keys[] = {"rsa2048", "p256", NULL};
static const char *const yes_or_no[] = {"yes", "no", NULL};
static const struct option_entry set_options[] = {
    {"trust", "MODE", "how hosts prove who they are", OPTION_VALUE, OPTION_ANY, modes, false, NULL,
     false},
    {"health-certificate-lifetime", "TIME", "validity of health certificates (8h at first)",
     OPTION_VALUE, OPTION_ANY, NULL, false, NULL, false},
    {"clock-tolerance", "TIME", "how far certificates are backdated (5min at first)", OPTION_VALUE,
     OPTION_ANY, NULL, false, NULL, false},
    {"clock-warning", "TIME",
     "how far a clock may be off before it is told (0, as at first: as the tolerance)",
     OPTION_VALUE, OPTION_ANY, NULL, false, NULL, false},
    {"signer-lifetime", "TIME", "life of attestation signers made from now on (30d at first)",
     OPTION_VALUE, OPTION_ANY, NULL, false, NULL, false},
    {"tpm-exchange", "TIME", "how long an attestation in TPM mode may take (2min at first)",
     OPTION_VALUE, OPTION_ANY, NULL, false, NULL, false},
    {"signer-key", "KEY", "key of attestation signers made from now on (rsa2048 at first)",
     OPTION_VALUE, OPTION_ANY, signer_keys, false, NULL, false},
    {"allow-unprotected-signing-keys", "yes|no",
     "certify signing keys that no TPM protects: SQL clients will trust what they sign",
     OPTION_VALUE, OPTION_ANY, yes_or_no, false, NULL, false},
    {"max-offline-unwraps", "N", "most offline unwraps that a key protector may allow (0 at first)",
     OPTION_VALUE, OPTION_NUMBER, NULL, false, NULL, false},
    {"wait", "SECONDS", "how long to wait for every node (default 10)", OPTION_VALUE, OPTION_NUMBER,
     NULL, false, NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const char *const set_examples[] = {"hgsctl server set --trust tpm --wait 30",
                                           "hgsctl server set --health-certificate-lifetime 4h",
                                           NULL};
static const char *const show_examples[] = {"hgsctl server show", "hgsctl server show --json",
                                            NULL};
static const char *const test_examples[] = {"hgsctl server test", NULL};
static const struct option_entry clear_options[] = {OPTION_ROW_YES, OPTION_ROW_DRY_RUN, OPTION_END};
static const char *const clear_examples[] = {"hgsctl server clear --yes", NULL};

const struct option_command server_commands[] = {
    {"server init", "initialise the service: name, trust, certificates, first signer",
     "Run once, on the first node. With --generate-certificates the service makes self-signed "
     "certificates; otherwise the PFX files go to the keyholder process, past the service.",
     NULL, init_options, init_examples, "Initialize-HgsServer", run_init},
    {"server show", "show URLs, users, mode, nodes, keys, and what is wrong",
     "A node's clock offset is how far its clock is ahead (- is behind) of what else it knows of "
     "time: "
     "what has run since hgsd started, and the newest record of the audit trail when it did.",
     NULL, NULL, show_examples, "Get-HgsServer", run_show},
    {"server set", "change the mode and other settings of the cluster",
     "Returns when every live node enforces them, and names those that do not.", NULL, set_options,
     set_examples, "Set-HgsServer", run_set},
    {"server test", "test keys, signers, certificates, store and audit trail",
     "Signs and decrypts with every private key, and says of each failure how to mend it. "
     "Ends with 1 when a test failed. Warns of what keeps hosts in TPM mode from passing: no root, "
     "no baseline, no ci policy, something staged.",
     NULL, NULL, test_examples, "Test-HgsServer", run_test},
    {"server clear", "remove everything but the audit trail", NULL, NULL, clear_options,
     clear_examples, "Clear-HgsServer", run_clear},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
