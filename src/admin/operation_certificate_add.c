/* SPDX-License-Identifier: Apache-2.0 */

/*
 * certificate.add. Where the private key comes from is one of: files that are given at a meeting; a
 * request of ours ("certificate": what an authority made of it); the key folder of each node
 * ("thumbprint"); a PKCS#11 token ("key_uri", with the certificate, or with the token's). Whatever
 * it is, the certificate must be fit and new, and its key must have shown that it is the
 * certificate's, before anything is stored.
 */

#include <stdio.h>

#include "admin/certificate_draft.h"
#include "admin/certificate_list.h"
#include "admin/certificate_token.h"
#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/requested.h"
#include "admin/thumbprint.h"
#include "base/file.h"

#define VALUE_MAX (64 * 1024)

struct adding {
    struct admin_request *request;
    enum keyprotection_certificate_type type;
    struct certificate_draft draft;
    struct certificate_list list;
    struct requested requested; /* whose certificate it is */
    bool completes;             /* the one above */
    bool loaded;                /* the keyholder may have the key on our account */
};

static bool read_type(struct adding *adding, struct error *err)
{
    const char *word;
    return json_get_text(&word, adding->request->arguments, "type", err) &&
           keyprotection_certificate_type_parse(&adding->type, word, err);
}

static int64_t now(const struct adding *adding)
{
    return clock_now(adding->request->services->clock);
}

static bool import(struct adding *adding, struct error *err)
{
    struct admin_request *request = adding->request;
    _cleanup_fd_ int meeting = -1;
    bool pair;
    if (!admin_request_descriptor(&meeting, request, "meeting_fd", err) ||
        !json_get_bool_or(&pair, request->arguments, "pair", false, err))
        return false;
    if (meeting < 0)
        return error_set(err, &admin_argument, "hgsctl(8)", "certificate add",
                         "no private key came with it: give --pfx, or --file and --key-file, or "
                         "--thumbprint");
    return certificate_draft_import(
        &adding->draft, adding->type, pair ? KEYPROTECTION_FILE : KEYPROTECTION_PFX,
        admin_request_give(&meeting), request->services->keyholder, now(adding), err);
}

/* Argument "certificate"; empty when there is none. */
static bool read_certificate(struct buf *der, const struct adding *adding, struct error *err)
{
    const struct json *arguments = adding->request->arguments;
    return json_get(arguments, "certificate") == NULL ||
           (json_get_bytes(der, arguments, "certificate", err) && buf_ok(der, "certificate", err));
}

/* Of the key that uri names: with der, or the certificate that the token has. */
static bool settle_token(struct adding *adding, const char *uri, struct slice der,
                         enum keyprotection_certificate_source source, struct error *err)
{
    bool only_sha1;
    struct admin_request *request = adding->request;
    _cleanup_certificate_token_key_ struct certificate_token_key found;
    certificate_token_key_init(&found);
    if (!json_get_bool_or(&only_sha1, request->arguments, "only_sha1", false, err) ||
        !certificate_token_find(&found, request->services, adding->type, uri, err))
        return false;
    adding->loaded = true;
    memcpy(adding->draft.certificate.key_id, public_key_digest(found.key), KEY_ID_SIZE);
    return certificate_token_settle(&adding->draft, adding->type, source, &found, uri, der,
                                    only_sha1, now(adding), err);
}

static bool take_from_token(struct adding *adding, struct error *err)
{
    const char *uri;
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    return json_get_text(&uri, adding->request->arguments, "key_uri", err) &&
           read_certificate(&der, adding, err) &&
           settle_token(adding, uri, buf_slice(&der), KEYPROTECTION_PKCS11, err);
}

static bool is_there_already(const struct adding *adding, struct error *err)
{
    return error_set(err, &admin_exists, NULL, adding->draft.record_key,
                     "the service has this certificate already; nothing was changed");
}

static bool check_absent(const struct adding *adding, struct error *err)
{
    for (size_t i = 0; i < adding->list.count; i++)
        if (strcmp(adding->list.items[i].record_key, adding->draft.record_key) == 0)
            return is_there_already(adding, err);
    return true;
}

static bool complete(struct adding *adding, struct error *err)
{
    struct admin_request *request = adding->request;
    struct certificate_draft *draft = &adding->draft;
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    if (!read_certificate(&der, adding, err) ||
        !certificate_draft_complete(draft, adding->type, buf_slice(&der), now(adding), err) ||
        !check_absent(adding, err) || /* its request is fulfilled, and so not there any more */
        !requested_load(&adding->requested, &adding->completes, request->services->store,
                        draft->certificate.key_id, err))
        return false;
    if (!adding->completes)
        return error_set(err, &admin_not_found, NULL, draft->record_key,
                         "no certificate was requested here for its key %.64s; give the private "
                         "key, too: --key-file",
                         draft->key_name);
    if (adding->requested.type != adding->type)
        return error_set(err, &admin_certificate_rule, NULL, draft->record_key,
                         "its key was made for a %s certificate",
                         keyprotection_certificate_type_name(adding->requested.type));
    if (adding->requested.key_uri[0] == '\0')
        return true;
    keyprotection_certificate_done(&draft->certificate);
    return settle_token(adding, adding->requested.key_uri, buf_slice(&der), KEYPROTECTION_REQUESTED,
                        err);
}

