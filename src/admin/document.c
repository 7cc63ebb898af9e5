/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/document.h"

#include <stdlib.h>

#include "admin/audit_key.h"
#include "attestation/settings.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/memory.h"
#include "keyholder/errors.h"

/* What a backup holds, in the order in which it is written. Keys come first, in the binary part. */
static const struct {
    enum store_kind kind;
    const char *name;
} kinds[] = {
    {STORE_KEY, "private key"},
    {STORE_SETTING, "setting"},
    {STORE_HOST, "host"},
    {STORE_GROUP, "host group"},
    {STORE_POLICY, "policy"},
    {STORE_CERTIFICATE, "certificate"},
    {STORE_CERTIFICATE_REQUEST, "certificate request"},
    {STORE_ATTESTATION_SIGNER, "attestation signer"},
    {STORE_TRUSTED_SIGNER, "trusted signer"},
    {STORE_TPM_ROOT, "TPM root"},
};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

const char *document_kind_name(enum store_kind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "record";
}

struct output {
    int fd;
    struct buf text;      /* what is not written yet */
    struct buf key_names; /* JSON array elements */
    struct json_writer key_writer;
    char audit_key[2 * KEY_ID_SIZE + 1]; /* "" when there is none */
    size_t keys, records;
};

static bool flush(struct output *output, size_t least, struct error *err)
{
    if (output->text.size < least)
        return true;
    bool ok = buf_ok(&output->text, "state", err) &&
              file_write_fd(output->fd, buf_slice(&output->text), "state", err);
    buf_reset(&output->text);
    return ok;
}

static bool stays(const struct output *output, const struct store_record *record)
{
    return (record->kind == STORE_KEY && strcmp(record->key, output->audit_key) == 0) ||
           (record->kind == STORE_SETTING && strcmp(record->key, ADMIN_AUDIT_KEY_SETTING) == 0);
}

static bool write_key(void *context, const struct store_record *record, struct error *err)
{
    struct output *output = context;
    if (stays(output, record))
        return true;
    output->keys++;
    json_write_text(&output->key_writer, NULL, record->key);
    buf_append_u32_le(&output->text, (uint32_t)record->value.size);
    buf_append(&output->text, record->value);
    return buf_ok(&output->text, "state", err);
}

static bool write_record(void *context, const struct store_record *record, struct error *err)
{
    struct output *output = context;
    struct json_writer writer;
    if (stays(output, record))
        return true;
    output->records++;
    json_writer_init(&writer, &output->text);
    json_write_object(&writer, NULL);
    json_write_integer(&writer, "kind", record->kind);
    json_write_text(&writer, "key", record->key);
    json_write_base64(&writer, "value", record->value);
    json_write_object_end(&writer);
    buf_append_text(&output->text, "\n");
    return flush(output, 1024 * 1024, err);
}

/* The sealed keys stand behind their count, which is known when they were read. */
static bool write_keys(struct output *output, struct store *store, struct error *err)
{
    _cleanup_buf_ struct buf count;
    struct json_writer writer;
    buf_init(&count, 4);
    if (!store_list(store, STORE_KEY, NULL, 0, write_key, output, NULL, err))
        return false;
    buf_append_u32_le(&count, (uint32_t)output->keys);
    if (!file_write_fd(output->fd, buf_slice(&count), "state", err) || !flush(output, 1, err))
        return false;
    json_write_array_end(&output->key_writer);
    json_writer_init(&writer, &output->text);
    json_write_object(&writer, NULL);
    json_write_integer(&writer, "version", DOCUMENT_VERSION);
    json_write_raw(&writer, "keys", buf_slice(&output->key_names));
    json_write_object_end(&writer);
    buf_append_text(&output->text, "\n");
    return true;
}

static bool name_audit_key(struct output *output, struct store *store, struct error *err)
{
    struct admin_audit_key key;
    bool found = admin_audit_key_load(&key, store, err);
    if (found)
        hex_format(slice_of(key.id, sizeof key.id), output->audit_key);
    admin_audit_key_done(&key);
    return found || error_kind(err) == ERROR_NOT_FOUND;
}

bool document_write(int fd, struct store *store, size_t *records, size_t *keys, struct error *err)
{
    struct output output = {.fd = fd};
    buf_init(&output.text, DOCUMENT_SIZE_MAX);
    buf_init(&output.key_names, 1024 * 1024);
    json_writer_init(&output.key_writer, &output.key_names);
    json_write_array(&output.key_writer, NULL);
    bool ok = name_audit_key(&output, store, err) && write_keys(&output, store, err);
    for (size_t i = 1; ok && i < KIND_COUNT; i++)
        ok = store_list(store, kinds[i].kind, NULL, 0, write_record, &output, NULL, err);
    ok = ok && flush(&output, 1, err);
    *records = output.records;
    *keys = output.keys;
    buf_done(&output.text);
    buf_done(&output.key_names);
    return ok;
}

static bool malformed(struct error *err, const char *message)
{
    return error_set(err, &backup_malformed, NULL, "state", "%s", message);
}

static struct document_item *add(struct document *document)
{
    if (document->count == document->capacity) {
        document->capacity = document->capacity > 0 ? 2 * document->capacity : 64;
        document->items =
            memory_resize(document->items, document->capacity, sizeof *document->items);
    }
    struct document_item *item = &document->items[document->count++];
    *item = (struct document_item){0};
    return item;
}

