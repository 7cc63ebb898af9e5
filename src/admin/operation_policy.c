/* SPDX-License-Identifier: Apache-2.0 */

/* Policies of TPM mode: adding, looking, removing. Their states: operation_policy_state.c. */

#include <stdio.h>

#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/page.h"
#include "admin/policy_brief.h"
#include "admin/policy_needs.h"
#include "admin/policy_request.h"
#include "admin/policy_store.h"
#include "base/memory.h"

bool operation_policy_add(struct admin_request *request, struct json_writer *result,
                          struct error *err)
{
    _cleanup_policy_ struct policy policy = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, POLICY_RECORD_MAX);
    if (!policy_request_read(&policy, request, "policy", err))
        return false;
    policy_format(&value, &policy);
    struct store_change put = {.kind = STORE_POLICY,
                               .key = policy.name,
                               .value = buf_slice(&value),
                               .expected = STORE_ABSENT};
    if (!buf_ok(&value, policy.name, err) ||
        !policy_request_commit(request, "policy.added", &policy, 1, &put, 1, err))
        return false;
    policy_brief_write(result, &policy, SLICE_EMPTY, clock_now(request->services->clock));
    return true;
}

/* What `policy list` should list. */
struct listing {
    const struct admin_request *request;
    struct json_writer *result;
    struct admin_page page;
    const char *type, *state; /* NULL: any */
    const struct policy_set *set;
};

static bool wanted(const struct listing *listing, const char *name, enum policy_kind kind,
                   enum policy_state state)
{
    return admin_page_matches(&listing->page, name) &&
           (listing->type == NULL || strcmp(listing->type, policy_kind_name(kind)) == 0) &&
           (listing->state == NULL || strcmp(listing->state, policy_state_name(state)) == 0);
}

static void write_damaged(struct json_writer *result, const char *key, const struct error *damaged)
{
    json_write_object(result, NULL);
    json_write_text(result, "name", key);
    json_write_error(result, "error", damaged);
    json_write_object_end(result);
}

/* Policies of administrators; the built-in ones' records are found by their names. */
static bool list_stored(void *context, const struct store_record *record, struct error *err)
{
    struct listing *listing = context;
    struct error damaged;
    _cleanup_policy_ struct policy policy = {0};
    (void)err;
    bool readable = policy_parse(&policy, record->value, &damaged);
    if (readable &&
        (policy.kind == POLICY_BUILTIN || !wanted(listing, policy.name, policy.kind, policy.state)))
        return true;
    if (!admin_page_take(&listing->page, record->key))
        return false;
    if (readable)
        policy_brief_write(listing->result, &policy, SLICE_EMPTY,
                           clock_now(listing->request->services->clock));
    else
        write_damaged(listing->result, record->key, &damaged);
    return true;
}

static bool list_builtins(const struct listing *listing, enum eventlog_profile profile,
                          struct error *err)
{
    size_t count;
    const struct builtin *table = builtin_table(profile, &count);
    for (size_t i = 0; i < count; i++) {
        int64_t revision;
        struct policy stored;
        _cleanup_buf_ struct buf value;
        buf_init(&value, STORE_VALUE_MAX);
        enum policy_state state = policy_set_builtin_state(listing->set, profile, table[i].policy);
        if (!wanted(listing, table[i].name, POLICY_BUILTIN, state))
            continue;
        if (!policy_store_load_builtin(&stored, &value, &revision,
                                       listing->request->services->store, &table[i], profile, err))
            return false;
        policy_brief_write_builtin(listing->result, &table[i], profile, state,
                                   revision != STORE_ABSENT ? &stored : NULL);
    }
    return true;
}

/* The built-in ones stand behind all others. */
static bool list_all(struct listing *listing, struct error *err)
{
    json_write_object(listing->result, NULL);
    json_write_array(listing->result, "policies");
    bool ok = store_list(listing->request->services->store, STORE_POLICY, listing->page.after, 0,
                         list_stored, listing, NULL, err) &&
              (listing->page.more || (list_builtins(listing, EVENTLOG_PROFILE_LINUX, err) &&
                                      list_builtins(listing, EVENTLOG_PROFILE_WINDOWS, err)));
    json_write_array_end(listing->result);
    admin_page_write(listing->result, &listing->page);
    json_write_object_end(listing->result);
    return ok;
}

