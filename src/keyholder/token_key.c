/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_key.h"

#include <stdlib.h>

#include "base/memory.h"
#include "crypto/certificate.h"
#include "keyholder/errors.h"
#include "keyholder/purpose.h"
#include "keyholder/token_login.h"
#include "keyholder/token_slot.h"

bool token_key_signs(enum key_purpose purpose)
{
    return purpose_allows_signature(purpose, SIGNATURE_RSA_PKCS1_SHA256);
}

CK_ULONG token_key_names(CK_ATTRIBUTE out[2], const P11KitUri *uri)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_LABEL, CKA_ID};
    CK_ULONG count = 0;
    for (size_t i = 0; i < 2; i++) {
        const CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute((P11KitUri *)uri, types[i]);
        if (attribute != NULL)
            out[count++] = *attribute;
    }
    return count;
}

static bool make(struct token_key **out, struct token *token, const char *text,
                 enum key_purpose purpose, struct public_key *public_key, struct error *err)
{
    _cleanup_token_uri_ P11KitUri *uri = NULL;
    if (!token_uri_parse_key(&uri, text, err))
        return false;
    struct token_key *key =
        memory_allocate_zero(1, sizeof *key + token->workers * sizeof key->found[0]);
    key->token = token;
    key->uri_text = memory_copy_text(text);
    key->uri = memory_steal(&uri);
    key->purpose = purpose;
    key->public_key = public_key != NULL ? public_key_ref(public_key) : NULL;
    *out = key;
    return true;
}

void token_key_free(struct token_key **key)
{
    if (*key == NULL)
        return;
    public_key_free(&(*key)->public_key);
    token_uri_free(&(*key)->uri);
    free((*key)->uri_text);
    free(*key);
    *key = NULL;
}

const struct public_key *token_key_public(const struct token_key *key)
{
    return key->public_key;
}

/* The key's URI may speak of another token than that of this session. */
static enum token_outcome check_token(struct token_key *key, struct token_use *use,
                                      struct error *err)
{
    CK_SESSION_INFO session;
    CK_TOKEN_INFO info;
    CK_RV result = token_call(key->token)->C_GetSessionInfo(use->session, &session);
    if (result != CKR_OK)
        return token_session_outcome(use, result, "C_GetSessionInfo", key->uri_text, err);
    result = token_slot_info(&info, key->token, session.slotID);
    if (result != CKR_OK)
        return token_session_outcome(use, result, "C_GetTokenInfo", key->uri_text, err);
    if (token_slot_matches(key->uri, key->token, session.slotID, &info))
        return TOKEN_DONE;
    error_set(err, &token_key_missing, "RFC 7512 2.5", key->uri_text,
              "the key's URI names another token than %s", key->token->uri_text);
    return TOKEN_REFUSED;
}

static enum token_outcome find_private(CK_OBJECT_HANDLE *out, struct token_key *key,
                                       struct token_use *use, struct error *err)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof class}};
    CK_ULONG names = token_key_names(&template[1], key -> uri), count;
    CK_OBJECT_HANDLE handles[2];
    enum token_outcome outcome =
        token_object_find(handles, 2, &count, use, template, 1 + names, key->uri_text, err);
    if (outcome != TOKEN_DONE)
        return outcome;
    if (count == 0) {
        /* Where a key was, or must be, it is the token that is not as it should be. */
        error_set(err, key->public_key != NULL ? &token_key_changed : &token_key_missing, NULL,
                  key->uri_text, "the token has no private key of that name");
        return TOKEN_REFUSED;
    }
    if (count > 1) {
        error_set(err, &token_key_ambiguous, NULL, key->uri_text,
                  "the token has several private keys of that name");
        return TOKEN_REFUSED;
    }
    *out = handles[0];
    return TOKEN_DONE;
}

/* Both attributes are true where a token does not tell them. */
static enum token_outcome check_usage(struct token_key *key, struct token_use *use,
                                      CK_OBJECT_HANDLE handle, struct error *err)
{
    bool signs = token_key_signs(key->purpose), allowed;
    enum token_outcome outcome = token_object_flag(
        &allowed, true, use, handle, signs ? CKA_SIGN : CKA_DECRYPT, key->uri_text, err);
    if (outcome != TOKEN_DONE || allowed)
        return outcome;
    error_set(err, &token_key_usage, NULL, key->uri_text, "%s is false, and the key is for %s",
              signs ? "CKA_SIGN" : "CKA_DECRYPT", purpose_name(key->purpose));
    return TOKEN_REFUSED;
}

