/* SPDX-License-Identifier: Apache-2.0 */

/* Boots that failed their policies: looking at them, and trusting them from now on. */

#include <stdio.h>
#include <stdlib.h>

#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/page.h"
#include "admin/policy_request.h"
#include "admin/tpm_mode.h"
#include "attestation/host.h"
#include "attestation/pending.h"
#include "base/hex.h"
#include "base/memory.h"
#include "eventlog/difference.h"
#include "policy/code_integrity.h"

#define COMPARED_PCRS 0xFFFFu
#define BASELINE_POLICY "Hgs_SecureBootSettings"
#define CI_POLICY "Hgs_CiPolicy"

static void write_time(struct json_writer *writer, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    json_write_text(writer, name, clock_format(time, text));
}

/* What is known of a boot without looking into its log. */
static void write_boot(struct json_writer *result, const struct attestation_boot *boot)
{
    json_write_text(result, "host", boot->host);
    write_time(result, "time", boot->time);
    json_write_hex(result, "digest", slice_of(boot->digest, sizeof boot->digest));
    json_write_text(result, "profile", policy_profile_name(boot->profile));
    json_write_text(result, "policy_version", policy_version_name(boot->version));
    json_write_bool(result, "proven", boot->proven);
    json_write_bool(result, "has_log", boot->log.size > 0);
    json_write_array(result, "reasons");
    for (size_t i = 0; i < boot->reason_count; i++) {
        json_write_object(result, NULL);
        json_write_text(result, "policy", boot->reasons[i].policy);
        json_write_text(result, "result", verdict_result_name(boot->reasons[i].result));
        json_write_text(result, "text", boot->reasons[i].text);
        json_write_object_end(result);
    }
    json_write_array_end(result);
}

struct listing {
    struct json_writer *result;
    struct admin_page page;
};

static bool list_one(void *context, const struct store_record *record, struct error *err)
{
    struct listing *listing = context;
    struct error damaged;
    _cleanup_attestation_boot_ struct attestation_boot boot = {0};
    (void)err;
    if (!admin_page_matches(&listing->page, record->key))
        return true;
    if (!admin_page_take(&listing->page, record->key))
        return false;
    json_write_object(listing->result, NULL);
    if (attestation_boot_parse(&boot, record->value, &damaged)) {
        write_boot(listing->result, &boot);
    } else {
        json_write_text(listing->result, "host", record->key);
        json_write_error(listing->result, "error", &damaged);
    }
    json_write_object_end(listing->result);
    return true;
}

bool operation_pending_list(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    struct listing listing = {.result = result};
    struct attestation_pending_drops drops;
    if (!admin_page_read(&listing.page, request, err))
        return false;
    json_write_object(result, NULL);
    json_write_array(result, "pending");
    bool ok = store_list(request->services->store, STORE_PENDING, listing.page.after, 0, list_one,
                         &listing, NULL, err);
    json_write_array_end(result);
    admin_page_write(result, &listing.page);
    attestation_boots_dropped(request->services->attestation, &drops);
    tpm_mode_write_drops(result, &drops);
    json_write_object_end(result);
    return ok;
}

/* Argument "host". */
static bool load(struct attestation_boot *boot, const char **host,
                 const struct admin_request *request, struct error *err)
{
    return json_get_text(host, request->arguments, "host", err) &&
           attestation_boot_load_pending(boot, request->services->store, *host, err);
}

static void write_differences(struct json_writer *result, const struct eventlog *now,
                              const struct eventlog *was, enum digest_algorithm bank)
{
    _cleanup_eventlog_differences_ struct eventlog_differences differences = {0};
    eventlog_compare(&differences, now, was, bank, COMPARED_PCRS);
    json_write_array(result, "differences");
    for (uint32_t i = 0; i < differences.count; i++) {
        json_write_object(result, NULL);
        json_write_integer(result, "pcr", differences.list[i].pcr);
        json_write_text(result, "text", differences.list[i].text);
        json_write_object_end(result);
    }
    json_write_array_end(result);
    json_write_bool(result, "differences_cut", differences.is_cut);
}

/* How it differs from the last boot that passed, where there is one and both logs are kept. */
static void compare(struct json_writer *result, const struct attestation_boot *boot,
                    struct store *store)
{
    struct error ignored;
    _cleanup_attestation_boot_ struct attestation_boot last = {0};
    _cleanup_eventlog_ struct eventlog now = {0}, was = {0};
    if (!attestation_boot_load_last(&last, store, boot->host, &ignored))
        return;
    write_time(result, "last_good", last.time);
    if (last.bank == boot->bank && eventlog_parse(&now, buf_slice(&boot->log), &ignored) &&
        eventlog_parse(&was, buf_slice(&last.log), &ignored))
        write_differences(result, &now, &was, boot->bank);
}

