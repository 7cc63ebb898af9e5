/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/page.h"
#include "attestation/host.h"

/* "host n1", for messages and the audit trail. */
static const char *object_of(char text[160], const char *name)
{
    snprintf(text, 160, "host %s", name);
    return text;
}

struct listing {
    struct json_writer *result;
    const struct admin_services *services;
    struct admin_page page;
};

/* What is known of its clock; nothing, when nothing is. */
static void write_clock(struct json_writer *result, const struct admin_services *services,
                        const char *name)
{
    char time[CLOCK_TEXT_SIZE];
    struct attestation_host_clock clock;
    if (!attestation_host_clocks_find(attestation_clocks_of_hosts(services->attestation), name,
                                      &clock))
        return;
    json_write_integer(result, "clock_offset", clock.offset);
    json_write_bool(result, "clock_off", clock.is_off);
    json_write_text(result, "clock_measured_at", clock_format(clock.time, time));
}

static void write_brief(struct json_writer *result, const struct attestation_host *host,
                        const struct admin_services *services)
{
    char added[CLOCK_TEXT_SIZE];
    json_write_object(result, NULL);
    json_write_text(result, "name", host->name);
    json_write_text(result, "mode", attestation_mode_name(host->mode));
    json_write_hex(result, "key_id", slice_of(host->key_id, sizeof host->key_id));
    json_write_text(result, "added", clock_format(host->added, added));
    json_write_text(result, "added_by", host->added_by);
    write_clock(result, services, host->name);
    if (host->mode == ATTESTATION_MODE_TPM) {
        json_write_bool(result, "certified", host->tpm.certified);
        json_write_text(result, "profile", policy_profile_name(host->tpm.profile));
        json_write_text(result, "policy_version", policy_version_name(host->tpm.version));
        json_write_text(result, "bank", digest_name(host->tpm.bank));
        json_write_bool(result, "staged", host->tpm.staged);
        json_write_array(result, "sets");
        for (size_t i = 0; i < host->tpm.set_count; i++)
            json_write_text(result, NULL, host->tpm.sets[i]);
        json_write_array_end(result);
    }
    json_write_object_end(result);
}

/* A damaged record is listed as it is: somebody has to see it. */
static bool list_one(void *context, const struct store_record *record, struct error *err)
{
    struct listing *listing = context;
    struct error damaged;
    _cleanup_attestation_host_ struct attestation_host host = {0};
    (void)err;
    if (!admin_page_matches(&listing->page, record->key))
        return true;
    if (!admin_page_take(&listing->page, record->key))
        return false;
    if (attestation_host_parse(&host, record->value, &damaged)) {
        write_brief(listing->result, &host, listing->services);
        return true;
    }
    json_write_object(listing->result, NULL);
    json_write_text(listing->result, "name", record->key);
    json_write_error(listing->result, "error", &damaged);
    json_write_object_end(listing->result);
    return true;
}

bool operation_host_list(struct admin_request *request, struct json_writer *result,
                         struct error *err)
{
    struct listing listing = {.result = result, .services = request->services};
    if (!admin_page_read(&listing.page, request, err))
        return false;
    json_write_object(result, NULL);
    json_write_array(result, "hosts");
    bool ok = store_list(request->services->store, STORE_HOST, listing.page.after, 0, list_one,
                         &listing, NULL, err);
    json_write_array_end(result);
    admin_page_write(result, &listing.page);
    json_write_object_end(result);
    return ok;
}

bool operation_host_load(struct buf *value, int64_t *revision, const char **name,
                         const struct admin_request *request, struct error *err)
{
    if (!admin_request_name(name, request, err))
        return false;
    if (store_get(request->services->store, STORE_HOST, *name, value, revision, err))
        return true;
    if (error_kind(err) == ERROR_NOT_FOUND)
        error_set(err, &admin_not_found, NULL, *name, "no host of this name is registered");
    return false;
}

static void write_members(struct json_writer *result, const struct json *record)
{
    for (const struct json *it = json_first(record); it != NULL; it = json_next(it)) {
        _cleanup_buf_ struct buf text;
        buf_init(&text, STORE_VALUE_MAX);
        json_append(&text, it);
        json_write_raw(result, json_name(it), buf_slice(&text));
    }
}

/* The record as it is, and what is known of the host's clock. */
bool operation_host_show(struct admin_request *request, struct json_writer *result,
                         struct error *err)
{
    const char *name;
    _cleanup_json_ struct json *record = NULL;
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!operation_host_load(&value, NULL, &name, request, err) ||
        !json_parse(&record, buf_slice(&value), err))
        return false;
    json_write_object(result, NULL);
    write_members(result, record);
    write_clock(result, request->services, name);
    json_write_object_end(result);
    return true;
}

/* Policies that are for one host alone stay when it goes: a new host of its name gets them. */
static void write_left_policies(struct json_writer *result, const struct admin_request *request,
                                const char *host)
{
    struct attestation_policies *policies = attestation_policies(request->services->attestation);
    json_write_array(result, "policies_left");
    for (size_t i = 0; i < policy_set_count(policies->set); i++) {
        const struct policy *policy = policy_set_at(policies->set, i);
        if (policy->scope == POLICY_FOR_HOST && strcmp(policy->scope_name, host) == 0)
            json_write_text(result, NULL, policy->name);
    }
    json_write_array_end(result);
    attestation_policies_release(&policies);
}

bool operation_host_remove(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    const char *name;
    char object[160];
    int64_t revision = 0;
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!operation_host_load(&value, &revision, &name, request, err))
        return false;
    struct store_change removals[] = {
        {.kind = STORE_HOST, .key = name, .remove = true, .expected = revision},
        /* and what is remembered of its boots, if anything is */
        {.kind = STORE_PENDING, .key = name, .remove = true, .expected = STORE_ANY},
        {.kind = STORE_LAST_BOOT, .key = name, .remove = true, .expected = STORE_ANY},
    };
    struct admin_change change = {
        "host.removed", object_of(object, name), buf_slice(&value), SLICE_EMPTY, removals, 3};
    if (!admin_change_commit(request, &change, err))
        return false;
    json_write_object(result, NULL);
    json_write_raw(result, "host", buf_slice(&value));
    write_left_policies(result, request, name);
    json_write_object_end(result);
    return true;
}
