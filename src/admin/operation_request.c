/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "admin/certificate_draft.h"
#include "admin/certificate_token.h"
#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/requested.h"
#include "base/hex.h"
#include "base/memory.h"
#include "crypto/certificate_request.h"
#include "crypto/name.h"
#include "keyholder/errors.h"

#define SUBJECT_MAX 4096
#define REQUEST_VALUE_MAX (4 * CERTIFICATE_REQUEST_SIZE_MAX)

/* The key, and its request. */
struct making {
    struct requested requested;
    struct public_key *key;
    struct buf sealed; /* empty: the key is in a token */
    struct buf subject;
    bool
        made; /* in the token, just now; when nothing is to be done, it would be, and key is NULL */
};

static void making_init(struct making *making)
{
    *making = (struct making){0};
    requested_init(&making->requested);
    buf_init(&making->sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&making->subject, SUBJECT_MAX);
}

static void making_done(struct making *making)
{
    requested_done(&making->requested);
    public_key_free(&making->key);
    buf_done(&making->sealed);
    buf_done(&making->subject);
}

static bool read_arguments(struct making *making, const struct admin_request *request,
                           struct error *err)
{
    const char *type, *subject;
    int64_t usage;
    struct requested *requested = &making->requested;
    if (!json_get_text(&type, request->arguments, "type", err) ||
        !keyprotection_certificate_type_parse(&requested->type, type, err) ||
        !json_get_text(&subject, request->arguments, "subject", err) ||
        !name_parse(&making->subject, subject, err) ||
        !json_get_integer_or(&usage, request->arguments, "usage", 0, err))
        return false;
    if (strlen(subject) >= sizeof requested->subject)
        return error_set(err, &admin_argument, NULL, "subject", "it is too long");
    snprintf(requested->subject, sizeof requested->subject, "%s", subject);
    requested->usage =
        usage != 0 ? (unsigned)usage : keyprotection_certificate_type_usage(requested->type);
    requested->added = clock_now(request->services->clock);
    snprintf(requested->added_by, sizeof requested->added_by, "%s", request->caller->name);
    return keyprotection_certificate_check_usage(requested->type, requested->usage, subject, err);
}

/* A key that is made only in earnest. */
static bool find_only(struct certificate_token_key *out, bool *missing,
                      const struct admin_request *request, enum keyprotection_certificate_type type,
                      const char *uri, struct error *err)
{
    struct error cause = {0};
    if (certificate_token_find(out, request->services, type, uri, &cause))
        return true;
    *missing = cause.code == &token_key_missing;
    if (!*missing)
        *err = cause;
    return *missing;
}

/* Argument "key_uri": the key of a token, which is made there when it has none. */
static bool use_token(struct making *making, const char *uri, const struct admin_request *request,
                      struct error *err)
{
    struct requested *requested = &making->requested;
    _cleanup_certificate_token_key_ struct certificate_token_key found;
    certificate_token_key_init(&found);
    bool ok = request->dry_run
                  ? find_only(&found, &making->made, request, requested->type, uri, err)
                  : certificate_token_find_or_make(&found, &making->made, request->services,
                                                   requested->type, uri, err);
    if (!ok)
        return false;
    snprintf(requested->key_uri, sizeof requested->key_uri, "%s", uri);
    if (found.key == NULL)
        return true;
    making->key = memory_steal(&found.key);
    buf_append(&requested->public_key, public_key_spki(making->key));
    return buf_ok(&requested->public_key, "the token's key", err);
}

static bool obtain_key(struct making *making, const struct admin_request *request,
                       struct error *err)
{
    const char *uri;
    struct keyholder *keyholder = request->services->keyholder;
    if (json_get(request->arguments, "key_uri") != NULL)
        return json_get_text(&uri, request->arguments, "key_uri", err) &&
               use_token(making, uri, request, err);
    return keyholder_generate(keyholder, certificate_draft_purpose(making->requested.type),
                              PRIVATE_KEY_RSA_2048, &making->key, &making->sealed, err) &&
           keyholder_load(keyholder, buf_slice(&making->sealed), NULL, err);
}