static bool read_keys(struct document *document, struct reader *reader, struct error *err)
{
    uint32_t count = reader_u32_le(reader);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        struct document_item *item = add(document);
        item->kind = STORE_KEY;
        item->value = reader_bytes(reader, reader_u32_le(reader));
    }
    return !reader->failed || malformed(err, "it ends within the private keys");
}

/* The next line without its newline; false at the end. */
static bool next_line(struct slice *line, struct reader *reader)
{
    const uint8_t *end =
        reader->rest.size > 0 ? memchr(reader->rest.data, '\n', reader->rest.size) : NULL;
    if (end == NULL)
        return false;
    *line = reader_bytes(reader, (size_t)(end - reader->rest.data));
    reader_bytes(reader, 1);
    return true;
}

/* The first line gives the keys their names. */
static bool read_head(struct document *document, struct reader *reader, struct error *err)
{
    struct slice line;
    int64_t version;
    const struct json *names;
    _cleanup_json_ struct json *head = NULL;
    if (!next_line(&line, reader))
        return malformed(err, "it has no head");
    if (!json_parse(&head, line, err) || !json_get_integer(&version, head, "version", err) ||
        !json_get_array(&names, head, "keys", err))
        return false;
    if (version > DOCUMENT_VERSION)
        return error_set(err, &backup_newer, NULL, "state", "its version is %lld, ours %d",
                         (long long)version, DOCUMENT_VERSION);
    const struct json *name = json_first(names);
    for (size_t i = 0; i < document->count; i++, name = json_next(name)) {
        if (name == NULL || !json_is_text(name))
            return malformed(err, "a private key has no name");
        document->items[i].key = memory_copy_text(json_text(name));
    }
    return name == NULL || malformed(err, "it names more private keys than it has");
}

static bool is_backed_up(int64_t kind)
{
    for (size_t i = 1; i < KIND_COUNT; i++)
        if ((int64_t)kinds[i].kind == kind)
            return true;
    return false;
}

/* Values are decoded to the end of the document's own bytes; offsets become slices when all are
 * there. */
static bool read_record(struct document *document, struct slice line, struct error *err)
{
    int64_t kind;
    const char *key;
    _cleanup_json_ struct json *record = NULL;
    size_t start = document->values.size;
    if (!json_parse(&record, line, err) || !json_get_integer(&kind, record, "kind", err) ||
        !json_get_text(&key, record, "key", err) ||
        !json_get_bytes(&document->values, record, "value", err))
        return false;
    if (!is_backed_up(kind))
        return malformed(err, "it holds a record of a kind that backups do not have");
    struct document_item *item = add(document);
    item->kind = (enum store_kind)kind;
    item->key = memory_copy_text(key);
    item->value = slice_of(NULL, start); /* the offset, for settle_values */
    return true;
}

static void settle_values(struct document *document, size_t keys)
{
    const struct buf *values = &document->values;
    for (size_t i = keys; i < document->count; i++) {
        size_t start = document->items[i].value.size;
        size_t end = i + 1 < document->count ? document->items[i + 1].value.size : values->size;
        document->items[i].value = slice_of(values->data + start, end - start);
    }
}

bool document_read(struct document *out, int fd, struct error *err)
{
    *out = (struct document){0};
    buf_init(&out->bytes, DOCUMENT_SIZE_MAX);
    buf_init(&out->values, DOCUMENT_SIZE_MAX);
    if (!file_read_fd(&out->bytes, fd, "state", err))
        return false;
    struct reader reader = reader_of(buf_slice(&out->bytes));
    if (!read_keys(out, &reader, err) || !read_head(out, &reader, err))
        return false;
    size_t keys = out->count;
    struct slice line;
    while (next_line(&line, &reader))
        if (!read_record(out, line, err))
            return false;
    if (!reader_done(&reader))
        return malformed(err, "its last line is cut");
    settle_values(out, keys);
    return true;
}

void document_done(struct document *document)
{
    for (size_t i = 0; i < document->count; i++)
        free(document->items[i].key);
    free(document->items);
    buf_done(&document->bytes);
    buf_done(&document->values);
    buf_done(&document->service);
    *document = (struct document){0};
}

/* The value of "service" again, with another mode. */
static bool rewrite_mode(struct buf *out, struct slice value, const char *mode, struct error *err)
{
    struct json_writer writer;
    _cleanup_json_ struct json *service = NULL;
    if (!json_parse(&service, value, err))
        return false;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    for (const struct json *field = json_first(service); field != NULL; field = json_next(field)) {
        _cleanup_buf_ struct buf text;
        buf_init(&text, STORE_VALUE_MAX);
        json_append(&text, field);
        if (strcmp(json_name(field), "mode") == 0)
            json_write_text(&writer, "mode", mode);
        else
            json_write_raw(&writer, json_name(field), buf_slice(&text));
    }
    json_write_object_end(&writer);
    return buf_ok(out, "service", err);
}

bool document_set_mode(struct document *document, const char *mode, struct error *err)
{
    buf_init(&document->service, STORE_VALUE_MAX);
    for (size_t i = 0; i < document->count; i++) {
        struct document_item *item = &document->items[i];
        if (item->kind != STORE_SETTING || strcmp(item->key, ATTESTATION_SETTING_SERVICE) != 0)
            continue;
        if (!rewrite_mode(&document->service, item->value, mode, err))
            return false;
        item->value = buf_slice(&document->service);
    }
    return true;
}
