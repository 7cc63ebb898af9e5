/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"
#include "hgsctl/policy_file.h"
#include "hgsctl/until.h"

/* "Hgs_SecureBootSettings, Hgs_CiPolicy" */
static void failed_cell(struct table *table, const struct json *boot)
{
    char text[200] = "";
    size_t used = 0;
    for (const struct json *it = json_first(json_get(boot, "reasons"));
         it != NULL && used < sizeof text; it = json_next(it))
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? ", " : "",
                                 call_text(it, "policy"));
    table_cell(table, TABLE_BAD, "%s", json_get(boot, "error") != NULL ? "DAMAGED" : text);
}

static void list_boot(void *context, const struct json *boot)
{
    struct table *table = context;
    table_cell(table, TABLE_PLAIN, "%s", call_text(boot, "host"));
    table_cell(table, TABLE_PLAIN, "%s", call_text(boot, "time"));
    failed_cell(table, boot);
    table_end_row(table);
}

/* What the list may lack. */
static void print_drops(const struct json *result)
{
    if (call_integer(result, "dropped") == 0)
        return;
    printf("\nNot remembered since the service's start, because too many came at once or the "
           "database refused them: %lld boots, the last of host %s at %s.\n  what to do: if it is "
           "not in the list, have the host attest again (hgs host attest)\n",
           (long long)call_integer(result, "dropped"), call_text(result, "dropped_host"),
           call_text(result, "dropped_time"));
}

static int run_list(const struct option_values *values)
{
    const char *const headings[] = {"HOST", "ATTESTED", "FAILED", NULL};
    _cleanup_call_ struct call call;
    _cleanup_table_ struct table *table = table_new(headings);
    call_init(&call, values);
    if (option_argument(values, 0) != NULL)
        json_write_text(&call.writer, "pattern", option_argument(values, 0));
    if (!call_list(&call, "pending.list", "pending", list_boot, table))
        return call_fail(&call);
    if (!option_json(values)) {
        table_print(table, stdout);
        print_drops(call.result);
    }
    return 0;
}

static void print_reasons(const struct json *boot)
{
    for (const struct json *it = json_first(json_get(boot, "reasons")); it != NULL;
         it = json_next(it))
        printf("  %s: %s\n", call_text(it, "policy"), call_text(it, "text"));
}

static void print_differences(const struct json *boot)
{
    const struct json *differences = json_get(boot, "differences");
    if (differences == NULL) {
        puts("\nThere is no boot to compare with that passed and whose log is kept.");
        return;
    }
    printf("\nSince its last good boot (%s):\n", call_text(boot, "last_good"));
    for (const struct json *it = json_first(differences); it != NULL; it = json_next(it))
        printf("  PCR %lld: %s\n", (long long)call_integer(it, "pcr"), call_text(it, "text"));
    if (call_bool(boot, "differences_cut"))
        puts("  …and more.");
}

static void print_boot(const struct json *boot)
{
    printf("%s attested at %s and did not pass:\n", call_text(boot, "host"),
           call_text(boot, "time"));
    print_reasons(boot);
    print_differences(boot);
    if (!call_bool(boot, "proven"))
        puts(
            "\nIt was refused before its TPM had to prove the log, so anybody who knows the host's "
            "endorsement key may have sent this. hgs host attest --what-if tpm on the host makes "
            "it proven. A policy made of it counts only for a boot that the TPM proves.");
}

static int run_show(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_text(&call.writer, "host", option_argument(values, 0));
    if (!call_run(&call, "pending.show"))
        return call_fail(&call);
    if (!call_printed(&call))
        print_boot(call.result);
    return 0;
}

/* The ci policy that goes along: of the profile and version of the host. */
static bool add_ci(struct call *call, const char *version)
{
    _cleanup_policy_ struct policy policy = {.version = POLICY_VERSION_2};
    _cleanup_buf_ struct buf record;
    buf_init(&record, POLICY_RECORD_MAX);
    if (!option_given(call->values, "ci") && !option_given(call->values, "ci-kernel"))
        return true;
    snprintf(policy.name, sizeof policy.name, "%s", option_text(call->values, "policy"));
    policy_version_parse(&policy.version, version);
    if (!policy_name_check(policy.name, &call->err) ||
        !policy_file_read_ci(&policy, call->values, &call->err))
        return false;
    policy_format(&record, &policy);
    json_write_raw(&call->writer, "ci", buf_slice(&record));
    return buf_ok(&record, policy.name, &call->err);
}