bool operation_pending_show(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    const char *host;
    _cleanup_attestation_boot_ struct attestation_boot boot = {0};
    if (!load(&boot, &host, request, err))
        return false;
    json_write_object(result, NULL);
    write_boot(result, &boot);
    compare(result, &boot, request->services->store);
    json_write_object_end(result);
    return true;
}

static bool failed(const struct attestation_boot *boot, const char *policy)
{
    for (size_t i = 0; i < boot->reason_count; i++)
        if (strcmp(boot->reasons[i].policy, policy) == 0)
            return true;
    return false;
}

/* Between looking and approving the host may have booted something else. */
static bool check_digest(const struct attestation_boot *boot, const struct admin_request *request,
                         struct error *err)
{
    const char *digest;
    char here[2 * sizeof boot->digest + 1];
    hex_format(slice_of(boot->digest, sizeof boot->digest), here);
    if (!json_get_text_or(&digest, request->arguments, "digest", here, err))
        return false;
    return strcmp(digest, here) == 0 ||
           error_set(err, &admin_pending_changed, NULL, boot->host,
                     "another boot is pending than the one that was looked at");
}

/* A baseline of the boot, a ci policy that came with the request, or both. */
struct approval {
    const struct admin_request *request;
    const struct attestation_boot *boot;
    const char *name;
    int64_t until;
    struct policy policies[2];
    struct buf values[2];
    struct store_change changes[3];
    size_t count; /* of policies */
};

static void approval_done(struct approval *approval)
{
    for (size_t i = 0; i < 2; i++) {
        policy_done(&approval->policies[i]);
        buf_done(&approval->values[i]);
    }
}

static void add_policy(struct approval *approval)
{
    size_t place = approval->count++;
    policy_format(&approval->values[place], &approval->policies[place]);
    approval->changes[place] = (struct store_change){.kind = STORE_POLICY,
                                                     .key = approval->policies[place].name,
                                                     .value = buf_slice(&approval->values[place]),
                                                     .expected = STORE_ABSENT};
}

/* An approval looks at no less than the baselines that the host would pass with. */
static bool choose_pcrs(uint32_t *pcrs, const struct approval *approval, struct error *err)
{
    const struct admin_services *services = approval->request->services;
    struct policy_subject subject;
    _cleanup_attestation_host_ struct attestation_host host = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!store_get(services->store, STORE_HOST, approval->boot->host, &value, NULL, err) ||
        !attestation_host_parse(&host, buf_slice(&value), err))
        return false;
    attestation_tpm_host_subject(&subject, &host.tpm, host.name);
    struct attestation_policies *policies = attestation_policies(services->attestation);
    *pcrs = BASELINE_PCRS_DEFAULT |
            policy_pcrs_compared(policies->set, &subject, clock_now(services->clock));
    attestation_policies_release(&policies);
    return true;
}

static bool add_baseline(struct approval *approval, struct error *err)
{
    const struct admin_request *request = approval->request;
    uint32_t pcrs;
    if (!failed(approval->boot, BASELINE_POLICY))
        return true;
    if (!choose_pcrs(&pcrs, approval, err) ||
        !attestation_pending_policy(
            &approval->policies[approval->count], approval->boot, pcrs, approval->name,
            approval->until, clock_now(request->services->clock), request->caller->name, err))
        return false;
    add_policy(approval);
    return true;
}

/* Argument "ci": a log does not hold enough of an image to make a policy of it, so hgsctl reads the
 * image itself. Its name and whom it is for are the approval's. */
static bool add_ci(struct approval *approval, struct error *err)
{
    const struct admin_request *request = approval->request;
    struct policy *policy = &approval->policies[approval->count];
    if (json_get(request->arguments, "ci") == NULL)
        return true;
    if (!policy_request_read(policy, request, "ci", err))
        return false;
    if (policy->kind != POLICY_CI || policy->profile != approval->boot->profile ||
        policy->version != approval->boot->version)
        return error_set(err, &admin_argument, "hgsctl(8)", approval->name,
                         "the host needs a ci policy for %s hosts of version %s",
                         policy_profile_name(approval->boot->profile),
                         policy_version_name(approval->boot->version));
    policy->scope = POLICY_FOR_HOST;
    snprintf(policy->scope_name, sizeof policy->scope_name, "%s", approval->boot->host);
    int size = snprintf(policy->name, sizeof policy->name, "%s%s", approval->name,
                        approval->count > 0 ? "-ci" : "");
    if (size >= (int)sizeof policy->name)
        return error_set(err, &admin_argument, "hgsctl(8)", approval->name,
                         "the name is too long for two policies");
    add_policy(approval);
    return true;
}

