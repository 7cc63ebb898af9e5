/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/answer_keys.h"

#include "keyholder/errors.h"

static bool roll(struct answer *answer, struct keyring *keyring, unsigned worker,
                 const struct keyholder_request *request, struct error *err)
{
    struct keyholder_roll_payload parts;
    if (!keyholder_message_parse_roll(&parts, request->payload, err))
        return false;
    const struct keyring_roll wanted = {request->key_id,      request->encryption, parts.ciphertext,
                                        parts.signing_key_id, parts.signature,     parts.digest};
    bool opened = false;
    bool ok =
        keyring_roll(keyring, worker, &wanted, &answer->plain, &opened, &answer->fields[0], err);
    buf_append_u8(&answer->fields[1], opened);
    return ok;
}

bool answer_keys(struct answer *answer, struct keyring *keyring, unsigned worker,
                 const struct keyholder_request *request, struct error *err)
{
    switch (request->opcode) {
    case KEYHOLDER_SIGN:
        return keyring_sign(keyring, worker, request->key_id, request->signature, request->payload,
                            &answer->fields[0], err);
    case KEYHOLDER_DECRYPT:
        return keyring_decrypt(keyring, worker, request->key_id, request->encryption,
                               request->payload, &answer->plain, err);
    case KEYHOLDER_ROLL:
        return roll(answer, keyring, worker, request, err);
    case KEYHOLDER_REQUEST:
        return keyring_request(keyring, worker, request->key_id, request->payload,
                               &answer->fields[0], err);
    case KEYHOLDER_FORGET:
        return keyring_forget(keyring, request->key_id, err);
    default:
        return error_set(err, &keyholder_message, NULL, "keyholder request", "uses no key (%u)",
                         (unsigned)request->opcode);
    }
}
