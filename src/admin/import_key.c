/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/import_key.h"

#include "admin/audit_key.h"
#include "admin/change.h"
#include "base/hex.h"
#include "keyholder/errors.h"

bool import_key_opens(bool *opens, struct keyholder *keyholder, struct slice sealed,
                      struct error *err)
{
    struct error cause = {0};
    *opens = keyholder_load(keyholder, sealed, NULL, &cause);
    /* Only that: a keyholder that is full, say, makes no key useless. */
    if (*opens || cause.code == &keyholder_sealed)
        return true;
    *err = cause;
    return false;
}

/* Whether the service has one that opens; name: of its STORE_KEY record, "" when it has none. */
static bool look(bool *opens, char name[2 * KEY_ID_SIZE + 1], const struct admin_request *request,
                 struct error *err)
{
    struct admin_audit_key key;
    struct error cause = {0};
    const struct admin_services *services = request->services;
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, STORE_VALUE_MAX);
    *opens = false;
    name[0] = '\0';
    bool found = admin_audit_key_load(&key, services->store, &cause);
    if (found)
        hex_format(slice_of(key.id, sizeof key.id), name);
    admin_audit_key_done(&key);
    if (found && store_get(services->store, STORE_KEY, name, &sealed, NULL, &cause))
        return import_key_opens(opens, services->keyholder, buf_slice(&sealed), err);
    if (error_kind(&cause) == ERROR_NOT_FOUND)
        return true;
    *err = cause;
    return false;
}

bool import_audit_key(const struct admin_request *request, struct error *err)
{
    bool opens;
    char name[2 * KEY_ID_SIZE + 1];
    struct admin_audit_key_draft draft;
    struct store_change changes[3];
    if (!look(&opens, name, request, err))
        return false;
    if (opens || request->dry_run)
        return true;
    bool ok = admin_audit_key_create(&draft, request->services->keyholder, err);
    if (ok) {
        admin_audit_key_changes(changes, &draft);
        changes[2] = (struct store_change){
            .kind = STORE_KEY, .key = name, .remove = true, .expected = STORE_ANY};
        if (name[0] != '\0')
            changes[1].expected = STORE_ANY;
        struct admin_change change = {"audit.key-made", "audit trail", SLICE_EMPTY,
                                      SLICE_EMPTY,      changes,       name[0] != '\0' ? 3 : 2};
        ok = admin_change_commit(request, &change, err);
    }
    admin_audit_key_draft_done(&draft);
    return ok;
}
