/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/message.h"

#include <assert.h>

#include "base/errors.h"
#include "crypto/errors.h"
#include "keyholder/errors.h"

/* What each opcode uses; everything else in its request must be zero. */
struct shape {
    bool purpose;
    bool key;
    uint8_t parameter_min, parameter_max;
    uint16_t payload_min, payload_max;
    uint8_t descriptors;
};

#define OPCODE_LAST KEYHOLDER_CHECK

static const struct shape shapes[OPCODE_LAST + 1] = {
    [KEYHOLDER_GENERATE] = {.purpose = true,
                            .parameter_min = PRIVATE_KEY_RSA_2048,
                            .parameter_max = PRIVATE_KEY_P384},
    [KEYHOLDER_IMPORT] = {.purpose = true, .descriptors = 1},
    [KEYHOLDER_LOAD] = {.payload_min = 1, .payload_max = KEYHOLDER_SEALED_MAX},
    [KEYHOLDER_FORGET] = {.key = true},
    [KEYHOLDER_SIGN] = {.key = true,
                        .parameter_min = SIGNATURE_RSA_PKCS1_SHA256,
                        .parameter_max = SIGNATURE_ECDSA_SHA384,
                        .payload_min = 1,
                        .payload_max = DIGEST_SIZE_MAX},
    [KEYHOLDER_DECRYPT] = {.key = true,
                           .parameter_min = ENCRYPTION_RSA_OAEP_SHA256,
                           .parameter_max = ENCRYPTION_RSA_OAEP_SHA1,
                           .payload_min = 1,
                           .payload_max = KEYHOLDER_CIPHERTEXT_MAX},
    [KEYHOLDER_CHECKPOINT] = {.key = true,
                              .payload_min = KEYHOLDER_CHECKPOINT_SIZE,
                              .payload_max = KEYHOLDER_CHECKPOINT_SIZE},
    [KEYHOLDER_BACKUP] = {.descriptors = 2},
    [KEYHOLDER_RESTORE] = {.descriptors = 2},
    [KEYHOLDER_DERIVE] = {.parameter_min = KEYHOLDER_LABEL_RTPM,
                          .parameter_max = KEYHOLDER_LABEL_USAGE,
                          .payload_min = KEYHOLDER_EPOCH_SIZE,
                          .payload_max = KEYHOLDER_EPOCH_SIZE},
    [KEYHOLDER_REQUEST] = {.key = true,
                           .payload_min = 1,
                           .payload_max = KEYHOLDER_REQUEST_INFO_MAX},
    [KEYHOLDER_ROLL] = {.key = true,
                        .parameter_min = ENCRYPTION_RSA_OAEP_SHA256,
                        .parameter_max = ENCRYPTION_RSA_OAEP_SHA1,
                        .payload_min = 1,
                        .payload_max = KEYHOLDER_ROLL_MAX},
    [KEYHOLDER_REFERENCE] = {.purpose = true,
                             .payload_min = KEYHOLDER_SHA1_SIZE,
                             .payload_max = KEYHOLDER_SHA256_SIZE},
    [KEYHOLDER_EXPECT] = {.purpose = true, .payload_min = 4, .payload_max = KEYHOLDER_EXPECT_MAX},
    [KEYHOLDER_FIND] = {.purpose = true, .payload_min = 1, .payload_max = KEYHOLDER_URI_MAX},
    [KEYHOLDER_MAKE] = {.purpose = true,
                        .parameter_min = PRIVATE_KEY_RSA_2048,
                        .parameter_max = PRIVATE_KEY_RSA_4096,
                        .payload_min = 1,
                        .payload_max = KEYHOLDER_URI_MAX},
    [KEYHOLDER_UNLOCK] = {.descriptors = 1},
    [KEYHOLDER_CHECK] = {0},
};

static bool all_zero(struct slice bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++)
        any |= bytes.data[i];
    return any == 0;
}

static void put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *to, uint32_t value)
{
    put_u16(to, (uint16_t)value);
    put_u16(to + 2, (uint16_t)(value >> 16));
}

static void put_u64(uint8_t *to, uint64_t value)
{
    put_u32(to, (uint32_t)value);
    put_u32(to + 4, (uint32_t)(value >> 32));
}

static bool refuse(struct error *err, const char *what, unsigned value)
{
    return error_set(err, &keyholder_message, NULL, "keyholder request", "%s (%u)", what, value);
}

/* The head's numbers, which decide what the rest may be. */
static bool check_head(const struct shape *shape, unsigned purpose, unsigned parameter,
                       unsigned reserved, struct slice key_id, struct error *err)
{
    if (shape->purpose ? purpose < KEY_PURPOSE_GUARDIAN_SIGNING || purpose > KEY_PURPOSE_AUDIT
                       : purpose != 0)
        return refuse(err, "has a purpose that does not exist or does not belong there", purpose);
    if (parameter < shape->parameter_min || parameter > shape->parameter_max)
        return refuse(err, "names a kind or algorithm that is not known", parameter);
    if (reserved != 0)
        return refuse(err, "has a byte that should be zero", reserved);
    if (!shape->key && !all_zero(key_id))
        return refuse(err, "has a key id that does not belong there", 0);
    return true;
}