static enum token_outcome check_type(struct token_key *key, struct token_use *use,
                                     CK_OBJECT_HANDLE handle, struct error *err)
{
    CK_KEY_TYPE type = 0;
    size_t got;
    enum token_outcome outcome =
        token_object_bytes(&type, sizeof type, &got, use, handle, CKA_KEY_TYPE, key->uri_text, err);
    if (outcome != TOKEN_DONE || (got == sizeof type && type == CKK_RSA))
        return outcome;
    error_set(err, &token_key_unsupported, NULL, key->uri_text, "it is no RSA key");
    return TOKEN_REFUSED;
}

/* The public key object with the private key's CKA_ID. */
static enum token_outcome read_public_object(struct public_key **out, struct token_key *key,
                                             struct token_use *use, struct slice id,
                                             struct error *err)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_ID, (void *)id.data, id.size}};
    CK_OBJECT_HANDLE handles[2];
    CK_ULONG count;
    enum token_outcome outcome =
        token_object_find(handles, 2, &count, use, template, 2, key->uri_text, err);
    if (outcome != TOKEN_DONE || count != 1)
        return outcome;
    return token_object_rsa(out, use, handles[0], key->uri_text, err);
}

static enum token_outcome read_id(uint8_t id[TOKEN_OBJECT_TEXT_MAX], size_t *size,
                                  struct token_key *key, struct token_use *use,
                                  CK_OBJECT_HANDLE handle, struct error *err)
{
    return token_object_bytes(id, TOKEN_OBJECT_TEXT_MAX, size, use, handle, CKA_ID, key->uri_text,
                              err);
}

/* From whatever lies nearest: the private key, its public key, its certificate. */
static enum token_outcome read_public(struct public_key **out, struct token_key *key,
                                      struct token_use *use, CK_OBJECT_HANDLE handle,
                                      struct error *err)
{
    enum token_outcome outcome = token_object_rsa(out, use, handle, key->uri_text, err);
    uint8_t id[TOKEN_OBJECT_TEXT_MAX];
    size_t id_size = 0;
    if (outcome == TOKEN_DONE && *out == NULL)
        outcome = read_id(id, &id_size, key, use, handle, err);
    if (outcome == TOKEN_DONE && *out == NULL && id_size > 0)
        outcome = read_public_object(out, key, use, slice_of(id, id_size), err);
    _cleanup_buf_ struct buf certificate;
    buf_init(&certificate, CERTIFICATE_SIZE_MAX);
    if (outcome == TOKEN_DONE && *out == NULL && id_size > 0)
        outcome = token_object_certificate(&certificate, out, use, slice_of(id, id_size), NULL,
                                           key->uri_text, err);
    if (outcome != TOKEN_DONE || *out != NULL)
        return outcome;
    error_set(err, &token_key_unsupported, NULL, key->uri_text,
              "it does not tell its modulus, and no public key or certificate has its CKA_ID");
    return TOKEN_REFUSED;
}

/* Takes the public key over, or compares it with the one that is expected. */
static enum token_outcome check_public(struct token_key *key, struct token_use *use,
                                       CK_OBJECT_HANDLE handle, struct error *err)
{
    _cleanup_public_key_ struct public_key *found = NULL;
    enum token_outcome outcome = read_public(&found, key, use, handle, err);
    if (outcome != TOKEN_DONE)
        return outcome;
    struct error reason = {0};
    if (!purpose_check_key(key->purpose, found, &reason)) {
        error_set(err, &token_key_unsupported, NULL, key->uri_text, "%s", reason.message);
        return TOKEN_REFUSED;
    }
    if (key->public_key == NULL) {
        key->public_key = memory_steal(&found);
        return TOKEN_DONE;
    }
    if (slice_equal(public_key_spki(found), public_key_spki(key->public_key)))
        return TOKEN_DONE;
    error_set(err, &token_key_changed, NULL, key->uri_text,
              "the key that lies there is not the one that is expected");
    return TOKEN_REFUSED;
}

