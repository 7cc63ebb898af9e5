/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_object.h"

#include "base/memory.h"
#include "crypto/certificate.h"
#include "keyholder/errors.h"

#define MODULUS_MAX 1024 /* bytes: 8192 bits */
#define EXPONENT_MAX 9
#define CERTIFICATES_MAX 16 /* that share a CKA_ID */

enum token_outcome token_object_find(CK_OBJECT_HANDLE *out, CK_ULONG most, CK_ULONG *count,
                                     struct token_use *use, CK_ATTRIBUTE *template, CK_ULONG size,
                                     const char *object, struct error *err)
{
    CK_FUNCTION_LIST *call = token_call(use->token);
    *count = 0;
    memset(out, 0, most * sizeof *out); /* a module may count what it does not write */
    CK_RV result = call->C_FindObjectsInit(use->session, template, size);
    if (result != CKR_OK)
        return token_session_outcome(use, result, "C_FindObjectsInit", object, err);
    result = call->C_FindObjects(use->session, out, most, count);
    CK_RV ended = call->C_FindObjectsFinal(use->session);
    if (result == CKR_OK)
        result = ended;
    if (result == CKR_OK && *count > most) {
        error_set(err, &token_wrong_answer, "PKCS#11 5.7", object,
                  "asked for %lu objects the token says that it gave %lu", most, *count);
        return TOKEN_REFUSED;
    }
    return token_session_outcome(use, result, "C_FindObjects", object, err);
}

enum token_outcome token_object_bytes(void *out, size_t size, size_t *got, struct token_use *use,
                                      CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type,
                                      const char *object, struct error *err)
{
    CK_ATTRIBUTE attribute = {type, out, size};
    CK_RV result = token_call(use->token)->C_GetAttributeValue(use->session, handle, &attribute, 1);
    *got = 0;
    if (result == CKR_ATTRIBUTE_SENSITIVE || result == CKR_ATTRIBUTE_TYPE_INVALID ||
        result == CKR_BUFFER_TOO_SMALL)
        return TOKEN_DONE;
    if (result != CKR_OK)
        return token_session_outcome(use, result, "C_GetAttributeValue", object, err);
    if (attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return TOKEN_DONE;
    if (attribute.ulValueLen > size) {
        error_set(err, &token_wrong_answer, "PKCS#11 5.7", object,
                  "the token says that it wrote %lu bytes into %zu", attribute.ulValueLen, size);
        return TOKEN_REFUSED;
    }
    *got = attribute.ulValueLen;
    return TOKEN_DONE;
}

enum token_outcome token_object_flag(bool *out, bool missing, struct token_use *use,
                                     CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type,
                                     const char *object, struct error *err)
{
    CK_BBOOL value = CK_FALSE;
    size_t got;
    enum token_outcome outcome =
        token_object_bytes(&value, sizeof value, &got, use, handle, type, object, err);
    *out = got == sizeof value ? value != CK_FALSE : missing;
    return outcome;
}

enum token_outcome token_object_rsa(struct public_key **out, struct token_use *use,
                                    CK_OBJECT_HANDLE handle, const char *object, struct error *err)
{
    uint8_t modulus[MODULUS_MAX + 1], exponent[EXPONENT_MAX + 1];
    size_t modulus_size = 0, exponent_size = 0;
    enum token_outcome outcome = token_object_bytes(modulus, sizeof modulus, &modulus_size, use,
                                                    handle, CKA_MODULUS, object, err);
    if (outcome == TOKEN_DONE)
        outcome = token_object_bytes(exponent, sizeof exponent, &exponent_size, use, handle,
                                     CKA_PUBLIC_EXPONENT, object, err);
    if (outcome != TOKEN_DONE || modulus_size == 0 || exponent_size == 0)
        return outcome;
    struct error reason = {0};
    if (public_key_of_rsa(out, slice_of(modulus, modulus_size), slice_of(exponent, exponent_size),
                          &reason))
        return TOKEN_DONE;
    error_set(err, &token_key_unsupported, NULL, object, "%s", reason.message);
    return TOKEN_REFUSED;
}

/* A certificate object's certificate; NULL when it holds none that can be read. */
static enum token_outcome read_certificate(struct certificate **out, struct token_use *use,
                                           CK_OBJECT_HANDLE handle, const char *object,
                                           struct error *err)
{
    uint8_t der[CERTIFICATE_SIZE_MAX];
    size_t size;
    enum token_outcome outcome =
        token_object_bytes(der, sizeof der, &size, use, handle, CKA_VALUE, object, err);
    if (outcome == TOKEN_DONE && size > 0)
        certificate_parse(out, slice_of(der, size), NULL);
    return outcome;
}

static bool has_key(const struct certificate *certificate, const struct public_key *key)
{
    return key == NULL || memcmp(public_key_digest(certificate_key(certificate)),
                                 public_key_digest(key), DIGEST_SHA256_SIZE) == 0;
}

/* Of several objects with the same bytes one is meant; of different ones nobody knows which. */
static enum token_outcome choose(struct certificate **chosen, struct token_use *use,
                                 const CK_OBJECT_HANDLE *handles, CK_ULONG count,
                                 const struct public_key *key, const char *object,
                                 struct error *err)
{
    for (CK_ULONG i = 0; i < count; i++) {
        _cleanup_certificate_ struct certificate *certificate = NULL;
        enum token_outcome outcome = read_certificate(&certificate, use, handles[i], object, err);
        if (outcome != TOKEN_DONE)
            return outcome;
        if (certificate == NULL || !has_key(certificate, key))
            continue;
        if (*chosen != NULL &&
            !slice_equal(certificate_der(*chosen), certificate_der(certificate))) {
            error_set(err, &token_key_ambiguous, NULL, object,
                      "the token has several certificates with the key's CKA_ID; give the one that "
                      "is meant as a file");
            return TOKEN_REFUSED;
        }
        if (*chosen == NULL)
            *chosen = memory_steal(&certificate);
    }
    return TOKEN_DONE;
}

enum token_outcome token_object_certificate(struct buf *out, struct public_key **found_key,
                                            struct token_use *use, struct slice id,
                                            const struct public_key *key, const char *object,
                                            struct error *err)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_CERTIFICATE_TYPE, &type, sizeof type},
                               {CKA_ID, (void *)id.data, id.size}};
    CK_OBJECT_HANDLE handles[CERTIFICATES_MAX];
    CK_ULONG count;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    enum token_outcome outcome =
        token_object_find(handles, CERTIFICATES_MAX, &count, use, template, 3, object, err);
    if (outcome == TOKEN_DONE)
        outcome = choose(&certificate, use, handles, count, key, object, err);
    if (outcome != TOKEN_DONE || certificate == NULL)
        return outcome;
    buf_append(out, certificate_der(certificate));
    if (found_key != NULL)
        *found_key = public_key_ref(certificate_key(certificate));
    return TOKEN_DONE;
}
