/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/rtpm_context.h"

#include "attestation/errors.h"

#include <assert.h>

static const char clause[] = "MS-HGSA 2.2.2.25";

#define VERSION 1
/* One of each kind, and commands or responses. */
#define BLOBS_MAX (RTPM_BLOB_MAX - 2 + 2 * RTPM_COMMANDS_MAX)
#define DEVICE_VERSION 1
#define DEVICE_SIZE 16

static bool malformed(struct error *err, const char *object, const char *what, size_t value)
{
    return error_set(err, &attestation_context_malformed, clause, object, "%s (%zu)", what, value);
}

static bool too_large(struct error *err, const char *object, size_t size, size_t limit)
{
    return error_set(err, &attestation_context_too_large, clause, object,
                     "%zu bytes or items; at most %zu are taken", size, limit);
}

static bool parse_state(struct rtpm_sealed *state, struct reader *reader, struct error *err)
{
    uint32_t size = reader_u32_le(reader);
    struct slice nonce = reader_bytes(reader, sizeof state->nonce);
    struct slice tag = reader_bytes(reader, sizeof state->tag);
    if (size > RTPM_STATE_MAX)
        return too_large(err, "EncryptedBuffer", size, RTPM_STATE_MAX);
    state->bytes = reader_bytes(reader, size);
    if (reader->failed)
        return malformed(err, "EncStateObject", "it ends early; its size", size);
    memcpy(state->nonce, nonce.data, sizeof state->nonce);
    memcpy(state->tag, tag.data, sizeof state->tag);
    return true;
}

/* A payload that is there once at most. */
static bool take_once(struct slice *to, struct slice payload, size_t limit, const char *name,
                      struct error *err)
{
    if (to->size != 0)
        return malformed(err, name, "it stands there twice; its size", payload.size);
    if (payload.size == 0)
        return malformed(err, name, "it is empty", 0);
    if (payload.size > limit)
        return too_large(err, name, payload.size, limit);
    *to = payload;
    return true;
}

/* MS-HGSA 2.2.2.27.1: the log has a size of its own in front. */
static bool parse_log(struct slice *log, struct slice payload, struct error *err)
{
    struct reader reader = reader_of(payload);
    uint32_t size = reader_u32_le(&reader);
    if (reader.failed || reader.rest.size != size)
        return malformed(err, "WBCL_INFO", "its size is not that of its data", size);
    return take_once(log, reader.rest, RTPM_LOG_MAX, "WBCL_INFO", err);
}

static bool parse_device(struct rtpm_context *context, struct slice payload, struct error *err)
{
    struct reader reader = reader_of(payload);
    uint32_t version = reader_u32_le(&reader);
    uint32_t tpm = reader_u32_le(&reader);
    uint32_t interface = reader_u32_le(&reader);
    uint32_t implementation = reader_u32_le(&reader);
    if (context->has_device)
        return malformed(err, "TPM_DEVICE_INFO", "it stands there twice", 2);
    if (!reader_done(&reader) || version != DEVICE_VERSION)
        return malformed(err, "TPM_DEVICE_INFO", "it is not of version 1 and 16 bytes",
                         payload.size);
    if (tpm > RTPM_TPM_20 || interface > RTPM_INTERFACE_EMULATOR)
        return malformed(err, "TPM_DEVICE_INFO", "its TPM or interface is none that is known", tpm);
    context->has_device = true;
    context->device = (struct rtpm_device){(enum rtpm_tpm_version)tpm,
                                           (enum rtpm_interface)interface, implementation};
    return true;
}

static bool parse_handle(struct rtpm_context *context, struct slice payload, struct error *err)
{
    struct reader reader = reader_of(payload);
    uint32_t handle = reader_u32_le(&reader);
    if (context->has_handle)
        return malformed(err, "EK handle", "it stands there twice", 2);
    if (!reader_done(&reader))
        return malformed(err, "EK handle", "it is not of 4 bytes", payload.size);
    context->has_handle = true;
    context->handle = handle;
    return true;
}

static bool take_one_more(struct slice items[RTPM_COMMANDS_MAX], size_t *count,
                          struct slice payload, const char *name, struct error *err)
{
    if (*count == RTPM_COMMANDS_MAX)
        return too_large(err, name, *count + 1, RTPM_COMMANDS_MAX);
    items[*count] = SLICE_EMPTY;
    if (!take_once(&items[*count], payload, RTPM_COMMAND_SIZE_MAX, name, err))
        return false;
    ++*count;
    return true;
}

static bool parse_blob(struct rtpm_context *context, uint32_t type, struct slice payload,
                       struct error *err)
{
    switch (type) {
    case RTPM_BLOB_LOG:
        return parse_log(&context->log, payload, err);
    case RTPM_BLOB_DEVICE:
        return parse_device(context, payload, err);
    case RTPM_BLOB_COMMAND:
        return take_one_more(context->commands, &context->command_count, payload, "TPM command",
                             err);
    case RTPM_BLOB_RESPONSE:
        return take_one_more(context->responses, &context->response_count, payload, "TPM response",
                             err);
    case RTPM_BLOB_HANDLE:
        return parse_handle(context, payload, err);
    case RTPM_BLOB_IMA_LOG:
        return take_once(&context->ima_log, payload, RTPM_LOG_MAX, "IMA log", err);
    case RTPM_BLOB_PCR_VALUES:
        return take_once(&context->pcr_values, payload, RTPM_PCR_VALUES_MAX, "PCR values", err);
    default:
        return malformed(err, "data blob", "its type is unknown", type);
    }
}

