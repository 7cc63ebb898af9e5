/* SPDX-License-Identifier: Apache-2.0 */

#include "admin/certificate_key.h"
#include "admin/certificate_list.h"
#include "admin/certificate_needs.h"
#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/requested.h"
#include "base/file.h"

#define VALUE_MAX (64 * 1024)

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
    if (json_get(request->arguments, "primary") == NULL &&
        json_get(request->arguments, "enabled") == NULL)
        return error_set(err, &admin_argument, "hgsctl(8)", "certificate set",
                         "nothing was given to set: --primary, --enable or --disable");
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

/* Argument "needed": remove it also when key protectors need it. */
static bool check_unneeded(const struct certificate_list *list,
                           const struct certificate_list_item *item,
                           const struct admin_request *request, struct error *err)
{
    bool needed;
    struct certificate_needs needs;
    if (!json_get_bool_or(&needed, request->arguments, "needed", false, err))
        return false;
    certificate_needs_load(&needs, list, request->services, CERTIFICATE_NEEDS_DAYS);
    bool ok = needed || certificate_needs_check(&needs, list, (size_t)(item - list->items), err);
    certificate_needs_done(&needs);
    return ok;
}

/* *key_removed: its private key went with it. */
static bool remove_item(bool *key_removed, const struct certificate_list *list,
                        const struct certificate_list_item *item, struct admin_request *request,
                        struct error *err)
{
    struct store_change changes[1 + CERTIFICATE_KEY_REMOVALS] = {{.kind = STORE_CERTIFICATE,
                                                                  .key = item->record_key,
                                                                  .remove = true,
                                                                  .expected = item->revision}};
    struct certificate_key_names names;
    _cleanup_buf_ struct buf before;
    buf_init(&before, VALUE_MAX);
    if (item->certificate.primary)
        return error_set(err, &admin_primary, NULL, item->record_key,
                         "it is the primary one of its type");
    if (!check_unneeded(list, item, request, err))
        return false;
    keyprotection_certificate_format(&before, &item->certificate);
    size_t keys = 0;
    if (!certificate_key_removals(changes + 1, &keys, &names, list, item, request->services->store,
                                  err))
        return false;
    struct admin_change change = {"certificate.removed", item->record_key, buf_slice(&before),
                                  SLICE_EMPTY,           changes,          1 + keys};
    *key_removed = keys > 0;
    return admin_change_commit(request, &change, err);
}

bool operation_certificate_remove(struct admin_request *request, struct json_writer *result,
                                  struct error *err)
{
    bool key_removed = false;
    struct certificate_list list = {0};
    struct certificate_list_item *item = find(&list, request, err);
    bool ok = item != NULL && remove_item(&key_removed, &list, item, request, err);
    if (ok) {
        json_write_object(result, NULL);
        certificate_list_write_members(result, &item->certificate,
                                       clock_now(request->services->clock));
        json_write_bool(result, "key_removed", key_removed);
        json_write_object_end(result);
    }
    certificate_list_done(&list);
    return ok;
}
