/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"
#include "hgsctl/policy_file.h"
#include "hgsctl/policy_judge.h"
#include "hgsctl/policy_show.h"
#include "hgsctl/until.h"

static const char *const profiles[] = {"linux", "windows", NULL};
static const char *const versions[] = {"v1", "v2", NULL};
static const char *const types[] = {"builtin", "baseline", "ci", "dump", NULL};
static const char *const states[] = {"enabled", "disabled", "locked", "staged", NULL};

static void add_text(struct call *call, const char *option, const char *member)
{
    if (option_given(call->values, option))
        json_write_text(&call->writer, member, option_text(call->values, option));
}

static int run_add(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    _cleanup_policy_ struct policy policy = {0};
    _cleanup_buf_ struct buf record;
    buf_init(&record, POLICY_RECORD_MAX);
    call_init(&call, values);
    if (!policy_file_read(&policy, values, &call.err))
        return call_fail(&call);
    policy_format(&record, &policy);
    json_write_raw(&call.writer, "policy", buf_slice(&record));
    add_text(&call, "for", "for");
    if (!buf_ok(&record, policy.name, &call.err) || !until_add(&call) ||
        !call_run(&call, "policy.add"))
        return call_fail(&call);
    call_say(&call, "Policy %s is added%s.", policy.name,
             policy.state == POLICY_STAGED
                 ? " and staged; it takes part after hgsctl policy activate"
                 : "");
    call_warn(&call, call.result);
    return 0;
}

/* "host n1", "set rack1", "all" */
static void for_cell(struct table *table, const struct json *policy)
{
    const struct json *whom = json_get(policy, "for");
    const char *host = call_text(whom, "host"), *set = call_text(whom, "set");
    if (whom == NULL)
        table_cell(table, TABLE_FAINT, "all");
    else
        table_cell(table, TABLE_PLAIN, "%s %s", *host != '\0' ? "host" : "set",
                   *host != '\0' ? host : set);
}

static void state_cell(struct table *table, const struct json *policy)
{
    const char *state = call_text(policy, "state");
    bool counts = strcmp(state, "enabled") == 0 || strcmp(state, "locked") == 0;
    if (json_get(policy, "error") != NULL)
        table_cell(table, TABLE_BAD, "DAMAGED");
    else if (call_bool(policy, "expired"))
        table_cell(table, TABLE_WARNING, "expired");
    else
        table_cell(table, counts ? TABLE_GOOD : TABLE_WARNING, "%s", state);
}

static void list_policy(void *context, const struct json *policy)
{
    struct table *table = context;
    table_cell(table, TABLE_PLAIN, "%s", call_text(policy, "name"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(policy, "type"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(policy, "profile"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(policy, "policy_version"));
    state_cell(table, policy);
    for_cell(table, policy);
    table_cell(table, TABLE_PLAIN, "%s", call_text(policy, "until"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(policy, "strength"));
    table_end_row(table);
}

static int run_list(const struct option_values *values)
{
    const char *const headings[] = {"NAME", "TYPE",  "PROFILE",  "VERSION", "STATE",
                                    "FOR",  "UNTIL", "STRENGTH", NULL};
    _cleanup_call_ struct call call;
    _cleanup_table_ struct table *table = table_new(headings);
    call_init(&call, values);
    if (option_argument(values, 0) != NULL)
        json_write_text(&call.writer, "pattern", option_argument(values, 0));
    add_text(&call, "type", "type");
    add_text(&call, "state", "state");
    if (!call_list(&call, "policy.list", "policies", list_policy, table))
        return call_fail(&call);
    if (!option_json(values))
        table_print(table, stdout);
    return 0;
}

static int run_show(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "name", option_argument(values, 0));
    add_text(&call, "profile", "profile");
    if (!call_run(&call, "policy.show"))
        return call_fail(&call);
    if (call_printed(&call))
        return 0;
    const struct json *policies = json_get(call.result, "policies");
    for (const struct json *it = json_first(policies); it != NULL; it = json_next(it)) {
        if (it != json_first(policies))
            puts("");
        policy_show(it);
    }
    return 0;
}

static int run_switch(const struct option_values *values, const char *operation, const char *word)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *name = option_argument(values, 0);
    json_write_text(&call.writer, "name", name);
    add_text(&call, "profile", "profile");
    if (!call_run(&call, operation))
        return call_fail(&call);
    return call_say(&call, "Policy %s is %s.", name, word);
}

static int run_enable(const struct option_values *values)
{
    return run_switch(values, "policy.enable", "enabled");
}

static int run_disable(const struct option_values *values)
{
    struct error err = {0};
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &err, "Hosts will pass without policy %s.",
                        option_argument(values, 0)))
        return option_fail(values, &err);
    return run_switch(values, "policy.disable", "disabled");
}