static bool parse_blobs(struct rtpm_context *context, struct reader *reader, uint32_t count,
                        struct error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t type = reader_u32_le(reader);
        uint32_t size = reader_u32_le(reader);
        struct slice payload = reader_bytes(reader, size);
        if (reader->failed)
            return malformed(err, "data blob", "it ends early; its size", size);
        if (!parse_blob(context, type, payload, err))
            return false;
    }
    return reader_done(reader) ||
           malformed(err, "context", "bytes follow the last data blob", reader->rest.size);
}

bool rtpm_context_parse(struct rtpm_context *out, struct slice bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    uint32_t size = reader_u32_le(&reader);
    uint32_t version = reader_u32_le(&reader);
    uint32_t count = reader_u32_le(&reader);
    reader_u32_le(&reader); /* Reserved: "server MUST ignore this field" */
    if (bytes.size > RTPM_CONTEXT_MAX)
        return too_large(err, "context", bytes.size, RTPM_CONTEXT_MAX);
    if (reader.failed || size != bytes.size)
        return malformed(err, "context", "Size is not the context's", size);
    if (version != VERSION)
        return malformed(err, "context", "Version is not 1", version);
    if (count > BLOBS_MAX)
        return too_large(err, "DataBlobCount", count, BLOBS_MAX);
    struct rtpm_context context = {0};
    if (!parse_state(&context.state, &reader, err) || !parse_blobs(&context, &reader, count, err))
        return false;
    *out = context;
    return true;
}

/* What is to be written: one blob after the other, counted. */
struct writer {
    struct buf *out;
    uint32_t count;
};

static void begin_blob(struct writer *writer, enum rtpm_blob type, size_t size)
{
    buf_append_u32_le(writer->out, type);
    buf_append_u32_le(writer->out, (uint32_t)size);
    writer->count++;
}

static void write_blob(struct writer *writer, enum rtpm_blob type, struct slice payload,
                       size_t limit)
{
    assert(payload.size <= limit);
    (void)limit;
    if (payload.size == 0)
        return;
    begin_blob(writer, type, payload.size);
    buf_append(writer->out, payload);
}

static void write_log(struct writer *writer, struct slice log)
{
    assert(log.size <= RTPM_LOG_MAX);
    if (log.size == 0)
        return;
    begin_blob(writer, RTPM_BLOB_LOG, 4 + log.size);
    buf_append_u32_le(writer->out, (uint32_t)log.size);
    buf_append(writer->out, log);
}

static void write_device(struct writer *writer, const struct rtpm_device *device)
{
    begin_blob(writer, RTPM_BLOB_DEVICE, DEVICE_SIZE);
    buf_append_u32_le(writer->out, DEVICE_VERSION);
    buf_append_u32_le(writer->out, device->version);
    buf_append_u32_le(writer->out, device->interface);
    buf_append_u32_le(writer->out, device->implementation);
}

static void write_blobs(struct writer *writer, const struct rtpm_context *context)
{
    write_log(writer, context->log);
    if (context->has_device)
        write_device(writer, &context->device);
    for (size_t i = 0; i < context->command_count; i++)
        write_blob(writer, RTPM_BLOB_COMMAND, context->commands[i], RTPM_COMMAND_SIZE_MAX);
    for (size_t i = 0; i < context->response_count; i++)
        write_blob(writer, RTPM_BLOB_RESPONSE, context->responses[i], RTPM_COMMAND_SIZE_MAX);
    if (context->has_handle) {
        begin_blob(writer, RTPM_BLOB_HANDLE, 4);
        buf_append_u32_le(writer->out, context->handle);
    }
    write_blob(writer, RTPM_BLOB_IMA_LOG, context->ima_log, RTPM_LOG_MAX);
    write_blob(writer, RTPM_BLOB_PCR_VALUES, context->pcr_values, RTPM_PCR_VALUES_MAX);
}

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

void rtpm_context_format(struct buf *out, const struct rtpm_context *context)
{
    size_t begin = out->size;
    struct writer writer = {out, 0};
    assert(context->state.bytes.size <= RTPM_STATE_MAX);
    buf_append_u32_le(out, 0);
    buf_append_u32_le(out, VERSION);
    buf_append_u32_le(out, 0);
    buf_append_u32_le(out, 0);
    buf_append_u32_le(out, (uint32_t)context->state.bytes.size);
    buf_append_bytes(out, context->state.nonce, sizeof context->state.nonce);
    buf_append_bytes(out, context->state.tag, sizeof context->state.tag);
    buf_append(out, context->state.bytes);
    write_blobs(&writer, context);
    if (out->overflow)
        return;
    put_u32(out->data + begin, (uint32_t)(out->size - begin));
    put_u32(out->data + begin + 8, writer.count);
}
