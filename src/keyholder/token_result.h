/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the results of a module's functions (CKR_, PKCS#11 v2.40 5.1) mean to us. */

#include <p11-kit/pkcs11.h>

#include "base/error.h"

#define TOKEN_RESULT_NAME_SIZE 48
/* "CKR_DEVICE_ERROR", or "CKR_0x80000001" for what a vendor made up; text is for the latter. */
const char *token_result_name(CK_RV result, char text[TOKEN_RESULT_NAME_SIZE]);

/* What is lost, each including the one before; and so what has to be mended. */
enum token_loss {
    TOKEN_LOSS_NONE,
    TOKEN_LOSS_SESSION, /* another session will do */
    TOKEN_LOSS_TOKEN,   /* the slots are to be looked at anew */
    TOKEN_LOSS_MODULE,  /* the module is to be initialised again */
};
enum token_loss token_result_loss(CK_RV result);
/* Whether the token does not know the mechanism or its parameters, or does not allow it. */
bool token_result_unable(CK_RV result);
/* token.failed, or the code of its own that the result has (token.busy when there are no more
 * sessions). */
bool token_result_refuse(struct error *err, CK_RV result, const char *function, const char *object);
