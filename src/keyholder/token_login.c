/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_login.h"

#include "keyholder/errors.h"
#include "keyholder/token_slot.h"

static bool check_token(const struct token *token, CK_FLAGS flags, struct error *err)
{
    const char *uri = token->uri_text;
    if ((flags & CKF_TOKEN_INITIALIZED) == 0)
        return error_set(err, &token_unready, NULL, uri, "the token is not initialised");
    if ((flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0)
        return error_set(err, &token_pin_pad, "PKCS#11 CKF_PROTECTED_AUTHENTICATION_PATH", uri,
                         "the PIN is to be typed at the token");
    if ((flags & CKF_USER_PIN_INITIALIZED) == 0)
        return error_set(err, &token_unready, NULL, uri, "the token has no user PIN");
    if ((flags & CKF_USER_PIN_LOCKED) != 0)
        return error_set(err, &token_pin_locked, "PKCS#11 CKF_USER_PIN_LOCKED", uri,
                         "the user PIN is locked");
    if ((flags & CKF_USER_PIN_TO_BE_CHANGED) != 0)
        return error_set(err, &token_pin_expired, "PKCS#11 CKF_USER_PIN_TO_BE_CHANGED", uri,
                         "the user PIN must be changed first");
    return true;
}

static bool check_tries(const struct token *token, CK_FLAGS flags, struct error *err)
{
    if ((flags & CKF_USER_PIN_FINAL_TRY) == 0)
        return true;
    return error_set(err, &token_pin_last_try, "PKCS#11 CKF_USER_PIN_FINAL_TRY", token->uri_text,
                     "one try is left before the user PIN is locked");
}

/* A copy of the PIN, when there is one that was not refused. */
static bool take_pin(struct secret *out, struct token *token, struct error *err)
{
    pthread_mutex_lock(&token->state);
    bool is_refused = token->pin_refused, is_missing = token->pin.size == 0;
    if (!is_refused && !is_missing)
        secret_copy(out, secret_slice(&token->pin));
    pthread_mutex_unlock(&token->state);
    if (is_missing)
        return error_set(err, &token_pin_missing, NULL, token->uri_text,
                         "the token asks for a PIN, and there is none");
    if (is_refused)
        return error_set(err, &token_pin_wrong, NULL, token->uri_text,
                         "the token refused this PIN before");
    return true;
}

/* Of this process's PIN only unless another one was given in the meantime. */
static void remember_refusal(struct token *token, const struct secret *pin)
{
    pthread_mutex_lock(&token->state);
    token->pin_refused = secret_equal(secret_slice(&token->pin), secret_slice(pin));
    refused_pins_add(token->refused_pins, secret_slice(pin));
    pthread_mutex_unlock(&token->state);
}

static void forget_refusal(struct token *token, const struct secret *pin)
{
    pthread_mutex_lock(&token->state);
    refused_pins_remove(token->refused_pins, secret_slice(pin));
    pthread_mutex_unlock(&token->state);
}

static bool judge(struct token *token, const struct secret *pin, CK_RV result, struct error *err)
{
    char name[TOKEN_RESULT_NAME_SIZE];
    switch (result) {
    case CKR_OK:
        forget_refusal(token, pin);
        return true;
    case CKR_USER_ALREADY_LOGGED_IN:
        return true;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        remember_refusal(token, pin);
        return error_set(err, &token_pin_wrong, "PKCS#11 5.6", token->uri_text,
                         "the token refused the PIN (%s)", token_result_name(result, name));
    case CKR_PIN_LOCKED:
        return error_set(err, &token_pin_locked, "PKCS#11 5.6", token->uri_text,
                         "the user PIN is locked");
    case CKR_PIN_EXPIRED:
        return error_set(err, &token_pin_expired, "PKCS#11 5.6", token->uri_text,
                         "the user PIN must be changed first");
    case CKR_USER_PIN_NOT_INITIALIZED:
        return error_set(err, &token_unready, "PKCS#11 5.6", token->uri_text,
                         "the token has no user PIN");
    default:
        return token_result_refuse(err, result, "C_Login", token->uri_text);
    }
}

static bool login(struct token *token, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_FLAGS flags,
                  enum token_loss *lost, struct error *err)
{
    _cleanup_secret_ struct secret pin = SECRET_EMPTY;
    *lost = TOKEN_LOSS_NONE;
    if (!check_token(token, flags, err) || !take_pin(&pin, token, err) ||
        !check_tries(token, flags, err))
        return false;
    CK_RV result = token_call(token)->C_Login(session, user, pin.data, pin.size);
    *lost = token_result_loss(result);
    return judge(token, &pin, result, err);
}

bool token_login(struct token *token, CK_SESSION_HANDLE session, CK_USER_TYPE user,
                 enum token_loss *lost, struct error *err)
{
    CK_SESSION_INFO state;
    CK_RV result = token_call(token)->C_GetSessionInfo(session, &state);
    *lost = token_result_loss(result);
    if (result != CKR_OK)
        return token_result_refuse(err, result, "C_GetSessionInfo", token->uri_text);
    CK_TOKEN_INFO info;
    result = token_slot_info(&info, token, state.slotID);
    *lost = token_result_loss(result);
    if (result != CKR_OK)
        return token_result_refuse(err, result, "C_GetTokenInfo", token->uri_text);
    bool logged_in = state.state == CKS_RO_USER_FUNCTIONS || state.state == CKS_RW_USER_FUNCTIONS;
    if (user == CKU_USER && (logged_in || (info.flags & CKF_LOGIN_REQUIRED) == 0))
        return true;
    return login(token, session, user, info.flags, lost, err);
}
