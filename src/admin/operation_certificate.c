/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "admin/certificate_draft.h"
#include "admin/certificate_list.h"
#include "admin/certificate_proof.h"
#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/requested.h"
#include "base/file.h"
#include "base/hex.h"

#define VALUE_MAX (64 * 1024)

static bool read_type(enum keyprotection_certificate_type *type,
                      const struct admin_request *request, struct error *err)
{
    const char *word;
    return json_get_text(&word, request->arguments, "type", err) &&
           keyprotection_certificate_type_parse(type, word, err);
}

static bool import(struct certificate_draft *draft, enum keyprotection_certificate_type type,
                   struct admin_request *request, struct error *err)
{
    _cleanup_fd_ int meeting = -1;
    bool pair;
    if (!admin_request_descriptor(&meeting, request, "meeting_fd", err) ||
        !json_get_bool_or(&pair, request->arguments, "pair", false, err))
        return false;
    if (meeting < 0)
        return error_set(err, &admin_argument, "hgsctl(8)", "certificate add",
                         "no private key came with it: give --pfx, or --file and --key-file");
    return certificate_draft_import(draft, type, pair ? KEYPROTECTION_FILE : KEYPROTECTION_PFX,
                                    admin_request_give(&meeting), request->services->keyholder,
                                    clock_now(request->services->clock), err);
}

static bool is_primary_needed(const struct certificate_list *list,
                              enum keyprotection_certificate_type type)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].certificate.type == type && list->items[i].certificate.primary)
            return false;
    return true;
}

/* A key is sealed with its one purpose (keyholder.h): under another type it would be sealed anew,
 * and could no longer do what the first type needs. */
static bool check_key_is_free(const struct certificate_list *list,
                              const struct certificate_draft *draft, struct error *err)
{
    const struct keyprotection_certificate *added = &draft->certificate;
    for (size_t i = 0; i < list->count; i++) {
        const struct keyprotection_certificate *other = &list->items[i].certificate;
        if (other->type != added->type && memcmp(other->key_id, added->key_id, KEY_ID_SIZE) == 0)
            return error_set(err, &admin_certificate_rule, NULL, draft->record_key,
                             "its private key serves %s already; each type needs a key of its own",
                             list->items[i].record_key);
    }
    return true;
}

/* requested: whose certificate it is; NULL: its private key came with it. */
static bool add(struct certificate_draft *draft, const struct requested *requested,
                struct admin_request *request, struct json_writer *result, struct error *err)
{
    struct store_change changes[CERTIFICATE_DRAFT_CHANGES];
    _cleanup_buf_ struct buf value;
    buf_init(&value, VALUE_MAX);
    certificate_draft_changes(changes, draft, &value);
    if (requested != NULL) /* the key is in the store, and the request is fulfilled */
        changes[0] = (struct store_change){.kind = STORE_CERTIFICATE_REQUEST,
                                           .key = requested->key_name,
                                           .remove = true,
                                           .expected = requested->revision};
    struct admin_change change = {
        "certificate.added", draft->record_key, SLICE_EMPTY,
        buf_slice(&value),   changes,           CERTIFICATE_DRAFT_CHANGES};
    if (!admin_change_commit(request, &change, err)) {
        if (error_kind(err) == ERROR_CONFLICT)
            error_set(err, &admin_exists, NULL, draft->record_key,
                      "the service has this certificate already");
        return false;
    }
    certificate_list_write(result, &draft->certificate, clock_now(request->services->clock));
    return true;
}

/* Argument "certificate": what an authority made of a request of ours. */
static bool complete(struct certificate_draft *draft, struct requested *requested,
                     enum keyprotection_certificate_type type, struct admin_request *request,
                     struct error *err)
{
    bool found = false;
    struct keyholder *keyholder = request->services->keyholder;
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    if (!json_get_bytes(&der, request->arguments, "certificate", err) ||
        !buf_ok(&der, "certificate", err) ||
        !certificate_draft_complete(draft, type, buf_slice(&der),
                                    clock_now(request->services->clock), err) ||
        !requested_load(requested, &found, request->services->store, draft->certificate.key_id,
                        err))
        return false;
    if (!found)
        return error_set(err, &admin_not_found, NULL, draft->record_key,
                         "no certificate was requested here for its key %s; give the private key, "
                         "too: --key-file",
                         draft->key_name);
    if (requested->type != type)
        return error_set(err, &admin_certificate_rule, NULL, draft->record_key,
                         "its key was made for a %s certificate",
                         keyprotection_certificate_type_name(requested->type));
    return certificate_proof(&draft->certificate, keyholder, err);
}