static int run_remove(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *name = option_argument(values, 0);
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &call.err, "Hosts that pass only by policy %s will not pass.",
                        name))
        return call_fail(&call);
    json_write_text(&call.writer, "name", name);
    if (!call_run(&call, "policy.remove"))
        return call_fail(&call);
    return call_say(&call, "Policy %s is removed.", name);
}

static size_t count(const struct json *list)
{
    size_t found = 0;
    for (const struct json *it = json_first(list); it != NULL; it = json_next(it))
        found++;
    return found;
}

static int run_activate(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "policy.activate"))
        return call_fail(&call);
    return call_say(&call,
                    "%zu policies and %zu hosts that were staged take part; built-in policies are "
                    "those of functional level %lld.",
                    count(json_get(call.result, "policies")), count(json_get(call.result, "hosts")),
                    (long long)call_integer(call.result, "functional_level"));
}

static const struct option_argument name_argument[] = {
    {"NAME", "the policy's name", OPTION_NAME, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument pattern_argument[] = {
    {"PATTERN", "names to list, with shell wildcards", OPTION_PATTERN, true, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument log_argument[] = {
    {"FILE.tcglog", "the log of a boot", OPTION_FILE, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument logs_arguments[] = {
    {"A.tcglog", "the log of one boot", OPTION_FILE, false, false},
    {"B.tcglog", "the log of the boot after it", OPTION_FILE, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};

#define PROFILE_ROW(text)                                                                  \
    {                                                                                      \
        "profile", "PROFILE", text, OPTION_VALUE, OPTION_ANY, profiles, false, NULL, false \
    }
#define VERSION_ROW                                                                            \
    {                                                                                          \
        "policy-version", "VERSION", "of hosts that it is for (v2 unless said)", OPTION_VALUE, \
            OPTION_ANY, versions, false, NULL, false                                           \
    }
static const struct option_entry add_options[] = {
    {"baseline", "FILE", "a baseline: trust what this log says was booted", OPTION_VALUE,
     OPTION_FILE, NULL, true, "what", false},
    {"pcr", "LIST", "PCRs of the baseline (0,2,4,7 unless said; 4 and 7 must be in it)",
     OPTION_VALUE, OPTION_ANY, NULL, false, NULL, false},
    {"skip-validation", NULL, "take a baseline of a boot that would not pass itself", OPTION_FLAG,
     OPTION_ANY, NULL, false, NULL, false},
    POLICY_FILE_CI_OPTIONS(true),
    {"ci-ima", "FILE", "IMA policy that the host loads", OPTION_VALUE, OPTION_FILE, NULL, true,
     "what", false},
    {"dump", "FILE", "log of a Windows host whose dumps are encrypted to the right key",
     OPTION_VALUE, OPTION_FILE, NULL, true, "what", false},
    {"dump-key-hash", "HEX", "SHA-256 of the key that Windows hosts encrypt dumps to", OPTION_VALUE,
     OPTION_ANY, NULL, true, "what", false},
    PROFILE_ROW("of hosts that a baseline is for (linux unless said)"),
    {"for", "HOST|SET", "only for this host, or this set of hosts (all unless said)", OPTION_VALUE,
     OPTION_ANY, NULL, false, NULL, false},
    VERSION_ROW,
    {"until", "TIME", "its end: a time, or how long (36h, 30d)", OPTION_VALUE, OPTION_ANY, NULL,
     false, NULL, false},
    {"stage", NULL, "takes part only after policy activate", OPTION_FLAG, OPTION_ANY, NULL, false,
     NULL, false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry list_options[] = {
    {"type", "TYPE", "only policies of this type", OPTION_VALUE, OPTION_ANY, types, false, NULL,
     false},
    {"state", "STATE", "only policies in this state", OPTION_VALUE, OPTION_ANY, states, false, NULL,
     false},
    OPTION_END,
};
static const struct option_entry show_options[] = {
    PROFILE_ROW("of a built-in policy that both have"), OPTION_END};
static const struct option_entry enable_options[] = {
    PROFILE_ROW("of a built-in policy that both have (both unless said)"), OPTION_ROW_DRY_RUN,
    OPTION_END};
static const struct option_entry disable_options[] = {
    PROFILE_ROW("of a built-in policy that both have (both unless said)"), OPTION_ROW_YES,
    OPTION_ROW_DRY_RUN, OPTION_END};
static const struct option_entry remove_options[] = {OPTION_ROW_YES, OPTION_ROW_DRY_RUN,
                                                     OPTION_END};
static const struct option_entry activate_options[] = {OPTION_ROW_DRY_RUN, OPTION_END};
static const struct option_entry explain_options[] = {
    {"host", "NAME", "as this host, with the policies that are for it", OPTION_VALUE, OPTION_NAME,
     NULL, false, NULL, false},
    PROFILE_ROW("of a host without a name here (linux unless said)"),
    VERSION_ROW,
    OPTION_END,
};

static const char *const add_examples[] = {
    "hgsctl policy add r650 --baseline r650.tcglog",
    "hgsctl policy add linux-6.12 --ci /boot/EFI/Linux/linux-6.12.efi",
    "hgsctl policy add debian --ci-kernel vmlinuz --ci-cmdline 'root=/dev/sda1 ro'",
    "hgsctl policy add hv-ci --ci SiPolicy.p7b --stage", NULL};
static const char *const list_examples[] = {"hgsctl policy list",
                                            "hgsctl policy list 'r6*' --type baseline",
                                            "hgsctl policy list --state staged", NULL};
static const char *const show_examples[] = {"hgsctl policy show Hgs_SecureBootSettings",
                                            "hgsctl policy show r650", NULL};
static const char *const enable_examples[] = {"hgsctl policy enable Hgs_NoHibernation", NULL};
static const char *const disable_examples[] = {
    "hgsctl policy disable Hgs_IommuEnabled --profile linux --yes", NULL};
static const char *const remove_examples[] = {"hgsctl policy remove r650 --yes", NULL};
static const char *const activate_examples[] = {"hgsctl policy activate", NULL};
static const char *const explain_examples[] = {"hgsctl policy explain n1.tcglog --host n1", NULL};
static const char *const diff_examples[] = {"hgsctl policy diff before.tcglog after.tcglog", NULL};

const struct option_command policy_commands[] = {
    {"policy add", "trust what a host boots: a baseline, a ci policy, a dump key",
     "A host in TPM mode passes with every locked and enabled built-in policy of its profile, one "
     "baseline and one ci policy.\n\nThe files are read here; the service gets what it needs of "
     "them. A unified kernel image has its command line in it, so that one --ci says what runs and "
     "how.",
     name_argument, add_options, add_examples,
     "Add-HgsAttestationTpmPolicy, Add-HgsAttestationCIPolicy, Add-HgsAttestationDumpPolicy",
     run_add},
    {"policy list", "list policies, the built-in ones last", NULL, pattern_argument, list_options,
     list_examples, "Get-HgsAttestationPolicy", run_list},
    {"policy show", "show what a policy requires or trusts",
     "Of a built-in policy: what it requires, what it is decided by, and how strong that is.",
     name_argument, show_options, show_examples, "Get-HgsAttestationPolicy", run_show},
    {"policy enable", "let a policy take part", NULL, name_argument, enable_options,
     enable_examples, "Enable-HgsAttestationPolicy", run_enable},
    {"policy disable", "let a policy take no part",
     "Locked built-in policies refuse: without them a host could pass with any software.",
     name_argument, disable_options, disable_examples, "Disable-HgsAttestationPolicy", run_disable},
    {"policy remove", "forget a policy",
     "A ci policy stays while a baseline has the boot image that it names: without it hosts that "
     "boot another image would fail the baseline. Disable it instead: then no host passes by it.",
     name_argument, remove_options, remove_examples, "Remove-HgsAttestationPolicy", run_remove},
    {"policy activate", "let everything that is staged take part",
     "Policies and hosts that were added with --stage, and built-in policies that an upgrade of "
     "the service brought.",
     NULL, activate_options, activate_examples, NULL, run_activate},
    {"policy explain", "say what each policy makes of a log, event by event",
     "Judges the log as the service would if a TPM proved it. The list of IMA is in no log, so "
     "policies that need it are not evaluated. Ends with 1 when the host would not pass.",
     log_argument, explain_options, explain_examples, NULL, policy_judge_explain},
    {"policy diff", "say in words how two boots differ, PCR by PCR", "Asks no service.",
     logs_arguments, NULL, diff_examples, NULL, policy_judge_diff},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
