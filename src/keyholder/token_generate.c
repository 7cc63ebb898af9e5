/* SPDX-License-Identifier: Apache-2.0 */
/* New keys in a token: token_key_generate() of token.h. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "keyholder/errors.h"
#include "keyholder/token_key.h"
#include "keyholder/token_uri_p11.h"

#define ID_SIZE 16

struct generation {
    struct token *token;
    const char *uri_text;
    const P11KitUri *uri;
    enum key_purpose purpose;
    CK_ULONG bits;
    uint8_t made_id[ID_SIZE];
    char made_label[2 * TOKEN_OBJECT_TEXT_MAX + 1];
    CK_ATTRIBUTE id, label;
};

/* What the URI does not say is made up: an id at random, a label that writes the id. */
static bool name(struct generation *generation, struct error *err)
{
    P11KitUri *uri = (P11KitUri *)generation->uri;
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(uri, CKA_ID),
                       *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
    if ((id != NULL && id->ulValueLen > TOKEN_OBJECT_TEXT_MAX) ||
        (label != NULL && label->ulValueLen > TOKEN_OBJECT_TEXT_MAX))
        return error_set(err, &token_uri_invalid, NULL, generation->uri_text,
                         "object= and id= of a new key have at most %d bytes",
                         TOKEN_OBJECT_TEXT_MAX);
    random_bytes(generation->made_id, ID_SIZE);
    generation->id = id != NULL ? *id : (CK_ATTRIBUTE){CKA_ID, generation->made_id, ID_SIZE};
    if (label != NULL) {
        generation->label = *label;
        return true;
    }
    hex_format(slice_of(generation->id.pValue, generation->id.ulValueLen), generation->made_label);
    generation->label =
        (CK_ATTRIBUTE){CKA_LABEL, generation->made_label, strlen(generation->made_label)};
    return true;
}

/* Neither may there be another key of that name, nor one with the same CKA_ID. */
static enum token_outcome check_free(struct generation *generation, struct token_use *use,
                                     struct error *err)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE by_id[] = {{CKA_CLASS, &class, sizeof class}, generation->id};
    CK_ATTRIBUTE by_name[3] = {{CKA_CLASS, &class, sizeof class}};
    CK_ULONG names = token_key_names(&by_name[1], generation->uri), count[2] = {0, 0};
    CK_OBJECT_HANDLE handle;
    enum token_outcome outcome =
        token_object_find(&handle, 1, &count[0], use, by_id, 2, generation->uri_text, err);
    if (outcome == TOKEN_DONE)
        outcome = token_object_find(&handle, 1, &count[1], use, by_name, 1 + names,
                                    generation->uri_text, err);
    if (outcome != TOKEN_DONE || count[0] + count[1] == 0)
        return outcome;
    error_set(err, &token_key_exists, NULL, generation->uri_text,
              "the token has a private key of that name or id");
    return TOKEN_REFUSED;
}

static CK_RV generate(struct generation *generation, struct token_use *use,
                      CK_SESSION_HANDLE session)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    /* Whatever it is for, it signs the request for its certificate. */
    CK_BBOOL decrypts = token_key_signs(generation->purpose) ? CK_FALSE : CK_TRUE;
    CK_BYTE exponent[] = {1, 0, 1};
    /* The token need not verify or encrypt: the less is asked for, the fewer tokens refuse. */
    CK_ATTRIBUTE public_key[] = {
        generation->id,
        generation->label,
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_MODULUS_BITS, &generation->bits, sizeof generation->bits},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent},
    };
    CK_ATTRIBUTE private_key[] = {
        generation->id,
        generation->label,
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_SIGN, &yes, sizeof yes},
        {CKA_DECRYPT, &decrypts, sizeof decrypts},
        {CKA_UNWRAP, &no, sizeof no},
    };
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE handles[2];
    return token_call(use->token)
        ->C_GenerateKeyPair(session, &mechanism, public_key,
                            sizeof public_key / sizeof public_key[0], private_key,
                            sizeof private_key / sizeof private_key[0], &handles[0], &handles[1]);
}

