/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/head.h"

#include "base/errors.h"
#include "base/hex.h"
#include "base/json.h"
#include "store/errors.h"

#define HEAD_SIZE_MAX 256

static bool parse(struct audit_place *out, struct slice value, const char *node, struct error *err)
{
    _cleanup_json_ struct json *document = NULL;
    _cleanup_buf_ struct buf hash;
    const char *text = NULL;
    int64_t sequence = 0;
    buf_init(&hash, AUDIT_HASH_SIZE);
    if (!json_parse(&document, value, err) || !json_get_integer(&sequence, document, "seq", err) ||
        !json_get_text(&text, document, "hash", err) ||
        !hex_parse(&hash, slice_from_text(text), err))
        return false;
    if (sequence < 0 || hash.size != AUDIT_HASH_SIZE)
        return error_set(err, &base_json_malformed, NULL, node,
                         "the audit trail's head in the store is damaged");
    out->sequence = (uint64_t)sequence;
    memcpy(out->hash, hash.data, AUDIT_HASH_SIZE);
    return true;
}

bool audit_head_load(struct audit_place *out, struct store *store, const char *node,
                     struct error *err)
{
    _cleanup_buf_ struct buf value;
    struct error failure = {0};
    struct audit_place place = {0};
    buf_init(&value, HEAD_SIZE_MAX);
    bool found = store_get(store, STORE_AUDIT_HEAD, node, &value, NULL, &failure);
    if (!found && failure.code != &store_not_found) {
        if (err != NULL)
            *err = failure;
        return false;
    }
    if (found && !parse(&place, buf_slice(&value), node, err))
        return false;
    *out = place;
    return true;
}

bool audit_head_save(struct store *store, const char *node, const struct audit_place *place,
                     struct error *err)
{
    _cleanup_buf_ struct buf value;
    struct json_writer writer;
    buf_init(&value, HEAD_SIZE_MAX);
    json_writer_init(&writer, &value);
    json_write_object(&writer, NULL);
    json_write_integer(&writer, "seq", (int64_t)place->sequence);
    json_write_hex(&writer, "hash", slice_of(place->hash, AUDIT_HASH_SIZE));
    json_write_object_end(&writer);
    struct store_change change = {
        .kind = STORE_AUDIT_HEAD, .key = node, .value = buf_slice(&value), .expected = STORE_ANY};
    return store_commit(store, &change, 1, NULL, err);
}