static enum token_outcome look_for(struct token_found *found, struct token_key *key,
                                   struct token_use *use, struct error *err)
{
    enum token_outcome outcome = check_token(key, use, err);
    if (outcome == TOKEN_DONE)
        outcome = find_private(&found->handle, key, use, err);
    if (outcome == TOKEN_DONE)
        outcome = check_type(key, use, found->handle, err);
    if (outcome == TOKEN_DONE)
        outcome = check_usage(key, use, found->handle, err);
    if (outcome == TOKEN_DONE)
        outcome = check_public(key, use, found->handle, err);
    if (outcome == TOKEN_DONE)
        outcome = token_object_flag(&found->confirm, false, use, found->handle,
                                    CKA_ALWAYS_AUTHENTICATE, key->uri_text, err);
    return outcome;
}

enum token_outcome token_key_find(struct token_found *out, struct token_key *key,
                                  struct token_use *use, struct error *err)
{
    struct token_found *known = &key->found[use->place];
    if (known->serial != use->serial) {
        struct token_found found = {.serial = use->serial};
        enum token_outcome outcome = look_for(&found, key, use, err);
        if (outcome != TOKEN_DONE)
            return outcome;
        *known = found;
    }
    *out = *known;
    return TOKEN_DONE;
}

enum token_outcome token_key_confirm(const struct token_found *found, struct token_key *key,
                                     struct token_use *use, struct error *err)
{
    enum token_loss lost;
    if (!found->confirm || token_login(key->token, use->session, CKU_CONTEXT_SPECIFIC, &lost, err))
        return TOKEN_DONE;
    use->spoiled = true;
    return TOKEN_REFUSED;
}

static enum token_outcome find_attempt(struct token_use *use, void *context, struct error *err)
{
    struct token_found found;
    return token_key_find(&found, context, use, err);
}

bool token_key_open(struct token_key **out, struct token *token, unsigned worker, const char *uri,
                    enum key_purpose purpose, struct error *err)
{
    _cleanup_token_key_ struct token_key *key = NULL;
    if (!make(&key, token, uri, purpose, NULL, err) ||
        !token_session_run(token, worker, true, find_attempt, key, err))
        return false;
    key->size = ((size_t)public_key_bits(key->public_key) + 7) / 8;
    *out = memory_steal(&key);
    return true;
}

bool token_key_expect(struct token_key **out, struct token *token, const char *uri,
                      enum key_purpose purpose, struct public_key *public_key, struct error *err)
{
    if (!purpose_check_key(purpose, public_key, err) ||
        !make(out, token, uri, purpose, public_key, err))
        return false;
    (*out)->size = ((size_t)public_key_bits(public_key) + 7) / 8;
    return true;
}

struct certificate_wish {
    struct token_key *key;
    struct buf *out;
};

static enum token_outcome certificate_attempt(struct token_use *use, void *context,
                                              struct error *err)
{
    struct certificate_wish *wish = context;
    struct token_key *key = wish->key;
    uint8_t id[TOKEN_OBJECT_TEXT_MAX];
    size_t id_size = 0;
    struct token_found found;
    enum token_outcome outcome = token_key_find(&found, key, use, err);
    if (outcome == TOKEN_DONE)
        outcome = read_id(id, &id_size, key, use, found.handle, err);
    if (outcome == TOKEN_DONE && id_size > 0)
        outcome = token_object_certificate(wish->out, NULL, use, slice_of(id, id_size),
                                           key->public_key, key->uri_text, err);
    return outcome;
}

bool token_key_certificate(struct token_key *key, unsigned worker, struct buf *out,
                           struct error *err)
{
    _cleanup_buf_ struct buf found;
    buf_init(&found, CERTIFICATE_SIZE_MAX);
    struct certificate_wish wish = {key, &found};
    if (!token_session_run(key->token, worker, true, certificate_attempt, &wish, err))
        return false;
    if (found.size == 0)
        return error_set(err, &token_certificate_missing, NULL, key->uri_text,
                         "the token has no certificate with the key's CKA_ID and public key");
    buf_append(out, buf_slice(&found));
    return true;
}
