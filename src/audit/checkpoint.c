/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>

#include "audit/errors.h"
#include "base/hex.h"

#define SIGNATURE_SIZE_MAX 1024
#define MESSAGE_LABEL "HGS-AUDIT-CHECKPOINT-1"

void audit_checkpoint_message(struct buf *out, uint64_t sequence,
                              const uint8_t head[AUDIT_HASH_SIZE], int64_t time)
{
    buf_append_text(out, MESSAGE_LABEL);
    buf_append_u64_le(out, sequence);
    buf_append_bytes(out, head, AUDIT_HASH_SIZE);
    buf_append_u64_le(out, (uint64_t)time);
}

bool audit_checkpoint_format(struct buf *fields, const struct audit_checkpoint_signer *signer,
                             const struct audit_place *place, int64_t time, struct error *err)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, SIGNATURE_SIZE_MAX);
    if (!signer->sign(signer->context, signer->key_id, place->sequence, place->hash, time,
                      &signature, err))
        return false;
    struct json_writer writer;
    json_writer_init(&writer, fields);
    json_write_integer(&writer, "sequence", (int64_t)place->sequence);
    json_write_hex(&writer, "head", slice_of(place->hash, AUDIT_HASH_SIZE));
    json_write_integer(&writer, "at", time);
    json_write_hex(&writer, "key", slice_of(signer->key_id, KEY_ID_SIZE));
    json_write_base64(&writer, "signature", buf_slice(&signature));
    return buf_ok(fields, AUDIT_CHECKPOINT_EVENT, err);
}

static bool get_hex(uint8_t *out, size_t size, const struct json *document, const char *name,
                    struct error *err)
{
    _cleanup_buf_ struct buf bytes;
    const char *text = NULL;
    buf_init(&bytes, size);
    if (!json_get_text(&text, document, name, err) ||
        !hex_parse(&bytes, slice_from_text(text), err))
        return false;
    if (bytes.size != size)
        return error_set(err, &audit_checkpoint, NULL, name, "is %zu bytes; it should be %zu",
                         bytes.size, size);
    memcpy(out, bytes.data, size);
    return true;
}

static bool read_fields(struct audit_checkpoint *out, struct buf *signature, struct slice line,
                        struct error *err)
{
    _cleanup_json_ struct json *document = NULL;
    int64_t sequence = 0;
    if (!json_parse(&document, line, err) ||
        !json_get_integer(&sequence, document, "sequence", err) ||
        !json_get_integer(&out->time, document, "at", err) ||
        !get_hex(out->place.hash, AUDIT_HASH_SIZE, document, "head", err) ||
        !get_hex(out->key_id, KEY_ID_SIZE, document, "key", err) ||
        !json_get_bytes(signature, document, "signature", err))
        return false;
    out->place.sequence = (uint64_t)sequence;
    return true;
}

bool audit_checkpoint_parse(struct audit_checkpoint *out, struct slice line,
                            const struct public_key *key, struct error *err)
{
    _cleanup_buf_ struct buf signature, message;
    struct audit_checkpoint checkpoint = {0};
    struct error cause = {0};
    buf_init(&signature, SIGNATURE_SIZE_MAX);
    buf_init(&message, 128);
    if (!read_fields(&checkpoint, &signature, line, &cause))
        return error_set(err, &audit_checkpoint, NULL, NULL, "a checkpoint is malformed: %s %s",
                         cause.object, cause.message);
    char object[40];
    snprintf(object, sizeof object, "checkpoint of record %" PRIu64, checkpoint.place.sequence);
    if (key != NULL && memcmp(checkpoint.key_id, public_key_digest(key), KEY_ID_SIZE) != 0)
        return error_set(err, &audit_checkpoint, NULL, object, "was signed by another key");
    audit_checkpoint_message(&message, checkpoint.place.sequence, checkpoint.place.hash,
                             checkpoint.time);
    if (key != NULL && !public_key_verify(key, SIGNATURE_ECDSA_SHA256, buf_slice(&message),
                                          buf_slice(&signature), &cause))
        return error_set(err, &audit_checkpoint, NULL, object, "its signature is wrong: %s",
                         cause.message);
    *out = checkpoint;
    return true;
}