static int say_approved(const struct call *call)
{
    const struct json *still = json_first(json_get(call->result, "still_failing"));
    const struct json *policy = json_first(json_get(call->result, "policies"));
    int status = call_say(
        call, "What host %s booted is trusted%s%s.", call_text(call->result, "host"),
        json_get(call->result, "until") != NULL ? " until " : "", call_text(call->result, "until"));
    for (; still != NULL && !option_json(call->values); still = json_next(still))
        printf("%s failed, too, and may still: hgsctl policy show %s\n", json_text(still),
               json_text(still));
    for (; policy != NULL; policy = json_next(policy))
        call_warn(call, policy);
    return status;
}

/* What is approved is what was shown. */
static int run_approve(const struct option_values *values)
{
    char digest[65], version[8];
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *host = option_argument(values, 0);
    json_write_text(&call.writer, "host", host);
    if (!call_run(&call, "pending.show"))
        return call_fail(&call);
    snprintf(digest, sizeof digest, "%s", call_text(call.result, "digest"));
    snprintf(version, sizeof version, "%s", call_text(call.result, "policy_version"));
    if (!option_json(values))
        print_boot(call.result);
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &call.err, "Host %s will be trusted with this.", host))
        return call_fail(&call);
    call_again(&call);
    json_write_text(&call.writer, "host", host);
    json_write_text(&call.writer, "digest", digest);
    json_write_text(&call.writer, "policy", option_text(values, "policy"));
    if (!until_add(&call) || !add_ci(&call, version) || !call_run(&call, "pending.approve"))
        return call_fail(&call);
    return say_approved(&call);
}

static int run_remove(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *host = option_argument(values, 0);
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &call.err, "What host %s booted will not be looked at.", host))
        return call_fail(&call);
    json_write_text(&call.writer, "host", host);
    if (!call_run(&call, "pending.remove"))
        return call_fail(&call);
    return call_say(&call, "Nothing of host %s is pending.", host);
}

static const struct option_argument host_argument[] = {
    {"HOST", "the host's name", OPTION_NAME, false, false}, {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument pattern_argument[] = {
    {"PATTERN", "hosts to list, with shell wildcards", OPTION_PATTERN, true, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_entry approve_options[] = {
    {"policy", "NAME", "name of the policy that is made of it", OPTION_VALUE, OPTION_NAME, NULL,
     true, NULL, false},
    {"until", "TIME", "end of the approval: a time, or how long (36h, 30d)", OPTION_VALUE,
     OPTION_ANY, NULL, false, NULL, false},
    POLICY_FILE_CI_OPTIONS(false),
    OPTION_ROW_YES,
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry remove_options[] = {OPTION_ROW_YES, OPTION_ROW_DRY_RUN,
                                                     OPTION_END};
static const char *const remove_examples[] = {"hgsctl pending remove n1 --yes", NULL};
static const char *const list_examples[] = {"hgsctl pending list", NULL};
static const char *const show_examples[] = {"hgsctl pending show n1", NULL};
static const char *const approve_examples[] = {
    "hgsctl pending approve n1 --policy n1-firmware-2.4 --until 30d",
    "hgsctl pending approve n1 --policy n1-new-kernel --ci linux-6.13.efi", NULL};

const struct option_command pending_commands[] = {
    {"pending list", "list hosts whose last boot did not pass",
     "Says also when boots were not remembered, because too many came at once: their hosts are in "
     "the list once they attest again.",
     pattern_argument, NULL, list_examples, NULL, run_list},
    {"pending show", "show why a boot did not pass, and how it differs from the last good one",
     NULL, host_argument, NULL, show_examples, NULL, run_show},
    {"pending approve", "trust what a host booted, for this host alone",
     "Makes a baseline of the boot that is pending, bound to the host, as after an update of its "
     "firmware: of PCRs 0, 2, 4 and 7, and of those that all of its baselines look at. With "
     "--until the approval ends by itself, and the health certificates issued by it "
     "with it.\n\nWhere code integrity failed, name "
     "what the host boots: a log does not hold enough of an image to make a policy of it.",
     host_argument, approve_options, approve_examples, NULL, run_approve},
    {"pending remove", "forget a boot that did not pass",
     "It is remembered again when the host attests with it again.", host_argument, remove_options,
     remove_examples, NULL, run_remove},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
