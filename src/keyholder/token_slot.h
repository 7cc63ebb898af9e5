/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which slot a token is in, and what it says about itself. */

#include "keyholder/token_state.h"

#define TOKEN_SLOTS_MAX 256

/* Looks through the slots for the one token that answers to the URI. token.absent, token.ambiguous,
 * token.failed, token.wrong-answer. *lost (with the first and the third): what the result says. */
bool token_slot_find(CK_SLOT_ID *out, struct token *token, enum token_loss *lost,
                     struct error *err);
/* C_GetTokenInfo, its texts padded with spaces whatever the module did. */
CK_RV token_slot_info(CK_TOKEN_INFO *out, struct token *token, CK_SLOT_ID slot);
void token_slot_describe(struct token_description *out, const CK_TOKEN_INFO *info, CK_SLOT_ID slot);
/* Whether the token in the slot, and module and slot, are what the URI says of them. */
bool token_slot_matches(const P11KitUri *uri, struct token *token, CK_SLOT_ID slot,
                        const CK_TOKEN_INFO *info);
