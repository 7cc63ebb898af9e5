/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/requested.h"

#include <stdio.h>
#include <strings.h>

#include "admin/errors.h"
#include "base/clock.h"
#include "base/hex.h"
#include "crypto/certificate_request.h"
#include "keyprotection/errors.h"

#define DIGITS_MIN 8
#define PUBLIC_KEY_MAX 2048
#define PEM_MAX (2 * CERTIFICATE_REQUEST_SIZE_MAX)

void requested_init(struct requested *requested)
{
    *requested = (struct requested){0};
    buf_init(&requested->der, CERTIFICATE_REQUEST_SIZE_MAX);
    buf_init(&requested->public_key, PUBLIC_KEY_MAX);
}

void requested_done(struct requested *requested)
{
    buf_done(&requested->der);
    buf_done(&requested->public_key);
}

void requested_format(struct buf *out, const struct requested *requested)
{
    char time[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "type", keyprotection_certificate_type_name(requested->type));
    json_write_text(&writer, "subject", requested->subject);
    json_write_integer(&writer, "usage", requested->usage);
    json_write_base64(&writer, "request", buf_slice(&requested->der));
    json_write_text(&writer, "added", clock_format(requested->added, time));
    json_write_text(&writer, "added_by", requested->added_by);
    if (requested->key_uri[0] != '\0') {
        json_write_text(&writer, "key_uri", requested->key_uri);
        json_write_base64(&writer, "public_key", buf_slice(&requested->public_key));
    }
    json_write_object_end(&writer);
}

static bool parse_token_key(struct requested *out, const struct json *json, struct error *err)
{
    const char *uri;
    if (json_get(json, "key_uri") == NULL)
        return true;
    if (!json_get_text(&uri, json, "key_uri", err) || !keyprotection_key_uri_check(uri, err) ||
        !json_get_bytes(&out->public_key, json, "public_key", err))
        return false;
    snprintf(out->key_uri, sizeof out->key_uri, "%s", uri);
    return true;
}

bool requested_parse(struct requested *out, const struct store_record *record, struct error *err)
{
    const char *type, *subject, *added, *by;
    int64_t usage;
    _cleanup_json_ struct json *json = NULL;
    if (!json_parse(&json, record->value, err) || !json_get_text(&type, json, "type", err) ||
        !keyprotection_certificate_type_parse(&out->type, type, err) ||
        !json_get_text(&subject, json, "subject", err) ||
        !json_get_integer(&usage, json, "usage", err) ||
        !json_get_bytes(&out->der, json, "request", err) ||
        !json_get_text(&added, json, "added", err) || !clock_parse(&out->added, added, err) ||
        !json_get_text(&by, json, "added_by", err) || !parse_token_key(out, json, err))
        return false;
    if (strlen(record->key) != REQUESTED_NAME_SIZE - 1)
        return error_set(err, &keyprotection_record, NULL, record->key, "it is no key id");
    memcpy(out->key_name, record->key, REQUESTED_NAME_SIZE);
    snprintf(out->subject, sizeof out->subject, "%s", subject);
    snprintf(out->added_by, sizeof out->added_by, "%s", by);
    out->usage = (unsigned)usage;
    out->revision = record->revision;
    return true;
}

bool requested_load(struct requested *out, bool *found, struct store *store,
                    const uint8_t key_id[KEY_ID_SIZE], struct error *err)
{
    char name[REQUESTED_NAME_SIZE];
    struct error cause = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    struct store_record record = {.kind = STORE_CERTIFICATE_REQUEST,
                                  .key = hex_format(slice_of(key_id, KEY_ID_SIZE), name)};
    *found = store_get(store, record.kind, name, &value, &record.revision, &cause);
    if (!*found) {
        if (error_kind(&cause) != ERROR_NOT_FOUND && err != NULL)
            *err = cause;
        return error_kind(&cause) == ERROR_NOT_FOUND;
    }
    record.value = buf_slice(&value);
    return requested_parse(out, &record, err);
}

struct search {
    struct requested *out;
    const char *text;
    size_t count;
};

static bool look_at(void *context, const struct store_record *record, struct error *err)
{
    struct search *search = context;
    if (strncasecmp(record->key, search->text, strlen(search->text)) != 0 || search->count++ > 0)
        return true;
    return requested_parse(search->out, record, err);
}

bool requested_find(struct requested *out, struct store *store, const char *text, struct error *err)
{
    struct search search = {out, text, 0};
    if (strlen(text) < DIGITS_MIN)
        return error_set(err, &admin_argument, NULL, text,
                         "a key id has 64 hexadecimal digits; "
                         "give the first %d or more",
                         DIGITS_MIN);
    if (!store_list(store, STORE_CERTIFICATE_REQUEST, NULL, 0, look_at, &search, NULL, err))
        return false;
    if (search.count > 1)
        return error_set(err, &admin_argument, NULL, text, "several requests begin with this");
    return search.count == 1 || error_set(err, &admin_not_found, NULL, text,
                                          "no certificate was requested for this key");
}

static void write_facts(struct json_writer *writer, const struct requested *requested)
{
    char time[CLOCK_TEXT_SIZE];
    if (requested->key_name[0] != '\0')
        json_write_text(writer, "key_id", requested->key_name);
    json_write_text(writer, "type", keyprotection_certificate_type_name(requested->type));
    json_write_text(writer, "subject", requested->subject);
    json_write_integer(writer, "usage", requested->usage);
    json_write_text(writer, "added", clock_format(requested->added, time));
    json_write_text(writer, "added_by", requested->added_by);
    if (requested->key_uri[0] != '\0')
        json_write_text(writer, "key_uri", requested->key_uri);
}

static bool write_one(void *context, const struct store_record *record, struct error *err)
{
    struct requested requested;
    requested_init(&requested);
    bool good = requested_parse(&requested, record, err);
    if (good) {
        json_write_object(context, NULL);
        write_facts(context, &requested);
        json_write_object_end(context);
    }
    requested_done(&requested);
    return good;
}

bool requested_write_all(struct json_writer *writer, struct store *store, struct error *err)
{
    json_write_array(writer, "requests");
    bool good = store_list(store, STORE_CERTIFICATE_REQUEST, NULL, 0, write_one, writer, NULL, err);
    json_write_array_end(writer);
    return good;
}

void requested_write_properties(struct json_writer *writer, const struct requested *requested)
{
    _cleanup_buf_ struct buf pem;
    buf_init(&pem, PEM_MAX);
    write_facts(writer, requested);
    if (requested->der.size == 0)
        return;
    certificate_request_format_pem(&pem, buf_slice(&requested->der));
    json_write_text(writer, "request", buf_text(&pem));
}

void requested_write(struct json_writer *writer, const struct requested *requested)
{
    json_write_object(writer, NULL);
    requested_write_properties(writer, requested);
    json_write_object_end(writer);
}