bool operation_certificate_add(struct admin_request *request, struct json_writer *result,
                               struct error *err)
{
    enum keyprotection_certificate_type type;
    struct certificate_draft draft;
    struct certificate_list list = {0};
    struct requested requested;
    bool alone = json_get(request->arguments, "certificate") != NULL;
    certificate_draft_init(&draft);
    requested_init(&requested);
    bool ok = read_type(&type, request, err) &&
              certificate_list_load(&list, request->services->store, err) &&
              (alone ? complete(&draft, &requested, type, request, err)
                     : import(&draft, type, request, err)) &&
              check_key_is_free(&list, &draft, err);
    if (ok) {
        draft.certificate.primary = is_primary_needed(&list, type);
        ok = add(&draft, alone ? &requested : NULL, request, result, err);
    }
    requested_done(&requested);
    certificate_list_done(&list);
    certificate_draft_done(&draft);
    return ok;
}

bool operation_certificate_list(struct admin_request *request, struct json_writer *result,
                                struct error *err)
{
    struct certificate_list list = {0};
    int64_t now = clock_now(request->services->clock);
    bool ok = certificate_list_load(&list, request->services->store, err);
    if (ok) {
        json_write_object(result, NULL);
        json_write_array(result, "certificates");
        for (size_t i = 0; i < list.count; i++)
            certificate_list_write(result, &list.items[i].certificate, now);
        json_write_array_end(result);
        ok = requested_write_all(result, request->services->store, err);
        json_write_object_end(result);
    }
    certificate_list_done(&list);
    return ok;
}

/* The certificate that the request names by its thumbprint or the beginning of it, of the type that
 * it names. */
static struct certificate_list_item *find(struct certificate_list *list,
                                          const struct admin_request *request, struct error *err)
{
    const char *thumbprint, *word;
    if (!certificate_list_load(list, request->services->store, err) ||
        !json_get_text(&thumbprint, request->arguments, "thumbprint", err) ||
        !json_get_text_or(&word, request->arguments, "type", NULL, err))
        return NULL;
    enum keyprotection_certificate_type type = KEYPROTECTION_SIGNING;
    if (word != NULL && !keyprotection_certificate_type_parse(&type, word, err))
        return NULL;
    return certificate_list_find(list, thumbprint, word != NULL ? &type : NULL, err);
}

bool operation_certificate_show(struct admin_request *request, struct json_writer *result,
                                struct error *err)
{
    struct certificate_list list = {0};
    struct certificate_list_item *item = find(&list, request, err);
    if (item != NULL)
        certificate_list_write(result, &item->certificate, clock_now(request->services->clock));
    certificate_list_done(&list);
    return item != NULL;
}

/* The changes of `certificate set`: the item itself, and the former primary when it becomes
 * primary. */
struct edit {
    struct store_change changes[2];
    struct buf values[2];
    size_t count;
};

static void edit_item(struct edit *edit, const struct certificate_list_item *item)
{
    struct buf *value = &edit->values[edit->count];
    keyprotection_certificate_format(value, &item->certificate);
    edit->changes[edit->count++] = (struct store_change){.kind = STORE_CERTIFICATE,
                                                         .key = item->record_key,
                                                         .value = buf_slice(value),
                                                         .expected = item->revision};
}

static void make_primary(struct edit *edit, struct certificate_list *list,
                         struct certificate_list_item *item)
{
    item->certificate.primary = true;
    for (size_t i = 0; i < list->count; i++) {
        struct certificate_list_item *other = &list->items[i];
        if (other == item || other->certificate.type != item->certificate.type ||
            !other->certificate.primary)
            continue;
        other->certificate.primary = false;
        edit_item(edit, other);
        return;
    }
}

