/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/certificate_key.h"

#include <stdio.h>

#include "admin/requested.h"
#include "base/hex.h"
#include "keyholder/keyholder.h"

bool certificate_key_is_used(const struct certificate_list *list, const uint8_t key_id[32],
                             const enum keyprotection_certificate_type *type,
                             const struct certificate_list_item *except)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct keyprotection_certificate *it = &list->items[i].certificate;
        if (&list->items[i] != except && it->key_source == KEYPROTECTION_KEY_SEALED &&
            (type == NULL || it->type == *type) && memcmp(it->key_id, key_id, KEY_ID_SIZE) == 0)
            return true;
    }
    return false;
}

static bool has_certificate(struct store *store, const uint8_t key_id[32])
{
    struct certificate_list list = {0};
    bool has = !certificate_list_load(&list, store, NULL);
    for (size_t i = 0; i < list.count && !has; i++)
        has = memcmp(list.items[i].certificate.key_id, key_id, KEY_ID_SIZE) == 0;
    certificate_list_done(&list);
    return has;
}

bool certificate_key_is_needed(struct store *store, const uint8_t key_id[32])
{
    bool found = false;
    _cleanup_requested_ struct requested requested;
    requested_init(&requested);
    return !requested_load(&requested, &found, store, key_id, NULL) || found ||
           has_certificate(store, key_id);
}

static void make_names(struct certificate_key_names *names, const uint8_t key_id[32],
                       enum keyprotection_certificate_type type)
{
    hex_format(slice_of(key_id, KEY_ID_SIZE), names->plain);
    snprintf(names->of_type, sizeof names->of_type, "%.64s/%s", names->plain,
             keyprotection_certificate_type_name(type));
}

static bool exists(bool *found, struct store *store, const char *name, struct error *err)
{
    struct error why = {0};
    *found = store_get(store, STORE_KEY, name, NULL, NULL, &why);
    if (!*found && error_kind(&why) != ERROR_NOT_FOUND) {
        *err = why;
        return false;
    }
    return true;
}

/* Whether other types have a certificate with the key. */
static bool other_type_has_it(const struct certificate_list *list,
                              const struct keyprotection_certificate *certificate)
{
    for (int type = 0; type <= KEYPROTECTION_COMMUNICATIONS; type++) {
        enum keyprotection_certificate_type other = (enum keyprotection_certificate_type)type;
        if (other != certificate->type &&
            certificate_key_is_used(list, certificate->key_id, &other, NULL))
            return true;
    }
    return false;
}

bool certificate_key_name(char name[CERTIFICATE_KEY_NAME_SIZE], const struct certificate_list *list,
                          const struct keyprotection_certificate *certificate, struct store *store,
                          struct error *err)
{
    bool has_own;
    struct certificate_key_names names;
    make_names(&names, certificate->key_id, certificate->type);
    if (!exists(&has_own, store, names.of_type, err))
        return false;
    bool own =
        has_own || (other_type_has_it(list, certificate) &&
                    !certificate_key_is_used(list, certificate->key_id, &certificate->type, NULL));
    snprintf(name, CERTIFICATE_KEY_NAME_SIZE, "%s", own ? names.of_type : names.plain);
    return true;
}

bool certificate_key_removals(struct store_change changes[CERTIFICATE_KEY_REMOVALS], size_t *count,
                              struct certificate_key_names *names,
                              const struct certificate_list *list,
                              const struct certificate_list_item *item, struct store *store,
                              struct error *err)
{
    bool has_own;
    const struct keyprotection_certificate *it = &item->certificate;
    make_names(names, it->key_id, it->type);
    *count = 0;
    if (it->key_source != KEYPROTECTION_KEY_SEALED ||
        certificate_key_is_used(list, it->key_id, &it->type, item))
        return true;
    if (!exists(&has_own, store, names->of_type, err))
        return false;
    if (has_own)
        changes[(*count)++] = (struct store_change){
            .kind = STORE_KEY, .key = names->of_type, .remove = true, .expected = STORE_ANY};
    /* The plain one was this type's, or nobody's any more. */
    if (!has_own || !certificate_key_is_used(list, it->key_id, NULL, item))
        changes[(*count)++] = (struct store_change){
            .kind = STORE_KEY, .key = names->plain, .remove = true, .expected = STORE_ANY};
    return true;
}
