/* SPDX-License-Identifier: Apache-2.0 */

/* policy.enable, policy.disable, policy.activate: which policies take part. */

#include <stdio.h>

#include "admin/batch.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/policy_store.h"
#include "admin/tpm_mode.h"
#include "attestation/host.h"
#include "attestation/settings.h"
#include "base/memory.h"
#include "policy/errors.h"

/* One change of state: of a policy of an administrator, or of a built-in one in each profile. */
struct switching {
    struct store_change changes[POLICY_STORE_PROFILES];
    char keys[POLICY_STORE_PROFILES][POLICY_KEY_SIZE];
    struct buf values[POLICY_STORE_PROFILES];
    size_t count;
    struct buf before, after; /* for the audit trail */
    struct json_writer before_writer, after_writer;
};

static void switching_init(struct switching *switching)
{
    *switching = (struct switching){0};
    for (int i = 0; i < POLICY_STORE_PROFILES; i++)
        buf_init(&switching->values[i], POLICY_RECORD_MAX);
    buf_init(&switching->before, STORE_VALUE_MAX);
    buf_init(&switching->after, STORE_VALUE_MAX);
    json_writer_init(&switching->before_writer, &switching->before);
    json_writer_init(&switching->after_writer, &switching->after);
    json_write_array(&switching->before_writer, NULL);
    json_write_array(&switching->after_writer, NULL);
}

static void switching_done(struct switching *switching)
{
    for (int i = 0; i < POLICY_STORE_PROFILES; i++)
        buf_done(&switching->values[i]);
    buf_done(&switching->before);
    buf_done(&switching->after);
}

static void note_state(struct json_writer *writer, const struct policy *policy,
                       enum policy_state state)
{
    json_write_object(writer, NULL);
    json_write_text(writer, "name", policy->name);
    json_write_text(writer, "profile", policy_profile_name(policy->profile));
    json_write_text(writer, "state", policy_state_name(state));
    json_write_object_end(writer);
}

static void add_switch(struct switching *switching, struct policy *policy, enum policy_state was,
                       int64_t revision)
{
    size_t place = switching->count++;
    note_state(&switching->before_writer, policy, was);
    note_state(&switching->after_writer, policy, policy->state);
    policy_format(&switching->values[place], policy);
    switching->changes[place] =
        (struct store_change){.kind = STORE_POLICY,
                              .key = policy_key(policy, switching->keys[place]),
                              .value = buf_slice(&switching->values[place]),
                              .expected = revision};
}

static bool check_switch(const char *name, enum policy_state was, enum policy_state state,
                         struct error *err)
{
    if (was == POLICY_LOCKED && state == POLICY_DISABLED)
        return error_set(err, &policy_locked, NULL, name, "it is locked");
    if (was == POLICY_STAGED && state == POLICY_ENABLED)
        return error_set(err, &admin_staged, NULL, name, "it is staged");
    return true;
}

static bool switch_builtins(struct switching *switching, const struct admin_request *request,
                            const char *name, enum policy_state state, struct error *err)
{
    const struct builtin *builtins[POLICY_STORE_PROFILES];
    if (!policy_store_find_builtins(builtins, request, name, err))
        return false;
    bool ok = true;
    struct attestation_policies *policies = attestation_policies(request->services->attestation);
    for (int i = 0; ok && i < POLICY_STORE_PROFILES; i++) {
        enum eventlog_profile profile = (enum eventlog_profile)i;
        int64_t revision;
        struct policy stored;
        _cleanup_buf_ struct buf value;
        buf_init(&value, STORE_VALUE_MAX);
        if (builtins[i] == NULL)
            continue;
        enum policy_state was =
            policy_set_builtin_state(policies->set, profile, builtins[i]->policy);
        ok = check_switch(builtins[i]->name, was, state, err) &&
             policy_store_load_builtin(&stored, &value, &revision, request->services->store,
                                       builtins[i], profile, err);
        if (!ok || was == POLICY_LOCKED)
            continue; /* locked is enabled already */
        stored.state = state;
        stored.added = clock_now(request->services->clock);
        snprintf(stored.added_by, sizeof stored.added_by, "%s", request->caller->name);
        add_switch(switching, &stored, was, revision);
    }
    attestation_policies_release(&policies);
    return ok;
}

static bool switch_stored(struct switching *switching, const struct admin_request *request,
                          const char *name, enum policy_state state, struct error *err)
{
    int64_t revision;
    _cleanup_policy_ struct policy policy = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!policy_store_load(&policy, &value, &revision, request, name, err) ||
        !check_switch(name, policy.state, state, err))
        return false;
    enum policy_state was = policy.state;
    policy.state = state;
    add_switch(switching, &policy, was, revision);
    return true;
}

static bool commit_switch(struct switching *switching, const struct admin_request *request,
                          const char *name, enum policy_state state, struct error *err)
{
    json_write_array_end(&switching->before_writer);
    json_write_array_end(&switching->after_writer);
    _cleanup_free_ char *object = memory_format("policy %s", name);
    struct admin_change change = {state == POLICY_ENABLED ? "policy.enabled" : "policy.disabled",
                                  object,
                                  buf_slice(&switching->before),
                                  buf_slice(&switching->after),
                                  switching->changes,
                                  switching->count};
    return switching->count == 0 || admin_change_commit(request, &change, err);
}