/* The whole thumbprint: which certificate is meant must not depend on what else lies there. */
static bool read_thumbprint(struct buf *out, const char *text, struct error *err)
{
    if (!thumbprint_whole(out, text))
        return error_set(err, &admin_argument, "hgsctl(8)", text,
                         "give the whole thumbprint: 64 hexadecimal digits of SHA-256, or 40 of "
                         "SHA-1 (openssl x509 -in CERT -noout -fingerprint -sha256)");
    return true;
}

static bool refer(struct adding *adding, struct error *err)
{
    const char *text;
    _cleanup_buf_ struct buf thumbprint;
    buf_init(&thumbprint, 32);
    if (!json_get_text(&text, adding->request->arguments, "thumbprint", err) ||
        !read_thumbprint(&thumbprint, text, err))
        return false;
    adding->loaded = true;
    return certificate_draft_refer(&adding->draft, adding->type, buf_slice(&thumbprint),
                                   adding->request->services->keyholder, now(adding), err);
}

static bool obtain(struct adding *adding, struct error *err)
{
    const struct json *arguments = adding->request->arguments;
    if (json_get(arguments, "key_uri") != NULL)
        return take_from_token(adding, err);
    if (json_get(arguments, "certificate") != NULL)
        return complete(adding, err);
    if (json_get(arguments, "thumbprint") != NULL)
        return refer(adding, err);
    return import(adding, err);
}

static bool is_primary_needed(const struct adding *adding)
{
    for (size_t i = 0; i < adding->list.count; i++) {
        const struct keyprotection_certificate *it = &adding->list.items[i].certificate;
        if (it->type == adding->type && it->primary)
            return false;
    }
    return true;
}

/* A key cannot be sealed in the state and be a file on each node at once: which one would serve? */
static bool check_source(const struct adding *adding, struct error *err)
{
    const struct keyprotection_certificate *added = &adding->draft.certificate;
    for (size_t i = 0; i < adding->list.count; i++) {
        const struct certificate_list_item *item = &adding->list.items[i];
        if (item->certificate.key_source != added->key_source &&
            memcmp(item->certificate.key_id, added->key_id, KEY_ID_SIZE) == 0)
            return error_set(err, &admin_certificate_rule, NULL, adding->draft.record_key,
                             "the private key of %s is the same, and known as %s: remove that one, "
                             "or add this one the same way",
                             item->record_key,
                             keyprotection_key_source_name(item->certificate.key_source));
    }
    return true;
}

static bool prove(struct adding *adding, struct error *err)
{
    struct admin_request *request = adding->request;
    adding->loaded = adding->loaded || adding->draft.sealed.size > 0;
    return certificate_draft_prove(&adding->draft, request->services->keyholder, err) &&
           certificate_key_name(adding->draft.key_name, &adding->list, &adding->draft.certificate,
                                request->services->store, err);
}

static bool commit(struct adding *adding, struct error *err)
{
    struct store_change changes[CERTIFICATE_DRAFT_CHANGES + 1];
    _cleanup_buf_ struct buf value;
    buf_init(&value, VALUE_MAX);
    adding->draft.certificate.primary = is_primary_needed(adding);
    size_t count = certificate_draft_changes(changes, &adding->draft, &value);
    if (adding->completes) /* the request is fulfilled */
        changes[count++] = (struct store_change){.kind = STORE_CERTIFICATE_REQUEST,
                                                 .key = adding->requested.key_name,
                                                 .remove = true,
                                                 .expected = adding->requested.revision};
    struct admin_change change = {"certificate.added",
                                  adding->draft.record_key,
                                  SLICE_EMPTY,
                                  buf_slice(&value),
                                  changes,
                                  count};
    if (admin_change_commit(adding->request, &change, err))
        return true;
    return error_kind(err) == ERROR_CONFLICT ? is_there_already(adding, err) : false;
}

/* A key that was loaded for nothing; not one that the service has otherwise, maybe only since
 * somebody else added the same. */
static void forget_unused(const struct adding *adding)
{
    const struct admin_services *services = adding->request->services;
    const uint8_t *key_id = adding->draft.certificate.key_id;
    if (adding->loaded && !certificate_key_is_needed(services->store, key_id))
        keyholder_forget(services->keyholder, key_id, NULL);
}

bool operation_certificate_add(struct admin_request *request, struct json_writer *result,
                               struct error *err)
{
    struct adding adding = {.request = request};
    certificate_draft_init(&adding.draft);
    requested_init(&adding.requested);
    bool ok = read_type(&adding, err) &&
              certificate_list_load(&adding.list, request->services->store, err) &&
              obtain(&adding, err) && check_absent(&adding, err) && check_source(&adding, err) &&
              prove(&adding, err) && commit(&adding, err);
    if (ok)
        certificate_list_write(result, &adding.draft.certificate, now(&adding));
    /* What is stored but not yet in force stays. */
    if (request->dry_run || (!ok && err->code != &admin_not_applied))
        forget_unused(&adding);
    requested_done(&adding.requested);
    certificate_list_done(&adding.list);
    certificate_draft_done(&adding.draft);
    return ok;
}
