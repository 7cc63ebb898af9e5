/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/usage_record.h"

#include "base/hex.h"
#include "base/json.h"
#include "keyprotection/errors.h"

#include <stdio.h>

#define HEAD_MAX (64 * 1024)

char *usage_record_head_key(char *text, const char *node)
{
    snprintf(text, STORE_KEY_MAX + 1, "%s/head", node);
    return text;
}

char *usage_record_page_key(char *text, const char *node, size_t page)
{
    snprintf(text, STORE_KEY_MAX + 1, "%s/%05zu", node, page);
    return text;
}

bool usage_record_is_of(const char *key, const char *node)
{
    size_t length = strlen(node);
    return strncmp(key, node, length) == 0 && key[length] == '/';
}

void usage_record_format_head(struct buf *out, const struct usage_table *table,
                              const struct usage_check *check)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_integer(&writer, "since", usage_table_since(table));
    json_write_integer(&writer, "count", (int64_t)usage_table_count(table));
    if (check->known)
        json_write_hex(&writer, "check", slice_of(check->bytes, sizeof check->bytes));
    json_write_array(&writer, "keys");
    for (size_t i = 0; i < USAGE_KEYS_MAX; i++) {
        const struct usage_key *key = usage_table_key(table, i);
        if (key == NULL)
            continue;
        json_write_object(&writer, NULL);
        json_write_integer(&writer, "number", (int64_t)i);
        json_write_text(&writer, "type", keyprotection_certificate_type_name(key->type));
        json_write_hex(&writer, "key_id", slice_of(key->id, sizeof key->id));
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

void usage_record_format_page(struct buf *out, const struct usage_table *table, size_t page)
{
    size_t end = (page + 1) * USAGE_PAGE;
    if (end > usage_table_count(table))
        end = usage_table_count(table);
    for (size_t i = page * USAGE_PAGE; i < end; i++) {
        const struct usage_entry *entry = usage_table_entry(table, i);
        buf_append_u64_le(out, entry->link);
        buf_append_u64_le(out, entry->former);
        buf_append_u64_le(out, entry->keys);
        buf_append_u32_le(out, entry->seen);
    }
}

static bool parse_hex(uint8_t *out, size_t size, const char *text, struct error *err)
{
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, size);
    if (!hex_parse(&bytes, slice_from_text(text), err) || !buf_ok(&bytes, "usage", err))
        return false;
    if (bytes.size != size)
        return error_set(err, &keyprotection_record, NULL, NULL, "%zu bytes instead of %zu",
                         bytes.size, size);
    memcpy(out, bytes.data, size);
    return true;
}

static bool parse_key(struct usage_table *table, const struct json *object, struct error *err)
{
    int64_t number;
    const char *type, *id;
    struct usage_key key;
    if (!json_get_integer(&number, object, "number", err) ||
        !json_get_text(&type, object, "type", err) ||
        !keyprotection_certificate_type_parse(&key.type, type, err) ||
        !json_get_text(&id, object, "key_id", err) || !parse_hex(key.id, sizeof key.id, id, err))
        return false;
    return (number >= 0 && key.type != KEYPROTECTION_COMMUNICATIONS &&
            usage_table_load_key(table, (size_t)number, &key)) ||
           error_set(err, &keyprotection_record, NULL, NULL, "key %lld stands there twice",
                     (long long)number);
}

/* What the head says, before the pages are read. */
struct loading {
    struct usage_table *table;
    struct usage_check check;
    const char *node;
    int64_t count;
    bool whole; /* every entry is where it was */
};

static bool parse_head(struct loading *loading, struct slice value, size_t protectors_max,
                       struct error *err)
{
    int64_t since;
    const char *check;
    const struct json *keys;
    _cleanup_json_ struct json *document = NULL;
    if (!json_parse(&document, value, err) || !json_get_integer(&since, document, "since", err) ||
        !json_get_integer(&loading->count, document, "count", err) ||
        !json_get_text_or(&check, document, "check", NULL, err) ||
        !json_get_array(&keys, document, "keys", err))
        return false;
    loading->table = usage_table_new(since, protectors_max);
    loading->check.known = check != NULL;
    if (check != NULL && !parse_hex(loading->check.bytes, USAGE_CHECK_SIZE, check, err))
        return false;
    for (const struct json *it = json_first(keys); it != NULL; it = json_next(it))
        if (!parse_key(loading->table, it, err))
            return false;
    return true;
}

/* Records come in the order of their keys: this node's pages, its head, and then others'. */
static bool load_page(void *context, const struct store_record *record, struct error *err)
{
    struct loading *loading = context;
    struct reader reader = reader_of(record->value);
    char expected[STORE_KEY_MAX + 1];
    size_t count = usage_table_count(loading->table);
    (void)err;
    if ((int64_t)count >= loading->count || !usage_record_is_of(record->key, loading->node) ||
        strcmp(record->key, usage_record_head_key(expected, loading->node)) == 0)
        return false;
    usage_record_page_key(expected, loading->node, count / USAGE_PAGE);
    loading->whole &= count % USAGE_PAGE == 0 && strcmp(expected, record->key) == 0;
    while (reader.rest.size >= USAGE_ENTRY_SIZE) {
        struct usage_entry entry = {.link = reader_u64_le(&reader),
                                    .former = reader_u64_le(&reader),
                                    .keys = reader_u64_le(&reader),
                                    .seen = reader_u32_le(&reader)};
        loading->whole &= usage_table_load(loading->table, &entry);
    }
    return true;
}

static bool load(struct loading *loading, struct store *store, size_t protectors_max,
                 struct error *err)
{
    char key[STORE_KEY_MAX + 1];
    struct error cause = {0};
    _cleanup_buf_ struct buf head;
    buf_init(&head, HEAD_MAX);
    if (!store_get(store, STORE_CERTIFICATE_USAGE, usage_record_head_key(key, loading->node), &head,
                   NULL, err))
        return false;
    if (!parse_head(loading, buf_slice(&head), protectors_max, &cause))
        return error_set(err, &keyprotection_record, NULL, key, "%s", cause.message);
    snprintf(key, sizeof key, "%s/", loading->node);
    loading->whole = true;
    if (!store_list(store, STORE_CERTIFICATE_USAGE, key, 0, load_page, loading, NULL, err))
        return false;
    usage_table_loaded(loading->table);
    size_t count = usage_table_count(loading->table);
    for (size_t i = 0; !(loading->whole && (int64_t)count == loading->count) && i < count;
         i += USAGE_PAGE)
        usage_table_put_changed(loading->table, i / USAGE_PAGE);
    return true;
}

bool usage_record_load(struct usage_table **out, struct usage_check *check, struct store *store,
                       const char *node, int64_t since, size_t protectors_max, struct error *err)
{
    struct error cause = {0};
    struct loading loading = {.node = node};
    if (!load(&loading, store, protectors_max, &cause)) {
        usage_table_free(&loading.table);
        if (error_kind(&cause) != ERROR_NOT_FOUND) {
            if (err != NULL)
                *err = cause;
            return false;
        }
        loading.table = usage_table_new(since, protectors_max);
        loading.check.known = false;
    }
    *check = loading.check;
    *out = loading.table;
    return true;
}
