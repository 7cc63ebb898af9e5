/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/audit_key.h"

#include "base/hex.h"
#include "base/json.h"

void admin_audit_key_done(struct admin_audit_key *key)
{
    public_key_free(&key->public_key);
}

bool admin_audit_key_load(struct admin_audit_key *key, struct store *store, struct error *err)
{
    *key = (struct admin_audit_key){0};
    _cleanup_buf_ struct buf value, spki;
    buf_init(&value, STORE_VALUE_MAX);
    buf_init(&spki, 8192);
    _cleanup_json_ struct json *document = NULL;
    if (!store_get(store, STORE_SETTING, ADMIN_AUDIT_KEY_SETTING, &value, NULL, err) ||
        !json_parse(&document, buf_slice(&value), err) ||
        !json_get_bytes(&spki, document, "public_key", err) ||
        !public_key_parse(&key->public_key, buf_slice(&spki), err))
        return false;
    memcpy(key->id, public_key_digest(key->public_key), KEY_ID_SIZE);
    return true;
}

static void format_setting(struct buf *out, const struct public_key *public_key)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_hex(&writer, "key_id", slice_of(public_key_digest(public_key), KEY_ID_SIZE));
    json_write_base64(&writer, "public_key", public_key_spki(public_key));
    json_write_object_end(&writer);
}

bool admin_audit_key_create(struct admin_audit_key_draft *out, struct keyholder *keyholder,
                            struct error *err)
{
    _cleanup_public_key_ struct public_key *public_key = NULL;
    *out = (struct admin_audit_key_draft){0};
    buf_init(&out->sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&out->setting, 8192);
    if (!keyholder_generate(keyholder, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &public_key,
                            &out->sealed, err))
        return false;
    hex_format(slice_of(public_key_digest(public_key), KEY_ID_SIZE), out->name);
    format_setting(&out->setting, public_key);
    return true;
}

void admin_audit_key_draft_done(struct admin_audit_key_draft *draft)
{
    buf_done(&draft->sealed);
    buf_done(&draft->setting);
}

void admin_audit_key_changes(struct store_change changes[2],
                             const struct admin_audit_key_draft *draft)
{
    changes[0] = (struct store_change){.kind = STORE_KEY,
                                       .key = draft->name,
                                       .value = buf_slice(&draft->sealed),
                                       .expected = STORE_ABSENT};
    changes[1] = (struct store_change){.kind = STORE_SETTING,
                                       .key = ADMIN_AUDIT_KEY_SETTING,
                                       .value = buf_slice(&draft->setting),
                                       .expected = STORE_ABSENT};
}