bool keyholder_message_parse_request(struct keyholder_request *out, struct slice bytes,
                                     struct error *err)
{
    struct reader reader = reader_of(bytes);
    uint32_t sequence = reader_u32_le(&reader);
    unsigned opcode = reader_u8(&reader);
    unsigned purpose = reader_u8(&reader);
    unsigned parameter = reader_u8(&reader);
    unsigned reserved = reader_u8(&reader);
    struct slice key_id = reader_bytes(&reader, KEY_ID_SIZE);
    if (reader.failed)
        return refuse(err, "is shorter than its head; bytes", (unsigned)bytes.size);
    if (opcode < KEYHOLDER_GENERATE || opcode > OPCODE_LAST)
        return refuse(err, "has an unknown opcode", opcode);
    const struct shape *shape = &shapes[opcode];
    if (!check_head(shape, purpose, parameter, reserved, key_id, err))
        return false;
    struct slice payload = reader.rest;
    if (payload.size < shape->payload_min || payload.size > shape->payload_max)
        return refuse(err, "has a payload of the wrong size", (unsigned)payload.size);
    struct keyholder_roll_payload roll;
    if (opcode == KEYHOLDER_ROLL && !keyholder_message_parse_roll(&roll, payload, err))
        return false;
    if (opcode == KEYHOLDER_SIGN && payload.size != digest_size(signature_digest(parameter)))
        return refuse(err, "has a digest that is not its algorithm's", (unsigned)payload.size);
    if (opcode == KEYHOLDER_REFERENCE && payload.size != KEYHOLDER_SHA1_SIZE &&
        payload.size != KEYHOLDER_SHA256_SIZE)
        return refuse(err, "has a thumbprint that is none", (unsigned)payload.size);

    *out = (struct keyholder_request){.sequence = sequence, .opcode = opcode, .purpose = purpose};
    if (opcode == KEYHOLDER_GENERATE || opcode == KEYHOLDER_MAKE)
        out->kind = parameter;
    else if (opcode == KEYHOLDER_SIGN)
        out->signature = parameter;
    else if (opcode == KEYHOLDER_DECRYPT || opcode == KEYHOLDER_ROLL)
        out->encryption = parameter;
    else if (opcode == KEYHOLDER_DERIVE)
        out->label = parameter;
    memcpy(out->key_id, key_id.data, KEY_ID_SIZE);
    out->payload = payload;
    return true;
}

size_t keyholder_message_descriptors(const struct keyholder_request *request)
{
    return shapes[request->opcode].descriptors;
}

void keyholder_message_format_request(uint8_t head[KEYHOLDER_REQUEST_HEAD],
                                      const struct keyholder_request *request)
{
    /* Each is zero but for the opcode that uses it. */
    unsigned parameter = (unsigned)request->kind | (unsigned)request->signature |
                         (unsigned)request->encryption | (unsigned)request->label;
    put_u32(head, request->sequence);
    head[4] = (uint8_t)request->opcode;
    head[5] = (uint8_t)request->purpose;
    head[6] = (uint8_t)parameter;
    head[7] = 0;
    memcpy(head + 8, request->key_id, KEY_ID_SIZE);
}

uint32_t keyholder_message_sequence(struct slice bytes)
{
    struct reader reader = reader_of(bytes);
    return reader_u32_le(&reader);
}

bool keyholder_message_parse_reply(struct keyholder_reply *out, struct slice bytes,
                                   struct error *err)
{
    struct reader reader = reader_of(bytes);
    struct keyholder_reply reply = {.sequence = reader_u32_le(&reader)};
    unsigned failed = reader_u8(&reader);
    unsigned reserved = reader_u8(&reader);
    size_t sizes[KEYHOLDER_REPLY_FIELDS];
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++)
        sizes[i] = reader_u16_le(&reader);
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++)
        reply.fields[i] = reader_bytes(&reader, sizes[i]);
    if (!reader_done(&reader) || failed > 1 || reserved != 0)
        return error_set(err, &keyholder_message, NULL, "keyholder reply",
                         "a reply of %zu bytes is not well formed", bytes.size);
    reply.failed = failed == 1;
    *out = reply;
    return true;
}

void keyholder_message_format_reply(uint8_t head[KEYHOLDER_REPLY_HEAD],
                                    const struct keyholder_reply *reply)
{
    put_u32(head, reply->sequence);
    head[4] = reply->failed ? 1 : 0;
    head[5] = 0;
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++) {
        assert(reply->fields[i].size <= UINT16_MAX);
        put_u16(head + 6 + 2 * i, (uint16_t)reply->fields[i].size);
    }
}

void keyholder_message_from_error(struct keyholder_reply *out, uint32_t sequence,
                                  const struct error *err)
{
    *out = (struct keyholder_reply){.sequence = sequence,
                                    .failed = true,
                                    .fields = {slice_from_text(err->code->name),
                                               slice_from_text(err->object),
                                               slice_from_text(err->message)}};
}