/* A session that may write; the login of the token's other sessions is also this one's. */
static CK_RV open_writable(CK_SESSION_HANDLE *out, struct token_use *use)
{
    CK_SESSION_INFO session;
    CK_RV result = token_call(use->token)->C_GetSessionInfo(use->session, &session);
    if (result != CKR_OK)
        return result;
    return token_call(use->token)
        ->C_OpenSession(session.slotID, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, out);
}

static enum token_outcome generate_attempt(struct token_use *use, void *context, struct error *err)
{
    struct generation *generation = context;
    enum token_outcome outcome = check_free(generation, use, err);
    if (outcome != TOKEN_DONE)
        return outcome;
    CK_SESSION_HANDLE session;
    CK_RV result = open_writable(&session, use);
    if (result != CKR_OK)
        return token_session_outcome(use, result, "C_OpenSession", generation->uri_text, err);
    result = generate(generation, use, session);
    token_call(use->token)->C_CloseSession(session);
    if (!token_result_unable(result))
        return token_session_outcome(use, result, "C_GenerateKeyPair", generation->uri_text, err);
    char text[TOKEN_RESULT_NAME_SIZE];
    error_set(err, &token_mechanism, "PKCS#11 mechanisms 2.1.4", generation->uri_text,
              "C_GenerateKeyPair answered %s: make the key by the HSM's own tool",
              token_result_name(result, text));
    return TOKEN_REFUSED;
}

/* By its names, which were free before: handles are good for the session that gave them. */
static CK_RV destroy(const struct generation *generation, struct token_use *use,
                     CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, generation->id, generation->label};
    struct token_use writable = *use;
    writable.session = session;
    CK_OBJECT_HANDLE handle;
    CK_ULONG count;
    if (token_object_find(&handle, 1, &count, &writable, template, 3, generation->uri_text, NULL) !=
            TOKEN_DONE ||
        count == 0)
        return CKR_OBJECT_HANDLE_INVALID;
    return token_call(use->token)->C_DestroyObject(session, handle);
}

static enum token_outcome destroy_attempt(struct token_use *use, void *context, struct error *err)
{
    const struct generation *generation = context;
    CK_SESSION_HANDLE session;
    CK_RV result = open_writable(&session, use);
    if (result != CKR_OK)
        return token_session_outcome(use, result, "C_OpenSession", generation->uri_text, err);
    result = destroy(generation, use, session, CKO_PRIVATE_KEY);
    destroy(generation, use, session, CKO_PUBLIC_KEY);
    token_call(use->token)->C_CloseSession(session);
    return token_session_outcome(use, result, "C_DestroyObject", generation->uri_text, err);
}

/* A key that does not do what it was made for. */
static void take_back(struct generation *generation, unsigned worker, struct error *err)
{
    if (token_session_run(generation->token, worker, true, destroy_attempt, generation, NULL) ||
        err == NULL)
        return;
    size_t size = strlen(err->message);
    snprintf(err->message + size, sizeof err->message - size,
             "; the new key could not be removed from the token again");
}

bool token_key_generate(struct token_key **out, struct token *token, unsigned worker,
                        const char *uri, enum key_purpose purpose, int bits, struct error *err)
{
    _cleanup_token_uri_ P11KitUri *parsed = NULL;
    if (!token_uri_parse_key(&parsed, uri, err))
        return false;
    struct generation generation = {
        .token = token, .uri_text = uri, .uri = parsed, .purpose = purpose, .bits = (CK_ULONG)bits};
    if (!name(&generation, err) ||
        !token_session_run(token, worker, true, generate_attempt, &generation, err))
        return false;
    _cleanup_token_key_ struct token_key *key = NULL;
    struct token_abilities abilities;
    if (token_key_open(&key, token, worker, uri, purpose, err) &&
        token_key_probe(key, worker, &abilities, err)) {
        *out = memory_steal(&key);
        return true;
    }
    take_back(&generation, worker, err);
    return false;
}
