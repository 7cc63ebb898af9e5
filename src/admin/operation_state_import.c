/* SPDX-License-Identifier: Apache-2.0 */

/*
 * state.import. The keyholder opens the backup and seals its keys to this cluster; what comes out
 * is read whole and compared with the store, and only when nothing is in conflict is anything
 * added. So a damaged backup changes nothing, and an import that was broken off is finished by
 * another one.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/batch.h"
#include "admin/bring.h"
#include "admin/certificate_draft.h"
#include "admin/certificate_proof.h"
#include "admin/document.h"
#include "admin/errors.h"
#include "admin/import_certificate.h"
#include "admin/import_key.h"
#include "admin/operations.h"
#include "admin/registering.h"
#include "admin/state_files.h"
#include "attestation/host.h"
#include "attestation/mode.h"
#include "attestation/settings.h"
#include "base/memory.h"

#define MODES (ATTESTATION_MODE_HOST_KEY + 1)

/* mended: a private key that the service has and cannot open; the backup's takes its place */
enum outcome { ADDED, SAME, MENDED, CONFLICT, LEFT_OUT, OUTCOMES };
static const char *const outcome_names[] = {"added", "same", "mended", "conflict", "left out"};

/* What becomes of an item. */
struct planned {
    enum outcome outcome;
    int64_t expected;    /* the revision in the store, or STORE_ABSENT */
    char *registered_as; /* the service's host with the same key; NULL: none */
    struct buf demoted;  /* its value, where that is another than the backup's */
};

struct import {
    struct admin_request *request;
    struct document document;
    bool modes[MODES];           /* whose attestation state is wanted */
    bool all;                    /* of every one */
    struct planned *plans;       /* one an item */
    struct certificate_list own; /* of the service, before */
    size_t counts[OUTCOMES];
};

static bool read_backup(struct import *import, struct error *err)
{
    _cleanup_state_files_ struct state_files files = {-1, -1};
    struct admin_request *request = import->request;
    if (!state_files_take(&files, request, err))
        return false;
    int copy = dup(files.document);
    if (copy < 0)
        return error_set_errno(err, &admin_unhealthy, errno, "state", "no descriptors are left");
    bool ok = keyholder_restore(request->services->keyholder, admin_request_give(&files.meeting),
                                copy, err);
    lseek(files.document, 0, SEEK_SET);
    return ok && document_read(&import->document, files.document, err);
}

/* Argument "modes": an array of their names; absent: all of them. */
static bool read_modes(struct import *import, struct error *err)
{
    const struct json *names = json_get(import->request->arguments, "modes");
    import->all = names == NULL;
    if (import->all)
        return true;
    if (!json_get_array(&names, import->request->arguments, "modes", err))
        return false;
    for (const struct json *name = json_first(names); name != NULL; name = json_next(name)) {
        enum attestation_mode mode;
        if (!json_is_text(name) || !attestation_mode_parse(&mode, json_text(name)))
            return error_set(err, &admin_argument, NULL, "modes", "names no mode of attestation");
        import->modes[mode] = true;
    }
    return true;
}

/* The mode that a setting "service" names; UNKNOWN when there is none. */
static enum attestation_mode mode_of(struct slice service)
{
    const char *word;
    enum attestation_mode mode;
    _cleanup_json_ struct json *json = NULL;
    if (service.size == 0 || !json_parse(&json, service, NULL) ||
        !json_get_text(&word, json, "mode", NULL) || !attestation_mode_parse(&mode, word))
        return ATTESTATION_MODE_UNKNOWN;
    return mode;
}

static struct slice service_of(const struct document *document)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->items[i].kind == STORE_SETTING &&
            strcmp(document->items[i].key, ATTESTATION_SETTING_SERVICE) == 0)
            return document->items[i].value;
    return SLICE_EMPTY;
}

static enum attestation_mode first_wanted(const struct import *import)
{
    static const enum attestation_mode order[] = {ATTESTATION_MODE_TPM, ATTESTATION_MODE_HOST_KEY,
                                                  ATTESTATION_MODE_AD};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (import->modes[order[i]])
            return order[i];
    return ATTESTATION_MODE_UNKNOWN;
}

/*
 * Where modes were chosen, a new service starts in the backup's if that is one of them, and else in
 * the first that was chosen: in another it would know no host. One that has a mode keeps it.
 */