bool operation_policy_list(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    struct listing listing = {.request = request, .result = result};
    if (!admin_page_read(&listing.page, request, err) ||
        !json_get_text_or(&listing.type, request->arguments, "type", NULL, err) ||
        !json_get_text_or(&listing.state, request->arguments, "state", NULL, err))
        return false;
    struct attestation_policies *policies = attestation_policies(request->services->attestation);
    listing.set = policies->set;
    bool ok = list_all(&listing, err);
    attestation_policies_release(&policies);
    return ok;
}

static bool show_builtins(struct json_writer *result, const struct admin_request *request,
                          const char *name, struct error *err)
{
    const struct builtin *builtins[POLICY_STORE_PROFILES];
    if (!policy_store_find_builtins(builtins, request, name, err))
        return false;
    bool ok = true;
    struct attestation_policies *policies = attestation_policies(request->services->attestation);
    for (int i = POLICY_STORE_PROFILES - 1; ok && i >= 0; i--) {
        enum eventlog_profile profile = (enum eventlog_profile)i;
        int64_t revision;
        struct policy stored;
        _cleanup_buf_ struct buf value;
        buf_init(&value, STORE_VALUE_MAX);
        if (builtins[i] == NULL)
            continue;
        ok = policy_store_load_builtin(&stored, &value, &revision, request->services->store,
                                       builtins[i], profile, err);
        if (ok)
            policy_brief_write_builtin(
                result, builtins[i], profile,
                policy_set_builtin_state(policies->set, profile, builtins[i]->policy),
                revision != STORE_ABSENT ? &stored : NULL);
    }
    attestation_policies_release(&policies);
    return ok;
}

bool operation_policy_show(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    const char *name;
    bool ok;
    if (!admin_request_name(&name, request, err))
        return false;
    json_write_object(result, NULL);
    json_write_array(result, "policies");
    if (policy_store_is_builtin(name)) {
        ok = show_builtins(result, request, name, err);
    } else {
        int64_t revision;
        _cleanup_policy_ struct policy policy = {0};
        _cleanup_buf_ struct buf value;
        buf_init(&value, STORE_VALUE_MAX);
        ok = policy_store_load(&policy, &value, &revision, request, name, err);
        if (ok)
            policy_brief_write(result, &policy, buf_slice(&value),
                               clock_now(request->services->clock));
    }
    json_write_array_end(result);
    json_write_object_end(result);
    return ok;
}

static bool check_unneeded(const struct admin_request *request, const struct policy *policy,
                           struct error *err)
{
    struct attestation_policies *policies = attestation_policies(request->services->attestation);
    bool ok = policy_needs_check(policies->set, policy, clock_now(request->services->clock), err);
    attestation_policies_release(&policies);
    return ok;
}

bool operation_policy_remove(struct admin_request *request, struct json_writer *result,
                             struct error *err)
{
    const char *name;
    int64_t revision = STORE_ABSENT;
    _cleanup_policy_ struct policy policy = {0};
    _cleanup_buf_ struct buf value, before;
    buf_init(&value, STORE_VALUE_MAX);
    buf_init(&before, STORE_VALUE_MAX);
    if (!admin_request_name(&name, request, err))
        return false;
    if (policy_store_is_builtin(name))
        return error_set(err, &admin_builtin, NULL, name, "it is built in");
    /* A damaged record can be removed: that is how it is mended. */
    if (!policy_store_load(&policy, &value, &revision, request, name, err) &&
        (value.size == 0 || revision == STORE_ABSENT))
        return false;
    if (policy.name[0] != '\0' && !check_unneeded(request, &policy, err))
        return false;
    if (policy.name[0] != '\0')
        policy_brief_format(&before, &policy, buf_slice(&value),
                            clock_now(request->services->clock));
    _cleanup_free_ char *object = memory_format("policy %s", name);
    struct store_change remove = {
        .kind = STORE_POLICY, .key = name, .remove = true, .expected = revision};
    struct admin_change change = {"policy.removed", object,  buf_slice(&before),
                                  SLICE_EMPTY,      &remove, 1};
    if (!admin_change_commit(request, &change, err))
        return false;
    json_write_object(result, NULL);
    json_write_object_end(result);
    return true;
}
