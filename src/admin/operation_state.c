/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Backups. The service never sees a private key or the password: it writes a document (document.h)
 * into an anonymous file, and the keyholder turns that into the encrypted backup, or back.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "admin/audit_key.h"
#include "admin/batch.h"
#include "admin/document.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "attestation/mode.h"
#include "attestation/settings.h"
#include "base/file.h"
#include "base/memory.h"

static bool make_document_file(int *fd, struct error *err)
{
    *fd = memfd_create("state", MFD_CLOEXEC);
    return *fd >= 0 ||
           error_set_errno(err, &admin_unhealthy, errno, "state", "cannot make an anonymous file");
}

/* Descriptors that an operation took over; closed again when it does not pass them on. */
struct descriptors {
    int meeting, document;
};

static void close_descriptors(struct descriptors *fds)
{
    file_close(&fds->meeting);
    file_close(&fds->document);
}
#define _cleanup_descriptors_ __attribute__((cleanup(close_descriptors)))

static bool take_descriptors(struct descriptors *fds, struct admin_request *request,
                             struct error *err)
{
    if (!admin_request_descriptor(&fds->meeting, request, "meeting_fd", err))
        return false;
    if (fds->meeting >= 0)
        return true;
    return error_set(err, &admin_argument, NULL, request->operation,
                     "a backup file and a password are needed");
}

/* Who took a copy of every key is something that the trail must know before it happens. */
static bool audit_export(const struct admin_request *request, size_t records, size_t keys,
                         struct error *err)
{
    _cleanup_buf_ struct buf after;
    buf_init(&after, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &after);
    json_write_object(&writer, NULL);
    json_write_integer(&writer, "records", (int64_t)records);
    json_write_integer(&writer, "keys", (int64_t)keys);
    json_write_object_end(&writer);
    struct admin_change change = {"state.exported",  "state", SLICE_EMPTY,
                                  buf_slice(&after), NULL,    0};
    return admin_change_record(request, &change, err);
}

bool operation_state_export(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    _cleanup_descriptors_ struct descriptors fds = {-1, -1};
    size_t records = 0, keys = 0;
    if (!take_descriptors(&fds, request, err) || !make_document_file(&fds.document, err) ||
        !document_write(fds.document, request->services->store, &records, &keys, err) ||
        !audit_export(request, records, keys, err))
        return false;
    lseek(fds.document, 0, SEEK_SET);
    /* A dry run is not in the trail, so it must not give a key to anybody. */
    if (!request->dry_run &&
        !keyholder_backup(request->services->keyholder, admin_request_give(&fds.meeting),
                          admin_request_give(&fds.document), err))
        return false;
    json_write_object(result, NULL);
    json_write_integer(result, "records", (int64_t)records);
    json_write_integer(result, "keys", (int64_t)keys);
    json_write_object_end(result);
    return true;
}

static bool read_backup(struct document *document, struct admin_request *request, struct error *err)
{
    _cleanup_descriptors_ struct descriptors fds = {-1, -1};
    if (!take_descriptors(&fds, request, err) || !make_document_file(&fds.document, err))
        return false;
    int copy = dup(fds.document);
    if (copy < 0)
        return error_set_errno(err, &admin_unhealthy, errno, "state", "no descriptors are left");
    bool ok = keyholder_restore(request->services->keyholder, admin_request_give(&fds.meeting),
                                copy, err);
    lseek(fds.document, 0, SEEK_SET);
    return ok && document_read(document, fds.document, err);
}

/* --host-key-mode and its like: the restored service starts in another mode. */
static bool change_mode(struct document *document, const struct admin_request *request,
                        struct error *err)
{
    const char *word;
    enum attestation_mode mode;
    if (!json_get_text_or(&word, request->arguments, "trust", NULL, err))
        return false;
    if (word == NULL)
        return true;
    if (!attestation_mode_parse(&mode, word) || attestation_mode_operations(mode)->attest == NULL)
        return error_set(err, &admin_mode_unsupported, NULL, word,
                         "this version does not attest hosts in this mode");
    return document_set_mode(document, word, err);
}

enum outcome { ADDED, SAME, CONFLICT };
static const char *const outcome_names[] = {"added", "same", "conflict"};

