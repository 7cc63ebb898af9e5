/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "admin/audit_key.h"
#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/settings.h"
#include "admin/tpm_mode.h"
#include "attestation/settings.h"
#include "base/hex.h"
#include "base/memory.h"

/* The record "service", parsed; *document is freed by the caller. admin.not-initialized. */
static bool load_service(struct json **document, struct buf *value, int64_t *revision,
                         const struct admin_request *request, struct error *err)
{
    if (!store_get(request->services->store, STORE_SETTING, ATTESTATION_SETTING_SERVICE, value,
                   revision, err)) {
        if (error_kind(err) == ERROR_NOT_FOUND)
            error_set(err, &admin_not_initialized, NULL, "service", "it has no name and no mode");
        return false;
    }
    return json_parse(document, buf_slice(value), err);
}

static void write_node(struct json_writer *result, const struct admin_request *request,
                       const char *mode)
{
    char now[CLOCK_TEXT_SIZE];
    int64_t revision = 0;
    struct error ignored;
    store_revision(request->services->store, &revision, &ignored);
    json_write_object(result, NULL);
    json_write_text(result, "name", request->services->node);
    json_write_text(result, "mode", mode);
    json_write_integer(result, "revision", revision);
    json_write_integer(result, "clock_offset",
                       request->services->clock_offset(request->services->context));
    json_write_text(result, "last_contact", clock_format(clock_now(request->services->clock), now));
    request->services->describe_node(request->services->context, result);
    json_write_object_end(result);
}

bool operation_server_show(struct admin_request *request, struct json_writer *result,
                           struct error *err)
{
    const struct admin_services *services = request->services;
    _cleanup_json_ struct json *service = NULL;
    _cleanup_buf_ struct buf value;
    const char *name = "";
    buf_init(&value, STORE_VALUE_MAX);
    bool initialized = load_service(&service, &value, NULL, request, err);
    if (!initialized && error_kind(err) != ERROR_CONFLICT)
        return false;
    if (initialized && !json_get_text(&name, service, "name", err))
        return false;
    struct tpm_mode tpm;
    if (!tpm_mode_count(&tpm, services, err))
        return false;
    const char *mode = attestation_mode_name(attestation_current_mode(services->attestation));
    json_write_object(result, NULL);
    json_write_bool(result, "initialized", initialized);
    json_write_text(result, "service_name", name);
    json_write_text(result, "mode", mode);
    json_write_integer(result, "functional_level", tpm.functional_level);
    json_write_integer(result, "newest_functional_level", ATTESTATION_FUNCTIONAL_LEVEL);
    tpm_mode_write(result, "tpm", &tpm);
    json_write_integer(result, "hosts", (int64_t)attestation_host_count(services->attestation));
    attestation_signer_problems(services->attestation, result, "signer_problems");
    services->describe(services->context, result);
    if (!settings_write(result, services->store, err))
        return false;
    json_write_array(result, "nodes");
    write_node(result, request, mode);
    json_write_array_end(result);
    json_write_object_end(result);
    return true;
}

bool operation_server_set(struct admin_request *request, struct json_writer *result,
                          struct error *err)
{
    struct settings_edit edit;
    int64_t wait;
    settings_edit_init(&edit);
    bool ok = json_get_integer_or(&wait, request->arguments, "wait", 10, err) &&
              settings_edit_make(&edit, request, err);
    if (ok) {
        struct admin_change change = {"server.changed",
                                      "service",
                                      buf_slice(&edit.before),
                                      buf_slice(&edit.after),
                                      edit.changes,
                                      edit.count,
                                      wait * 1000};
        ok = admin_change_commit(request, &change, err);
    }
    if (ok)
        json_write_raw(result, NULL, buf_slice(&edit.after));
    settings_edit_done(&edit);
    return ok;
}

/* What `server clear` leaves: the audit trail's key and head, because the trail itself stays. */
static bool survives(const struct store_record *record, const char *audit_key)
{
    return record->kind == STORE_AUDIT_HEAD ||
           (record->kind == STORE_SETTING && strcmp(record->key, ADMIN_AUDIT_KEY_SETTING) == 0) ||
           (record->kind == STORE_KEY && strcmp(record->key, audit_key) == 0);
}

struct removal {
    const struct admin_request *request;
    char audit_key[2 * KEY_ID_SIZE + 1];
    struct store_change changes[STORE_CHANGES_MAX];
    char *keys[STORE_CHANGES_MAX];
    size_t count;
};

static bool collect(void *context, const struct store_record *record, struct error *err)
{
    struct removal *removal = context;
    (void)err;
    if (survives(record, removal->audit_key))
        return true;
    char *key = memory_copy_text(record->key);
    removal->keys[removal->count] = key;
    removal->changes[removal->count++] = (struct store_change){
        .kind = record->kind, .key = key, .remove = true, .expected = STORE_ANY};
    return removal->count < STORE_CHANGES_MAX;
}

static void forget_collected(struct removal *removal)
{
    for (size_t i = 0; i < removal->count; i++)
        free(removal->keys[i]);
    removal->count = 0;
}

/* Removes all records of a kind, a commit's worth at a time. */
static bool clear_kind(struct removal *removal, enum store_kind kind, struct error *err)
{
    struct store *store = removal->request->services->store;
    int64_t revision;
    for (;;) {
        if (!store_list(store, kind, NULL, 0, collect, removal, NULL, err))
            return false;
        size_t count = removal->count;
        bool ok = count == 0 || store_commit(store, removal->changes, count, &revision, err);
        forget_collected(removal);
        if (!ok || count < STORE_CHANGES_MAX)
            return ok;
    }
}

bool operation_server_clear(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    /* Without its mode the service attests nobody, without signers and certificates it releases
     * nothing: also when what follows, a million hosts perhaps, takes its time or fails. */
    static const enum store_kind first[] = {STORE_SETTING, STORE_ATTESTATION_SIGNER,
                                            STORE_CERTIFICATE, STORE_KEY};
    struct removal *removal = memory_allocate_zero(1, sizeof *removal);
    struct admin_audit_key key;
    struct admin_change change = {"server.cleared", "service", SLICE_EMPTY, SLICE_EMPTY, NULL, 0};
    int64_t revision = 0;
    removal->request = request;
    if (admin_audit_key_load(&key, request->services->store, err))
        hex_format(slice_of(key.id, sizeof key.id), removal->audit_key);
    admin_audit_key_done(&key);
    bool ok = admin_change_record(request, &change, err);
    for (size_t i = 0; ok && !request->dry_run && i < sizeof first / sizeof first[0]; i++)
        ok = clear_kind(removal, first[i], err);
    for (int kind = STORE_SETTING; ok && !request->dry_run && kind < STORE_KIND_MAX; kind++)
        ok = clear_kind(removal, (enum store_kind)kind, err);
    free(removal);
    if (!ok || !store_revision(request->services->store, &revision, err) ||
        !admin_change_wait(request, revision, "service", err))
        return false;
    json_write_object(result, NULL);
    json_write_object_end(result);
    return true;
}
