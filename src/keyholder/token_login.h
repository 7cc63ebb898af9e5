/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Logging in to a token without ever spending a PIN's last try (token.h). */

#include "keyholder/token_state.h"

/*
 * CKU_USER: logs him in, if the token wants it and he is not. CKU_CONTEXT_SPECIFIC: once more, as
 * CKA_ALWAYS_AUTHENTICATE wants it between an Init and its operation. token.pin-*, token.unready,
 * token.failed, token.absent; *lost: what the module's results say.
 */
bool token_login(struct token *token, CK_SESSION_HANDLE session, CK_USER_TYPE user,
                 enum token_loss *lost, struct error *err);