static bool settle_mode(struct import *import, struct error *err)
{
    _cleanup_buf_ struct buf own;
    buf_init(&own, STORE_VALUE_MAX);
    if (import->all)
        return true;
    bool exists = store_get(import->request->services->store, STORE_SETTING,
                            ATTESTATION_SETTING_SERVICE, &own, NULL, err);
    if (!exists && error_kind(err) != ERROR_NOT_FOUND)
        return false;
    enum attestation_mode was = mode_of(service_of(&import->document));
    enum attestation_mode mode = exists ? mode_of(buf_slice(&own)) : was;
    if (!exists && !import->modes[was])
        mode = first_wanted(import);
    if (mode == ATTESTATION_MODE_UNKNOWN)
        return true; /* what is wrong with the record is found elsewhere */
    const struct attestation_mode_operations *operations = attestation_mode_operations(mode);
    if (!exists && (operations == NULL || operations->attest == NULL))
        return error_set(err, &admin_mode_unsupported, NULL, attestation_mode_name(mode),
                         "this version does not attest hosts in this mode");
    return document_set_mode(&import->document, attestation_mode_name(mode), err);
}

/* Of which mode a record is; UNKNOWN: of none, or all. */
static enum attestation_mode mode_of_item(const struct document_item *item)
{
    switch (item->kind) {
    case STORE_HOST:
        return mode_of(item->value); /* it names its mode as the setting does */
    case STORE_GROUP:
        return ATTESTATION_MODE_AD;
    case STORE_POLICY:
    case STORE_TPM_ROOT:
        return ATTESTATION_MODE_TPM;
    default:
        return ATTESTATION_MODE_UNKNOWN;
    }
}

static bool is_wanted(const struct import *import, const struct document_item *item)
{
    enum attestation_mode mode = mode_of_item(item);
    return import->all || mode == ATTESTATION_MODE_UNKNOWN || import->modes[mode];
}

/* Two names for one key are refused (host.add): whoever removed the host by the one that they know
 * would leave it the other. *other is allocated. */
static bool is_registered(char **other, const struct import *import,
                          const struct document_item *item)
{
    char name[ATTESTATION_NAME_SIZE];
    _cleanup_attestation_host_ struct attestation_host host = {0};
    if (item->kind != STORE_HOST || !attestation_host_parse(&host, item->value, NULL) ||
        !attestation_host_find(import->request->services->attestation, host.mode, host.key_id,
                               name))
        return false;
    *other = memory_copy_text(name);
    return true;
}

/* A sealed key is never the same bytes twice; its name is the digest of its public half. */
static bool compare_key(struct planned *planned, const struct import *import, struct slice sealed,
                        struct error *err)
{
    bool opens;
    if (!import_key_opens(&opens, import->request->services->keyholder, sealed, err))
        return false;
    planned->outcome = opens ? SAME : MENDED;
    return true;
}

static bool compare(struct planned *planned, const struct import *import,
                    const struct document_item *item, struct error *err)
{
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    planned->outcome = LEFT_OUT;
    planned->expected = STORE_ABSENT;
    if (!is_wanted(import, item))
        return true;
    if (!store_get(import->request->services->store, item->kind, item->key, &value,
                   &planned->expected, err)) {
        planned->outcome = is_registered(&planned->registered_as, import, item) ? CONFLICT : ADDED;
        return error_kind(err) == ERROR_NOT_FOUND;
    }
    if (item->kind == STORE_KEY)
        return compare_key(planned, import, buf_slice(&value), err);
    bool same = slice_equal(buf_slice(&value), item->value) ||
                (item->kind == STORE_CERTIFICATE &&
                 import_certificate_is_same(item->key, buf_slice(&value), item->value));
    planned->outcome = same ? SAME : CONFLICT;
    return true;
}

/* The service's primary certificates stay so. */
static void demote(struct import *import, size_t index)
{
    struct document_item *item = &import->document.items[index];
    struct buf *value = &import->plans[index].demoted;
    buf_init(value, STORE_VALUE_MAX);
    if (import_certificate_demote(value, &import->own, item->key, item->value))
        item->value = buf_slice(value);
}

static bool plan(struct import *import, struct error *err)
{
    import->plans = memory_allocate_zero(import->document.count, sizeof *import->plans);
    if (!certificate_list_load(&import->own, import->request->services->store, err))
        return false;
    for (size_t i = 0; i < import->document.count; i++) {
        struct planned *planned = &import->plans[i];
        if (!compare(planned, import, &import->document.items[i], err))
            return false;
        import->counts[planned->outcome]++;
        if (planned->outcome == ADDED && import->document.items[i].kind == STORE_CERTIFICATE)
            demote(import, i);
    }
    return true;
}

/*
 * The order in which items are added, when one commit does not hold them all, so that a crash in
 * between leaves nothing weaker than the backup: keys before what names them; from when on signers
 * count before the signers; the mode last, so that nobody attests by some of the policies.
 */
enum phase { KEYS, DENIALS, RECORDS, SETTINGS, PHASES };

static enum phase phase_of(const struct document_item *item)
{
    switch (item->kind) {
    case STORE_KEY:
        return KEYS;
    case STORE_TRUSTED_SIGNER:
        return DENIALS;
    case STORE_SETTING:
        return SETTINGS;
    default:
        return RECORDS;
    }
}

