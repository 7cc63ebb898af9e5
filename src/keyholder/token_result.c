/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_result.h"

#include <stdio.h>

#include "keyholder/errors.h"

struct meaning {
    CK_RV result;
    const char *name;
    enum token_loss loss;
    bool unable;
};

#define LOSS(name, loss)         \
    {                            \
        name, #name, loss, false \
    }
#define UNABLE(name)                       \
    {                                      \
        name, #name, TOKEN_LOSS_NONE, true \
    }
#define OTHER(name)                         \
    {                                       \
        name, #name, TOKEN_LOSS_NONE, false \
    }

static const struct meaning meanings[] = {
    OTHER(CKR_OK),
    OTHER(CKR_HOST_MEMORY),
    LOSS(CKR_SLOT_ID_INVALID, TOKEN_LOSS_TOKEN),
    LOSS(CKR_GENERAL_ERROR, TOKEN_LOSS_SESSION),
    LOSS(CKR_FUNCTION_FAILED, TOKEN_LOSS_SESSION),
    UNABLE(CKR_ARGUMENTS_BAD),
    OTHER(CKR_NEED_TO_CREATE_THREADS),
    OTHER(CKR_CANT_LOCK),
    OTHER(CKR_ATTRIBUTE_READ_ONLY),
    OTHER(CKR_ATTRIBUTE_SENSITIVE),
    OTHER(CKR_ATTRIBUTE_TYPE_INVALID),
    OTHER(CKR_ATTRIBUTE_VALUE_INVALID),
    OTHER(CKR_DATA_INVALID),
    OTHER(CKR_DATA_LEN_RANGE),
    LOSS(CKR_DEVICE_ERROR, TOKEN_LOSS_SESSION),
    OTHER(CKR_DEVICE_MEMORY),
    LOSS(CKR_DEVICE_REMOVED, TOKEN_LOSS_TOKEN),
    OTHER(CKR_ENCRYPTED_DATA_INVALID),
    OTHER(CKR_ENCRYPTED_DATA_LEN_RANGE),
    LOSS(CKR_FUNCTION_CANCELED, TOKEN_LOSS_SESSION),
    UNABLE(CKR_FUNCTION_NOT_SUPPORTED),
    LOSS(CKR_KEY_HANDLE_INVALID, TOKEN_LOSS_SESSION),
    OTHER(CKR_KEY_SIZE_RANGE),
    UNABLE(CKR_KEY_TYPE_INCONSISTENT),
    UNABLE(CKR_KEY_FUNCTION_NOT_PERMITTED),
    UNABLE(CKR_MECHANISM_INVALID),
    UNABLE(CKR_MECHANISM_PARAM_INVALID),
    LOSS(CKR_OBJECT_HANDLE_INVALID, TOKEN_LOSS_SESSION),
    LOSS(CKR_OPERATION_ACTIVE, TOKEN_LOSS_SESSION),
    LOSS(CKR_OPERATION_NOT_INITIALIZED, TOKEN_LOSS_SESSION),
    OTHER(CKR_PIN_INCORRECT),
    OTHER(CKR_PIN_INVALID),
    OTHER(CKR_PIN_LEN_RANGE),
    OTHER(CKR_PIN_EXPIRED),
    OTHER(CKR_PIN_LOCKED),
    LOSS(CKR_SESSION_CLOSED, TOKEN_LOSS_SESSION),
    OTHER(CKR_SESSION_COUNT),
    LOSS(CKR_SESSION_HANDLE_INVALID, TOKEN_LOSS_SESSION),
    OTHER(CKR_SESSION_READ_ONLY),
    OTHER(CKR_TEMPLATE_INCOMPLETE),
    OTHER(CKR_TEMPLATE_INCONSISTENT),
    LOSS(CKR_TOKEN_NOT_PRESENT, TOKEN_LOSS_TOKEN),
    LOSS(CKR_TOKEN_NOT_RECOGNIZED, TOKEN_LOSS_TOKEN),
    OTHER(CKR_TOKEN_WRITE_PROTECTED),
    OTHER(CKR_USER_ALREADY_LOGGED_IN),
    LOSS(CKR_USER_NOT_LOGGED_IN, TOKEN_LOSS_SESSION),
    OTHER(CKR_USER_PIN_NOT_INITIALIZED),
    OTHER(CKR_USER_TYPE_INVALID),
    OTHER(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
    OTHER(CKR_USER_TOO_MANY_TYPES),
    OTHER(CKR_BUFFER_TOO_SMALL),
    LOSS(CKR_CRYPTOKI_NOT_INITIALIZED, TOKEN_LOSS_MODULE),
    OTHER(CKR_CRYPTOKI_ALREADY_INITIALIZED),
};

static const struct meaning *find(CK_RV result)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].result == result)
            return &meanings[i];
    return NULL;
}

const char *token_result_name(CK_RV result, char text[TOKEN_RESULT_NAME_SIZE])
{
    const struct meaning *meaning = find(result);
    if (meaning != NULL)
        return meaning->name;
    snprintf(text, TOKEN_RESULT_NAME_SIZE, "CKR_0x%08lX", result);
    return text;
}

enum token_loss token_result_loss(CK_RV result)
{
    const struct meaning *meaning = find(result);
    return meaning != NULL ? meaning->loss : TOKEN_LOSS_NONE;
}

bool token_result_unable(CK_RV result)
{
    const struct meaning *meaning = find(result);
    return meaning != NULL && meaning->unable;
}

bool token_result_refuse(struct error *err, CK_RV result, const char *function, const char *object)
{
    char text[TOKEN_RESULT_NAME_SIZE];
    const struct error_code *code = result == CKR_SESSION_COUNT || result == CKR_DEVICE_MEMORY
                                        ? &token_busy
                                    : token_result_loss(result) >= TOKEN_LOSS_TOKEN ? &token_absent
                                                                                    : &token_failed;
    return error_set(err, code, NULL, object, "%s answered %s", function,
                     token_result_name(result, text));
}