static bool check_made(const struct approval *approval, struct error *err)
{
    if (approval->count > 0)
        return true;
    if (failed(approval->boot, CI_POLICY))
        return error_set(err, &admin_pending_remedy, NULL, approval->boot->host,
                         "its code integrity failed, and its log does not hold enough to make a "
                         "policy of: name what it boots with --ci FILE, or --ci-kernel and "
                         "--ci-cmdline");
    return error_set(err, &admin_pending_remedy, NULL, approval->boot->host,
                     "what failed is %s, which no baseline makes good",
                     approval->boot->reason_count > 0 ? approval->boot->reasons[0].policy
                                                      : "not known");
}

/* All in one commit: half of an approval helps nobody. */
static bool commit(struct approval *approval, struct error *err)
{
    approval->changes[approval->count] = (struct store_change){
        .kind = STORE_PENDING, .key = approval->boot->host, .remove = true, .expected = STORE_ANY};
    return policy_request_commit(approval->request, "pending.approved", approval->policies,
                                 approval->count, approval->changes, approval->count + 1, err);
}

static void write_approval(struct json_writer *result, const struct approval *approval)
{
    json_write_object(result, NULL);
    json_write_text(result, "host", approval->boot->host);
    json_write_array(result, "policies");
    for (size_t i = 0; i < approval->count; i++) {
        const struct policy *policy = &approval->policies[i];
        const char *warning =
            policy->kind == POLICY_CI ? code_integrity_warning(&policy->ci) : NULL;
        json_write_object(result, NULL);
        json_write_text(result, "name", policy->name);
        json_write_text(result, "type", policy_kind_name(policy->kind));
        if (warning != NULL)
            json_write_text(result, "warning", warning);
        json_write_object_end(result);
    }
    json_write_array_end(result);
    if (approval->until != 0)
        write_time(result, "until", approval->until);
    bool ci = approval->policies[approval->count - 1].kind == POLICY_CI;
    json_write_array(result, "still_failing");
    for (size_t i = 0; i < approval->boot->reason_count; i++) {
        const char *policy = approval->boot->reasons[i].policy;
        if (strcmp(policy, BASELINE_POLICY) != 0 && (!ci || strcmp(policy, CI_POLICY) != 0))
            json_write_text(result, NULL, policy);
    }
    json_write_array_end(result);
    json_write_object_end(result);
}

static bool approve(struct approval *approval, struct error *err)
{
    return policy_request_until(&approval->until, approval->request, err) &&
           add_baseline(approval, err) && add_ci(approval, err) && check_made(approval, err) &&
           commit(approval, err);
}

bool operation_pending_approve(struct admin_request *request, struct json_writer *result,
                               struct error *err)
{
    const char *host;
    _cleanup_attestation_boot_ struct attestation_boot boot = {0};
    struct approval *approval = memory_allocate_zero(1, sizeof *approval); /* large */
    approval->request = request;
    approval->boot = &boot;
    for (size_t i = 0; i < 2; i++)
        buf_init(&approval->values[i], POLICY_RECORD_MAX);
    bool ok = load(&boot, &host, request, err) && check_digest(&boot, request, err) &&
              json_get_text(&approval->name, request->arguments, "policy", err) &&
              approve(approval, err);
    if (ok)
        write_approval(result, approval);
    approval_done(approval);
    free(approval);
    return ok;
}

bool operation_pending_remove(struct admin_request *request, struct json_writer *result,
                              struct error *err)
{
    const char *host;
    int64_t revision = 0;
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!json_get_text(&host, request->arguments, "host", err))
        return false;
    if (!store_get(request->services->store, STORE_PENDING, host, &value, &revision, err)) {
        if (error_kind(err) == ERROR_NOT_FOUND)
            error_set(err, &admin_not_found, NULL, host, "no boot of this host is pending");
        return false;
    }
    _cleanup_free_ char *object = memory_format("pending boot of host %s", host);
    struct store_change remove = {
        .kind = STORE_PENDING, .key = host, .remove = true, .expected = revision};
    struct admin_change change = {"pending.removed", object, SLICE_EMPTY, SLICE_EMPTY, &remove, 1};
    if (!admin_change_commit(request, &change, err))
        return false;
    json_write_object(result, NULL);
    json_write_object_end(result);
    return true;
}
