/* SPDX-License-Identifier: Apache-2.0 */

/* certificate.permission: whether the private key of a certificate can be used, and, of one in a
 * file, who must be able to read it where. The certificate need not have been added yet. */

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/certificate_draft.h"
#include "admin/certificate_key.h"
#include "admin/certificate_list.h"
#include "admin/certificate_proof.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/thumbprint.h"
#include "base/hex.h"

struct asking {
    const struct admin_request *request;
    struct certificate_list list;
    const struct certificate_list_item *item; /* NULL: the service does not have it */
    struct buf thumbprint;
    struct error failure;
    bool works;
};

/* Of the service, or a whole thumbprint. */
static bool find(struct asking *asking, struct error *err)
{
    const char *text;
    struct error why = {0};
    if (!json_get_text(&text, asking->request->arguments, "thumbprint", err) ||
        !certificate_list_load(&asking->list, asking->request->services->store, err))
        return false;
    asking->item = certificate_list_find(&asking->list, text, NULL, &why);
    if (asking->item != NULL) {
        const struct certificate *certificate = asking->item->certificate.certificate;
        buf_append(&asking->thumbprint, slice_of(certificate_facts(certificate)->thumbprint, 32));
        return true;
    }
    if (error_kind(&why) == ERROR_NOT_FOUND && thumbprint_whole(&asking->thumbprint, text))
        return true;
    *err = why;
    return false;
}

/* A key that nobody uses yet is looked for, and forgotten again. */
static void try_unknown(struct asking *asking)
{
    struct keyholder *keyholder = asking->request->services->keyholder;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    asking->works = keyholder_reference(keyholder, KEY_PURPOSE_GUARDIAN_SIGNING,
                                        buf_slice(&asking->thumbprint), &der, &asking->failure) &&
                    certificate_parse(&certificate, buf_slice(&der), &asking->failure);
    if (!asking->works)
        return;
    const uint8_t *key_id = public_key_digest(certificate_key(certificate));
    if (!certificate_key_is_needed(asking->request->services->store, key_id))
        keyholder_forget(keyholder, key_id, NULL);
}

static void try_known(struct asking *asking)
{
    struct keyholder *keyholder = asking->request->services->keyholder;
    const struct keyprotection_certificate *it = &asking->item->certificate;
    asking->works = (it->key_source != KEYPROTECTION_KEY_FILE ||
                     keyholder_reference(keyholder, certificate_draft_purpose(it->type),
                                         buf_slice(&asking->thumbprint), NULL, &asking->failure)) &&
                    certificate_proof(it, keyholder, &asking->failure);
}

static void write_user(struct json_writer *result, const char *configured)
{
    struct passwd entry, *found = NULL;
    char space[4096], number[16];
    snprintf(number, sizeof number, "%u", (unsigned)geteuid());
    if (*configured == '\0')
        configured = getpwuid_r(geteuid(), &entry, space, sizeof space, &found) == 0 && found
                         ? entry.pw_name
                         : number;
    json_write_text(result, "user", configured);
}

static void write_answer(struct json_writer *result, const struct asking *asking)
{
    const struct admin_services *services = asking->request->services;
    enum keyprotection_key_source source =
        asking->item != NULL ? asking->item->certificate.key_source : KEYPROTECTION_KEY_FILE;
    json_write_object(result, NULL);
    json_write_hex(result, "thumbprint", buf_slice(&asking->thumbprint));
    json_write_bool(result, "added", asking->item != NULL);
    json_write_text(result, "key_source", keyprotection_key_source_name(source));
    json_write_bool(result, "works", asking->works);
    if (!asking->works)
        json_write_error(result, "error", &asking->failure);
    if (source == KEYPROTECTION_KEY_FILE) {
        json_write_text(result, "folder", services->key_folder);
        write_user(result, services->keyholder_user);
    }
    json_write_object_end(result);
}

bool operation_certificate_permission(struct admin_request *request, struct json_writer *result,
                                      struct error *err)
{
    struct asking asking = {.request = request};
    buf_init(&asking.thumbprint, 32);
    bool ok = find(&asking, err);
    if (ok) {
        if (asking.item != NULL)
            try_known(&asking);
        else
            try_unknown(&asking);
        write_answer(result, &asking);
    }
    certificate_list_done(&asking.list);
    buf_done(&asking.thumbprint);
    return ok;
}