static bool make(struct making *making, const struct admin_request *request, struct error *err)
{
    struct requested *requested = &making->requested;
    struct keyholder *keyholder = request->services->keyholder;
    if (!obtain_key(making, request, err))
        return false;
    if (making->key == NULL)
        return true;
    hex_format(slice_of(public_key_digest(making->key), KEY_ID_SIZE), requested->key_name);
    struct keyholder_key reference = {keyholder, making->key};
    struct signer signer = keyholder_request_signer(&reference);
    struct certificate_request_template wanted = {buf_slice(&making->subject), requested->usage};
    return certificate_request_issue(&requested->der, &wanted, &signer, err);
}

static bool commit(const struct making *making, const struct admin_request *request,
                   struct error *err)
{
    const struct requested *requested = &making->requested;
    _cleanup_buf_ struct buf value;
    buf_init(&value, REQUEST_VALUE_MAX);
    if (making->key == NULL)
        return true;
    requested_format(&value, requested);
    struct store_change changes[] = {{.kind = STORE_CERTIFICATE_REQUEST,
                                      .key = requested->key_name,
                                      .value = buf_slice(&value),
                                      .expected = STORE_ABSENT},
                                     {.kind = STORE_KEY,
                                      .key = requested->key_name,
                                      .value = buf_slice(&making->sealed),
                                      .expected = STORE_ABSENT}};
    size_t count = making->sealed.size > 0 ? 2 : 1;
    struct admin_change change = {"certificate.requested",
                                  requested->key_name,
                                  SLICE_EMPTY,
                                  buf_slice(&value),
                                  changes,
                                  count};
    if (admin_change_commit(request, &change, err))
        return true;
    return error_kind(err) != ERROR_CONFLICT
               ? false
               : error_set(err, &admin_exists, NULL, requested->key_name,
                           "a certificate was requested for this key already: certificate request "
                           "--again writes that request, and certificate cancel ends it");
}

bool operation_certificate_requested(struct admin_request *request, struct json_writer *result,
                                     struct error *err)
{
    const char *text;
    _cleanup_requested_ struct requested requested;
    requested_init(&requested);
    if (!json_get_text(&text, request->arguments, "key_id", err) ||
        !requested_find(&requested, request->services->store, text, err))
        return false;
    requested_write(result, &requested);
    return true;
}

bool operation_certificate_cancel(struct admin_request *request, struct json_writer *result,
                                  struct error *err)
{
    const char *text;
    _cleanup_requested_ struct requested requested;
    _cleanup_buf_ struct buf value;
    requested_init(&requested);
    buf_init(&value, REQUEST_VALUE_MAX);
    if (!json_get_text(&text, request->arguments, "key_id", err) ||
        !requested_find(&requested, request->services->store, text, err))
        return false;
    requested_format(&value, &requested);
    struct store_change changes[] = {
        {.kind = STORE_CERTIFICATE_REQUEST,
         .key = requested.key_name,
         .remove = true,
         .expected = requested.revision},
        {.kind = STORE_KEY, .key = requested.key_name, .remove = true, .expected = STORE_ANY}};
    struct admin_change change = {"certificate.cancelled",
                                  requested.key_name,
                                  buf_slice(&value),
                                  SLICE_EMPTY,
                                  changes,
                                  requested.key_uri[0] != '\0' ? 1 : 2};
    if (!admin_change_commit(request, &change, err))
        return false;
    requested_write(result, &requested);
    return true;
}

static void write_result(struct json_writer *result, const struct making *making)
{
    json_write_object(result, NULL);
    requested_write_properties(result, &making->requested);
    json_write_bool(result, "key_made", making->sealed.size > 0 || making->made);
    json_write_object_end(result);
}

bool operation_certificate_request(struct admin_request *request, struct json_writer *result,
                                   struct error *err)
{
    struct making making;
    struct keyholder *keyholder = request->services->keyholder;
    making_init(&making);
    bool good = read_arguments(&making, request, err) && make(&making, request, err) &&
                commit(&making, request, err);
    /* A token's key may serve a certificate already. */
    if (making.sealed.size > 0 && making.key != NULL && (!good || request->dry_run))
        keyholder_forget(keyholder, public_key_digest(making.key), NULL);
    if (good)
        write_result(result, &making);
    making_done(&making);
    return good;
}