static bool add_phase(struct admin_batch *batch, const struct import *import, enum phase phase,
                      struct error *err)
{
    for (size_t i = 0; i < import->document.count; i++) {
        const struct document_item *item = &import->document.items[i];
        const struct planned *planned = &import->plans[i];
        struct store_change put = {.kind = item->kind,
                                   .key = item->key,
                                   .value = item->value,
                                   .expected = planned->expected};
        if ((planned->outcome == ADDED || planned->outcome == MENDED) && phase_of(item) == phase &&
            !admin_batch_add(batch, &put, err))
            return false;
    }
    return true;
}

static bool add_keys(const struct import *import, struct error *err)
{
    _cleanup_admin_batch_ struct admin_batch batch = {
        .request = import->request, .event = "state.imported", .object = "private keys"};
    return add_phase(&batch, import, KEYS, err) && admin_batch_flush(&batch, err);
}

static bool add_records(const struct import *import, struct error *err)
{
    _cleanup_admin_batch_ struct admin_batch batch = {
        .request = import->request, .event = "state.imported", .object = "records"};
    for (int phase = DENIALS; phase < PHASES; phase++)
        if (!add_phase(&batch, import, (enum phase)phase, err))
            return false;
    return admin_batch_flush(&batch, err);
}

static bool apply(const struct import *import, struct error *err)
{
    return import_audit_key(import->request, err) && add_keys(import, err) &&
           add_records(import, err);
}

/* Whether a key that the backup does not hold is here already. */
static void test_key(struct bring_test *test, const struct import *import,
                     const struct keyprotection_certificate *it)
{
    struct keyholder *keyholder = import->request->services->keyholder;
    const uint8_t *thumbprint = certificate_facts(it->certificate)->thumbprint;
    test->works = (it->key_source != KEYPROTECTION_KEY_FILE ||
                   keyholder_reference(keyholder, certificate_draft_purpose(it->type),
                                       slice_of(thumbprint, 32), NULL, &test->failure)) &&
                  certificate_proof(it, keyholder, &test->failure);
}

static void write_bring(struct json_writer *result, const struct import *import, bool imported)
{
    json_write_array(result, "bring");
    for (size_t i = 0; i < import->document.count; i++) {
        const struct document_item *item = &import->document.items[i];
        struct keyprotection_certificate it = {0};
        struct bring_test test = {0};
        if (item->kind != STORE_CERTIFICATE ||
            !keyprotection_certificate_parse(&it, item->key, item->value, NULL))
            continue;
        if (imported && it.key_source != KEYPROTECTION_KEY_SEALED)
            test_key(&test, import, &it);
        bring_write(result, &it, imported ? &test : NULL);
        keyprotection_certificate_done(&it);
    }
    json_write_array_end(result);
}

static void write_items(struct json_writer *result, const struct import *import)
{
    json_write_array(result, "items");
    for (size_t i = 0; i < import->document.count; i++) {
        json_write_object(result, NULL);
        json_write_text(result, "kind", document_kind_name(import->document.items[i].kind));
        json_write_text(result, "name", import->document.items[i].key);
        json_write_text(result, "result", outcome_names[import->plans[i].outcome]);
        if (import->plans[i].registered_as != NULL)
            json_write_text(result, "registered_as", import->plans[i].registered_as);
        json_write_object_end(result);
    }
    json_write_array_end(result);
}

static void write_result(struct json_writer *result, const struct import *import)
{
    bool imported = import->counts[CONFLICT] == 0 && !import->request->dry_run;
    json_write_object(result, NULL);
    json_write_bool(result, "imported", imported);
    json_write_integer(result, "added", (int64_t)import->counts[ADDED]);
    json_write_integer(result, "same", (int64_t)import->counts[SAME]);
    json_write_integer(result, "mended", (int64_t)import->counts[MENDED]);
    json_write_integer(result, "conflicts", (int64_t)import->counts[CONFLICT]);
    json_write_integer(result, "left_out", (int64_t)import->counts[LEFT_OUT]);
    write_items(result, import);
    write_bring(result, import, imported);
    json_write_object_end(result);
}

static void import_done(struct import *import)
{
    for (size_t i = 0; import->plans != NULL && i < import->document.count; i++) {
        buf_done(&import->plans[i].demoted);
        free(import->plans[i].registered_as);
    }
    free(import->plans);
    certificate_list_done(&import->own);
    document_done(&import->document);
}

static bool plan_and_apply(struct import *import, struct error *err)
{
    registering_begin();
    bool ok = plan(import, err) && (import->counts[CONFLICT] > 0 || apply(import, err));
    registering_end();
    return ok;
}

bool operation_state_import(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    struct import import = {.request = request};
    bool ok = read_modes(&import, err) && read_backup(&import, err) && settle_mode(&import, err) &&
              plan_and_apply(&import, err);
    if (ok)
        write_result(result, &import);
    import_done(&import);
    return ok;
}