static const struct error_code *find_code(struct slice name)
{
    const struct error_code *const *const tables[] = {keyholder_errors, crypto_errors, base_errors};
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct error_code *const *row = tables[t]; *row != NULL; row++)
            if (slice_equals_text(name, (*row)->name))
                return *row;
    return &crypto_internal;
}

static const char *copy_text(char *to, size_t size, struct slice text)
{
    size_t used = text.size < size - 1 ? text.size : size - 1;
    if (used > 0)
        memcpy(to, text.data, used);
    to[used] = '\0';
    return to;
}

bool keyholder_message_to_error(const struct keyholder_reply *reply, struct error *err)
{
    char object[ERROR_OBJECT_SIZE], message[ERROR_MESSAGE_SIZE];
    copy_text(object, sizeof object, reply->fields[1]);
    copy_text(message, sizeof message, reply->fields[2]);
    return error_set(err, find_code(reply->fields[0]), NULL, object, "%s", message);
}

void keyholder_message_format_checkpoint(uint8_t out[KEYHOLDER_CHECKPOINT_SIZE],
                                         const struct keyholder_checkpoint *checkpoint)
{
    put_u64(out, checkpoint->sequence);
    memcpy(out + 8, checkpoint->head, sizeof checkpoint->head);
    put_u64(out + 40, (uint64_t)checkpoint->time);
}

void keyholder_message_parse_checkpoint(struct keyholder_checkpoint *out, struct slice payload)
{
    assert(payload.size == KEYHOLDER_CHECKPOINT_SIZE);
    struct reader reader = reader_of(payload);
    out->sequence = reader_u64_le(&reader);
    struct slice head = reader_bytes(&reader, sizeof out->head);
    assert(head.data != NULL);
    memcpy(out->head, head.data, sizeof out->head);
    out->time = (int64_t)reader_u64_le(&reader);
}

size_t keyholder_message_format_roll(uint8_t out[KEYHOLDER_ROLL_MAX],
                                     const struct keyholder_roll_payload *roll)
{
    assert(roll->digest.size == digest_size(signature_digest(roll->signature)));
    assert(roll->ciphertext.size > 0 && roll->ciphertext.size <= KEYHOLDER_CIPHERTEXT_MAX);
    uint8_t *end = out;
    *end++ = (uint8_t)roll->signature;
    end = mempcpy(end, roll->signing_key_id, KEY_ID_SIZE);
    end = mempcpy(end, roll->digest.data, roll->digest.size);
    end = mempcpy(end, roll->ciphertext.data, roll->ciphertext.size);
    return (size_t)(end - out);
}

bool keyholder_message_parse_roll(struct keyholder_roll_payload *out, struct slice payload,
                                  struct error *err)
{
    struct reader reader = reader_of(payload);
    unsigned algorithm = reader_u8(&reader);
    if (algorithm < SIGNATURE_RSA_PKCS1_SHA256 || algorithm > SIGNATURE_ECDSA_SHA384)
        return refuse(err, "names a signature algorithm that is not known", algorithm);
    struct slice key_id = reader_bytes(&reader, KEY_ID_SIZE);
    struct slice digest = reader_bytes(&reader, digest_size(signature_digest(algorithm)));
    if (reader.failed || reader.rest.size == 0 || reader.rest.size > KEYHOLDER_CIPHERTEXT_MAX)
        return refuse(err, "has a roll of the wrong size", (unsigned)payload.size);
    *out = (struct keyholder_roll_payload){algorithm, key_id.data, digest, reader.rest};
    return true;
}

void keyholder_message_format_epoch(uint8_t out[KEYHOLDER_EPOCH_SIZE], uint64_t epoch)
{
    put_u64(out, epoch);
}

uint64_t keyholder_message_parse_epoch(struct slice payload)
{
    assert(payload.size == KEYHOLDER_EPOCH_SIZE);
    struct reader reader = reader_of(payload);
    return reader_u64_le(&reader);
}

void keyholder_message_format_expect(struct buf *out, const char *uri, struct slice public_key)
{
    size_t size = strlen(uri);
    assert(size <= KEYHOLDER_URI_MAX);
    buf_append_u16_le(out, (uint16_t)size);
    buf_append_text(out, uri);
    buf_append(out, public_key);
}

bool keyholder_message_parse_expect(char uri[KEYHOLDER_URI_MAX + 1], struct slice *public_key,
                                    struct slice payload, struct error *err)
{
    struct reader reader = reader_of(payload);
    size_t size = reader_u16_le(&reader);
    struct slice text = reader_bytes(&reader, size);
    if (reader.failed || size == 0 || size > KEYHOLDER_URI_MAX || reader.rest.size == 0)
        return refuse(err, "has a URI of the wrong size", (unsigned)size);
    copy_text(uri, KEYHOLDER_URI_MAX + 1, text);
    *public_key = reader.rest;
    return true;
}