/* A sealed key is never the same bytes twice; its name is the digest of its public half. */
static bool compare(enum outcome *outcome, const struct admin_request *request,
                    const struct document_item *item, struct error *err)
{
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (!store_get(request->services->store, item->kind, item->key, &value, NULL, err)) {
        *outcome = ADDED;
        return error_kind(err) == ERROR_NOT_FOUND;
    }
    bool same = item->kind == STORE_KEY || slice_equal(buf_slice(&value), item->value);
    *outcome = same ? SAME : CONFLICT;
    return true;
}

struct plan {
    enum outcome *outcomes; /* one an item */
    size_t counts[3];
};

static bool make_plan(struct plan *plan, const struct admin_request *request,
                      const struct document *document, struct error *err)
{
    plan->outcomes = memory_allocate_zero(document->count, sizeof *plan->outcomes);
    for (size_t i = 0; i < document->count; i++) {
        if (!compare(&plan->outcomes[i], request, &document->items[i], err))
            return false;
        plan->counts[plan->outcomes[i]]++;
    }
    return true;
}

static bool refuse_conflicts(const struct document *document, const struct plan *plan,
                             struct error *err)
{
    for (size_t i = 0; i < document->count; i++)
        if (plan->outcomes[i] == CONFLICT)
            return error_set(err, &admin_state_conflict, NULL, document->items[i].key,
                             "the %s of the backup differs from that of the service; %zu objects "
                             "differ in all",
                             document_kind_name(document->items[i].kind), plan->counts[CONFLICT]);
    return true;
}

/* Keys first, what names them after: a crash in between leaves keys that nobody uses, never a name
 * without its key. */
static bool add_items(const struct admin_request *request, const struct document *document,
                      const struct plan *plan, bool keys, struct error *err)
{
    _cleanup_admin_batch_ struct admin_batch batch = {
        .request = request, .event = "state.imported", .object = keys ? "private keys" : "records"};
    for (size_t i = 0; i < document->count; i++) {
        const struct document_item *item = &document->items[i];
        struct store_change put = {
            .kind = item->kind, .key = item->key, .value = item->value, .expected = STORE_ABSENT};
        if (plan->outcomes[i] == ADDED && (item->kind == STORE_KEY) == keys &&
            !admin_batch_add(&batch, &put, err))
            return false;
    }
    return admin_batch_flush(&batch, err);
}

/* A trail is one machine's, so its key is no part of a backup: a service that has none yet gets its
 * own. */
static bool ensure_audit_key(const struct admin_request *request, struct error *err)
{
    struct admin_audit_key key;
    struct admin_audit_key_draft draft;
    struct store_change changes[2];
    struct admin_change change = {"audit.key-made", "audit trail", SLICE_EMPTY,
                                  SLICE_EMPTY,      changes,       2};
    bool found = admin_audit_key_load(&key, request->services->store, err);
    admin_audit_key_done(&key);
    if (found || request->dry_run)
        return true;
    if (error_kind(err) != ERROR_NOT_FOUND)
        return false;
    bool ok = admin_audit_key_create(&draft, request->services->keyholder, err);
    if (ok) {
        admin_audit_key_changes(changes, &draft);
        ok = admin_change_commit(request, &change, err);
    }
    admin_audit_key_draft_done(&draft);
    return ok;
}

static void write_result(struct json_writer *result, const struct document *document,
                         const struct plan *plan)
{
    json_write_object(result, NULL);
    json_write_integer(result, "added", (int64_t)plan->counts[ADDED]);
    json_write_integer(result, "same", (int64_t)plan->counts[SAME]);
    json_write_array(result, "items");
    for (size_t i = 0; i < document->count; i++) {
        json_write_object(result, NULL);
        json_write_text(result, "kind", document_kind_name(document->items[i].kind));
        json_write_text(result, "name", document->items[i].key);
        json_write_text(result, "result", outcome_names[plan->outcomes[i]]);
        json_write_object_end(result);
    }
    json_write_array_end(result);
    json_write_object_end(result);
}

bool operation_state_import(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    struct document document = {0};
    struct plan plan = {0};
    bool ok = read_backup(&document, request, err) && change_mode(&document, request, err) &&
              make_plan(&plan, request, &document, err) &&
              refuse_conflicts(&document, &plan, err) && ensure_audit_key(request, err) &&
              add_items(request, &document, &plan, true, err) &&
              add_items(request, &document, &plan, false, err);
    if (ok)
        write_result(result, &document, &plan);
    free(plan.outcomes);
    document_done(&document);
    return ok;
}
