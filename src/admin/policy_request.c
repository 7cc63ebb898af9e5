/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/policy_request.h"

#include <stdio.h>

#include "admin/change.h"
#include "admin/errors.h"
#include "admin/policy_brief.h"
#include "admin/tpm_mode.h"
#include "attestation/host.h"
#include "base/memory.h"
#include "base/plain_name.h"

/* Looks for a set among the hosts. */
struct search {
    const char *name;
    bool found;
};

static bool find_set(void *context, const struct store_record *record, struct error *err)
{
    struct search *search = context;
    struct error damaged;
    _cleanup_attestation_host_ struct attestation_host host = {0};
    (void)err;
    if (!attestation_host_parse(&host, record->value, &damaged))
        return true;
    for (size_t i = 0; i < host.tpm.set_count; i++)
        search->found = search->found || strcmp(host.tpm.sets[i], search->name) == 0;
    return !search->found;
}

static bool find_host(bool *found, struct store *store, const char *name, struct error *err)
{
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    *found = store_get(store, STORE_HOST, name, &value, NULL, err);
    return *found || error_kind(err) == ERROR_NOT_FOUND;
}

static bool unknown(struct error *err, const char *name, const char *what)
{
    return error_set(err, &admin_policy_for, NULL, name, "%s", what);
}

/* A name without "host:" or "set:". */
static bool guess(enum policy_scope *scope, struct store *store, const char *name,
                  struct error *err)
{
    bool is_host;
    struct search set = {name, false};
    if (!find_host(&is_host, store, name, err) || !tpm_mode_hosts(store, find_set, &set, err))
        return false;
    *scope = is_host ? POLICY_FOR_HOST : POLICY_FOR_SET;
    if (is_host && set.found)
        return unknown(err, name, "there is a host and a set of this name");
    return is_host || set.found || unknown(err, name, "there is no host and no set of this name");
}

bool policy_request_scope(struct policy *policy, const struct admin_request *request,
                          struct error *err)
{
    struct store *store = request->services->store;
    const char *name;
    bool found = true;
    if (!json_get_text_or(&name, request->arguments, "for", NULL, err))
        return false;
    if (name == NULL)
        return true;
    if (strncmp(name, "host:", 5) == 0) {
        name += 5;
        policy->scope = POLICY_FOR_HOST;
        if (!find_host(&found, store, name, err))
            return false;
        if (!found)
            return unknown(err, name, "there is no host of this name");
    } else if (strncmp(name, "set:", 4) == 0) {
        name += 4;
        policy->scope = POLICY_FOR_SET;
    } else if (!guess(&policy->scope, store, name, err)) {
        return false;
    }
    if (!plain_name_valid(name, PLAIN_NAME_SIZE))
        return unknown(err, name, "it is neither a host's nor a set's name");
    snprintf(policy->scope_name, sizeof policy->scope_name, "%s", name);
    return true;
}

bool policy_request_until(int64_t *until, const struct admin_request *request, struct error *err)
{
    const char *text;
    *until = 0;
    if (!json_get_text_or(&text, request->arguments, "until", NULL, err))
        return false;
    if (text == NULL)
        return true;
    if (!clock_parse(until, text, err))
        return false;
    return *until > clock_now(request->services->clock) ||
           error_set(err, &admin_argument, "hgsctl(8)", text, "this time has passed");
}

static bool check(const struct policy *policy, struct error *err)
{
    bool good = policy->kind != POLICY_BUILTIN && policy->scope == POLICY_FOR_ALL &&
                policy->until == 0 &&
                (policy->state == POLICY_ENABLED || policy->state == POLICY_STAGED);
    return good || error_set(err, &admin_argument, "hgsctl(8)", policy->name,
                             "an administrator adds baselines, ci and dump policies, enabled or "
                             "staged");
}

bool policy_request_read(struct policy *out, const struct admin_request *request,
                         const char *member, struct error *err)
{
    const struct json *record;
    int64_t until;
    _cleanup_policy_ struct policy policy = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, POLICY_RECORD_MAX);
    if (!json_get_object(&record, request->arguments, member, err))
        return false;
    json_append(&value, record);
    if (!buf_ok(&value, member, err) || !policy_parse(&policy, buf_slice(&value), err) ||
        !check(&policy, err) || !policy_request_scope(&policy, request, err) ||
        !policy_request_until(&until, request, err))
        return false;
    policy.until = until;
    policy.added = clock_now(request->services->clock);
    snprintf(policy.added_by, sizeof policy.added_by, "%s", request->caller->name);
    *out = policy;
    policy = (struct policy){0}; /* *out owns it */
    return true;
}

/* One policy as it is, several as an array. */
static void format_after(struct buf *out, const struct policy *policies, size_t policy_count,
                         const struct store_change *changes, int64_t now)
{
    for (size_t i = 0; i < policy_count; i++) {
        if (policy_count > 1)
            buf_append_text(out, i == 0 ? "[" : ",");
        policy_brief_format(out, &policies[i], changes[i].value, now);
    }
    if (policy_count > 1)
        buf_append_text(out, "]");
}

bool policy_request_commit(const struct admin_request *request, const char *event,
                           const struct policy *policies, size_t policy_count,
                           const struct store_change *changes, size_t count, struct error *err)
{
    _cleanup_buf_ struct buf after;
    buf_init(&after, STORE_VALUE_MAX);
    format_after(&after, policies, policy_count, changes, clock_now(request->services->clock));
    _cleanup_free_ char *object = memory_format("policy %s", policies->name);
    struct admin_change change = {event, object, SLICE_EMPTY, buf_slice(&after), changes, count};
    if (admin_change_commit(request, &change, err))
        return true;
    if (error_kind(err) == ERROR_CONFLICT) {
        struct error conflict = *err; /* whose object is the key, and so the name */
        error_set(err, &admin_exists, NULL, conflict.object,
                  "a policy of this name was added already");
    }
    return false;
}