static bool switch_to(struct admin_request *request, struct json_writer *result,
                      enum policy_state state, struct error *err)
{
    const char *name;
    struct switching switching;
    if (!admin_request_name(&name, request, err))
        return false;
    switching_init(&switching);
    bool ok =
        (policy_store_is_builtin(name) ? switch_builtins(&switching, request, name, state, err)
                                       : switch_stored(&switching, request, name, state, err)) &&
        commit_switch(&switching, request, name, state, err);
    if (ok) {
        json_write_object(result, NULL);
        json_write_raw(result, "policies", buf_slice(&switching.after));
        json_write_object_end(result);
    }
    switching_done(&switching);
    return ok;
}

bool operation_policy_enable(struct admin_request *request, struct json_writer *result,
                             struct error *err)
{
    return switch_to(request, result, POLICY_ENABLED, err);
}

bool operation_policy_disable(struct admin_request *request, struct json_writer *result,
                              struct error *err)
{
    return switch_to(request, result, POLICY_DISABLED, err);
}

/* What was staged, by name, as it is activated. */
struct activation {
    struct admin_batch *batch;
    struct json_writer *result;
};

static bool activate_policy(void *context, const struct store_record *record, struct error *err)
{
    struct activation *activation = context;
    struct error damaged;
    _cleanup_policy_ struct policy policy = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, POLICY_RECORD_MAX);
    if (!policy_parse(&policy, record->value, &damaged) || policy.state != POLICY_STAGED)
        return true; /* `policy list` shows damaged ones */
    policy.state = POLICY_ENABLED;
    policy_format(&value, &policy);
    struct store_change put = {.kind = STORE_POLICY,
                               .key = record->key,
                               .value = buf_slice(&value),
                               .expected = record->revision};
    json_write_text(activation->result, NULL, policy.name);
    return buf_ok(&value, policy.name, err) && admin_batch_add(activation->batch, &put, err);
}

static bool activate_host(void *context, const struct store_record *record, struct error *err)
{
    struct activation *activation = context;
    struct error damaged;
    _cleanup_attestation_host_ struct attestation_host host = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!attestation_host_parse(&host, record->value, &damaged) || !host.tpm.staged)
        return true;
    host.tpm.staged = false;
    attestation_host_format(&value, &host);
    struct store_change put = {.kind = STORE_HOST,
                               .key = record->key,
                               .value = buf_slice(&value),
                               .expected = record->revision};
    json_write_text(activation->result, NULL, host.name);
    return buf_ok(&value, host.name, err) && admin_batch_add(activation->batch, &put, err);
}

/* The built-in policies of this version, after an upgrade: the level in force becomes our own. */
static bool activate_level(struct activation *activation, const struct admin_request *request,
                           struct error *err)
{
    int64_t level, revision;
    struct error missing;
    _cleanup_buf_ struct buf before, after;
    _cleanup_json_ struct json *record = NULL;
    buf_init(&before, STORE_VALUE_MAX);
    buf_init(&after, STORE_VALUE_MAX);
    if (!tpm_mode_functional_level(&level, request->services->store, err))
        return false;
    if (level == ATTESTATION_FUNCTIONAL_LEVEL ||
        !store_get(request->services->store, STORE_SETTING, ATTESTATION_SETTING_SERVICE, &before,
                   &revision, &missing))
        return true;
    if (!json_parse(&record, buf_slice(&before), err))
        return false;
    struct json_writer writer;
    json_writer_init(&writer, &after);
    json_write_object(&writer, NULL);
    for (const struct json *it = json_first(record); it != NULL; it = json_next(it)) {
        _cleanup_buf_ struct buf text;
        buf_init(&text, STORE_VALUE_MAX);
        json_append(&text, it);
        if (strcmp(json_name(it), "functional_level") != 0)
            json_write_raw(&writer, json_name(it), buf_slice(&text));
    }
    json_write_integer(&writer, "functional_level", ATTESTATION_FUNCTIONAL_LEVEL);
    json_write_object_end(&writer);
    struct store_change put = {.kind = STORE_SETTING,
                               .key = ATTESTATION_SETTING_SERVICE,
                               .value = buf_slice(&after),
                               .expected = revision};
    return buf_ok(&after, "service", err) && admin_batch_add(activation->batch, &put, err);
}

/* Hosts last: whoever attests from then on meets the policies that were staged with them. */
bool operation_policy_activate(struct admin_request *request, struct json_writer *result,
                               struct error *err)
{
    struct store *store = request->services->store;
    _cleanup_admin_batch_ struct admin_batch batch = {
        .request = request, .event = "policy.activated", .object = "what was staged"};
    struct activation activation = {&batch, result};
    json_write_object(result, NULL);
    json_write_array(result, "policies");
    bool ok = store_list(store, STORE_POLICY, NULL, 0, activate_policy, &activation, NULL, err) &&
              activate_level(&activation, request, err);
    json_write_array_end(result);
    json_write_array(result, "hosts");
    ok = ok && tpm_mode_hosts(store, activate_host, &activation, err) &&
         admin_batch_flush(&batch, err);
    json_write_array_end(result);
    json_write_integer(result, "functional_level", ATTESTATION_FUNCTIONAL_LEVEL);
    json_write_object_end(result);
    return ok;
}