static bool apply_arguments(struct edit *edit, struct certificate_list *list,
                            struct certificate_list_item *item, const struct admin_request *request,
                            struct error *err)
{
    bool primary, enabled;
    if (!json_get_bool_or(&primary, request->arguments, "primary", false, err) ||
        !json_get_bool_or(&enabled, request->arguments, "enabled", item->certificate.enabled, err))
        return false;
    if (!enabled && (primary || item->certificate.primary))
        return error_set(err, &admin_primary, NULL, item->record_key,
                         "it is the primary one of its type and cannot be disabled");
    if (primary && !item->certificate.primary)
        make_primary(edit, list, item);
    item->certificate.enabled = enabled;
    if (item->certificate.primary && !item->certificate.enabled)
        return error_set(err, &admin_primary, NULL, item->record_key,
                         "it is disabled: enable it to make it primary");
    edit_item(edit, item);
    return true;
}

static bool set(struct edit *edit, struct certificate_list *list,
                struct certificate_list_item *item, struct admin_request *request,
                struct error *err)
{
    _cleanup_buf_ struct buf before;
    buf_init(&before, VALUE_MAX);
    keyprotection_certificate_format(&before, &item->certificate);
    if (!apply_arguments(edit, list, item, request, err))
        return false;
    struct admin_change change = {"certificate.changed", item->record_key,
                                  buf_slice(&before),    edit->changes[edit->count - 1].value,
                                  edit->changes,         edit->count};
    return admin_change_commit(request, &change, err);
}

bool operation_certificate_set(struct admin_request *request, struct json_writer *result,
                               struct error *err)
{
    struct certificate_list list = {0};
    struct edit edit = {0};
    buf_init(&edit.values[0], VALUE_MAX);
    buf_init(&edit.values[1], VALUE_MAX);
    struct certificate_list_item *item = find(&list, request, err);
    bool ok = item != NULL && set(&edit, &list, item, request, err);
    if (ok)
        certificate_list_write(result, &item->certificate, clock_now(request->services->clock));
    buf_done(&edit.values[0]);
    buf_done(&edit.values[1]);
    certificate_list_done(&list);
    return ok;
}

/* The private key goes with its last certificate. */
static bool is_key_shared(const struct certificate_list *list,
                          const struct certificate_list_item *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (&list->items[i] != item &&
            memcmp(list->items[i].certificate.key_id, item->certificate.key_id, KEY_ID_SIZE) == 0)
            return true;
    return false;
}

static bool remove_item(const struct certificate_list *list,
                        const struct certificate_list_item *item, struct admin_request *request,
                        struct error *err)
{
    char key_name[2 * KEY_ID_SIZE + 1];
    _cleanup_buf_ struct buf before;
    buf_init(&before, VALUE_MAX);
    if (item->certificate.primary)
        return error_set(err, &admin_primary, NULL, item->record_key,
                         "it is the primary one of its type");
    keyprotection_certificate_format(&before, &item->certificate);
    hex_format(slice_of(item->certificate.key_id, KEY_ID_SIZE), key_name);
    struct store_change changes[] = {
        {.kind = STORE_CERTIFICATE,
         .key = item->record_key,
         .remove = true,
         .expected = item->revision},
        {.kind = STORE_KEY, .key = key_name, .remove = true, .expected = STORE_ANY}};
    struct admin_change change = {
        "certificate.removed", item->record_key, buf_slice(&before),
        SLICE_EMPTY,           changes,          is_key_shared(list, item) ? 1 : 2};
    return admin_change_commit(request, &change, err);
}

bool operation_certificate_remove(struct admin_request *request, struct json_writer *result,
                                  struct error *err)
{
    struct certificate_list list = {0};
    struct certificate_list_item *item = find(&list, request, err);
    bool ok = item != NULL && remove_item(&list, item, request, err);
    if (ok)
        certificate_list_write(result, &item->certificate, clock_now(request->services->clock));
    certificate_list_done(&list);
    return ok;
}
