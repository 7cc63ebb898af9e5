/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_slot.h"

#include <string.h>

#include "base/utf8.h"
#include "keyholder/errors.h"

/* Texts are padded with spaces by the standard; some modules end them with a zero byte instead. */
static void pad(CK_UTF8CHAR *text, size_t size)
{
    CK_UTF8CHAR *end = memchr(text, 0, size);
    if (end != NULL)
        memset(end, ' ', size - (size_t)(end - text));
}
#define PAD(field) pad(field, sizeof(field))

CK_RV token_slot_info(CK_TOKEN_INFO *out, struct token *token, CK_SLOT_ID slot)
{
    memset(out, 0, sizeof *out);
    CK_RV result = token_call(token)->C_GetTokenInfo(slot, out);
    PAD(out->label);
    PAD(out->serialNumber);
    PAD(out->manufacturerID);
    PAD(out->model);
    return result;
}

static void copy_text(char *out, const CK_UTF8CHAR *text, size_t size)
{
    while (size > 0 && text[size - 1] == ' ')
        size--;
    memcpy(out, text, size);
    out[size] = 0;
    utf8_replace_controls(out);
}

void token_slot_describe(struct token_description *out, const CK_TOKEN_INFO *info, CK_SLOT_ID slot)
{
    copy_text(out->label, info->label, sizeof info->label);
    copy_text(out->serial, info->serialNumber, sizeof info->serialNumber);
    copy_text(out->manufacturer, info->manufacturerID, sizeof info->manufacturerID);
    copy_text(out->model, info->model, sizeof info->model);
    out->slot = slot;
    out->login = (info->flags & CKF_LOGIN_REQUIRED) != 0;
}

bool token_slot_matches(const P11KitUri *uri, struct token *token, CK_SLOT_ID slot,
                        const CK_TOKEN_INFO *info)
{
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id((P11KitUri *)uri);
    if ((wanted != (CK_SLOT_ID)-1 && wanted != slot) ||
        p11_kit_uri_match_token_info(uri, info) == 0)
        return false;
    CK_SLOT_INFO slot_info;
    CK_INFO module_info;
    memset(&slot_info, 0, sizeof slot_info);
    memset(&module_info, 0, sizeof module_info);
    if (token_call(token)->C_GetSlotInfo(slot, &slot_info) != CKR_OK ||
        token_call(token)->C_GetInfo(&module_info) != CKR_OK)
        return false;
    PAD(slot_info.slotDescription);
    PAD(slot_info.manufacturerID);
    PAD(module_info.libraryDescription);
    PAD(module_info.manufacturerID);
    return p11_kit_uri_match_slot_info(uri, &slot_info) != 0 &&
           p11_kit_uri_match_module_info(uri, &module_info) != 0;
}

static bool list_slots(CK_SLOT_ID slots[TOKEN_SLOTS_MAX], CK_ULONG *count, struct token *token,
                       enum token_loss *lost, struct error *err)
{
    /* The standard has a module look for new slots when it is asked for their number alone. */
    CK_ULONG ignored = 0;
    CK_RV result = token_call(token)->C_GetSlotList(CK_TRUE, NULL, &ignored);
    *count = TOKEN_SLOTS_MAX;
    if (result == CKR_OK)
        result = token_call(token)->C_GetSlotList(CK_TRUE, slots, count);
    if (result == CKR_OK && *count <= TOKEN_SLOTS_MAX)
        return true;
    *lost = token_result_loss(result);
    if (result == CKR_OK || result == CKR_BUFFER_TOO_SMALL)
        return error_set(err, &token_wrong_answer, "PKCS#11 5.5", token->uri_text,
                         "the module says that it has %lu slots, and %d are looked at", *count,
                         TOKEN_SLOTS_MAX);
    return token_result_refuse(err, result, "C_GetSlotList", token->uri_text);
}

bool token_slot_find(CK_SLOT_ID *out, struct token *token, enum token_loss *lost, struct error *err)
{
    CK_SLOT_ID slots[TOKEN_SLOTS_MAX] = {0}, found = 0;
    CK_ULONG count, matches = 0, tokens = 0;
    *lost = TOKEN_LOSS_TOKEN;
    if (!list_slots(slots, &count, token, lost, err))
        return false;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (token_slot_info(&info, token, slots[i]) != CKR_OK)
            continue;
        tokens++;
        if (!token_slot_matches(token->uri, token, slots[i], &info))
            continue;
        found = slots[i];
        matches++;
    }
    if (matches > 1)
        return error_set(err, &token_ambiguous, "RFC 7512 2.5", token->uri_text,
                         "%lu tokens answer to it", matches);
    if (matches == 0)
        return error_set(err, &token_absent, NULL, token->uri_text,
                         "none of the %lu tokens that the module shows answers to it", tokens);
    *out = found;
    return true;
}
