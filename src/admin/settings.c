/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/settings.h"

#include "admin/errors.h"
#include "attestation/settings.h"
#include "keyprotection/snapshot.h"

#define OFFLINE_UNWRAPS "max_offline_unwraps"

void settings_edit_init(struct settings_edit *edit)
{
    *edit = (struct settings_edit){0};
    for (size_t i = 0; i < SETTINGS_RECORDS; i++)
        buf_init(&edit->values[i], STORE_VALUE_MAX);
    buf_init(&edit->before, STORE_VALUE_MAX);
    buf_init(&edit->after, STORE_VALUE_MAX);
}

void settings_edit_done(struct settings_edit *edit)
{
    for (size_t i = 0; i < SETTINGS_RECORDS; i++)
        buf_done(&edit->values[i]);
    buf_done(&edit->before);
    buf_done(&edit->after);
}

/* An absent record counts as an empty one of revision STORE_ABSENT. */
static bool load(struct buf *value, int64_t *revision, struct store *store, const char *key,
                 struct error *err)
{
    *revision = STORE_ABSENT;
    if (store_get(store, STORE_SETTING, key, value, revision, err))
        return true;
    if (error_kind(err) != ERROR_NOT_FOUND)
        return false;
    buf_append_text(value, "{}");
    return true;
}

static void write_member(struct json_writer *writer, const struct json *member)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, STORE_VALUE_MAX);
    json_append(&text, member);
    json_write_raw(writer, json_name(member), buf_slice(&text));
}

/* The record's members, those of changes in their place or behind them. */
static bool merge(struct buf *out, struct slice record, const struct json *changes,
                  struct error *err)
{
    struct json_writer writer;
    _cleanup_json_ struct json *old = NULL;
    if (!json_parse(&old, record, err))
        return false;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    for (const struct json *member = json_first(old); member != NULL; member = json_next(member))
        if (json_get(changes, json_name(member)) == NULL)
            write_member(&writer, member);
    for (const struct json *member = json_first(changes); member != NULL;
         member = json_next(member))
        write_member(&writer, member);
    json_write_object_end(&writer);
    return buf_ok(out, "setting", err);
}

static bool check_unwraps(struct slice value, struct error *err)
{
    int64_t unwraps;
    _cleanup_json_ struct json *record = NULL;
    if (!json_parse(&record, value, err) ||
        !json_get_integer_or(&unwraps, record, OFFLINE_UNWRAPS, 0, err))
        return false;
    if (unwraps >= 0 && unwraps <= UINT32_MAX)
        return true;
    return error_set(err, &admin_argument, "hgsctl(8)", OFFLINE_UNWRAPS,
                     "%lld is not a count of unwraps", (long long)unwraps);
}

/* A member that nobody reads would look as if it were in force. */
static bool check_members(const struct json *changes, const char *const *known, struct error *err)
{
    for (const struct json *member = json_first(changes); member != NULL;
         member = json_next(member)) {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], json_name(member)) != 0)
            i++;
        if (known[i] == NULL)
            return error_set(err, &admin_argument, "hgsctl(8)", json_name(member),
                             "there is no such setting");
    }
    return true;
}

/* Adds the record `key` with the changes merged in. */
static bool add(struct settings_edit *edit, const struct admin_request *request, const char *key,
                const struct json *changes, struct json_writer *before, struct json_writer *after,
                struct error *err)
{
    struct buf *value = &edit->values[edit->count];
    int64_t revision;
    _cleanup_buf_ struct buf old;
    buf_init(&old, STORE_VALUE_MAX);
    if (!load(&old, &revision, request->services->store, key, err) ||
        !merge(value, buf_slice(&old), changes, err))
        return false;
    json_write_raw(before, key, buf_slice(&old));
    json_write_raw(after, key, buf_slice(value));
    edit->changes[edit->count++] = (struct store_change){
        .kind = STORE_SETTING, .key = key, .value = buf_slice(value), .expected = revision};
    return true;
}

static bool add_mode(struct settings_edit *edit, const struct admin_request *request,
                     struct json_writer *before, struct json_writer *after, struct error *err)
{
    enum attestation_mode mode;
    struct json_writer writer;
    _cleanup_buf_ struct buf text;
    _cleanup_json_ struct json *changes = NULL;
    buf_init(&text, 256);
    if (json_get(request->arguments, "trust") == NULL)
        return true;
    if (!admin_request_mode(&mode, request, err))
        return false;
    json_writer_init(&writer, &text);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "mode", attestation_mode_name(mode));
    json_write_object_end(&writer);
    return json_parse(&changes, buf_slice(&text), err) &&
           add(edit, request, ATTESTATION_SETTING_SERVICE, changes, before, after, err);
}

static bool add_attestation(struct settings_edit *edit, const struct admin_request *request,
                            struct json_writer *before, struct json_writer *after,
                            struct error *err)
{
    static const char *const known[] = {"health_certificate_seconds",
                                        "clock_tolerance_seconds",
                                        "clock_warning_seconds",
                                        "signer_lifetime_days",
                                        "rtpm_exchange_seconds",
                                        "allow_unprotected_signing_keys",
                                        "signer_key",
                                        NULL};
    const struct json *changes = json_get(request->arguments, "attestation");
    struct attestation_settings settings;
    attestation_settings_init(&settings);
    if (changes == NULL)
        return true;
    return check_members(changes, known, err) &&
           add(edit, request, ATTESTATION_SETTING_ATTESTATION, changes, before, after, err) &&
           attestation_settings_parse(&settings, edit->changes[edit->count - 1].value, err);
}

static bool add_key_protection(struct settings_edit *edit, const struct admin_request *request,
                               struct json_writer *before, struct json_writer *after,
                               struct error *err)
{
    static const char *const known[] = {OFFLINE_UNWRAPS, NULL};
    const struct json *changes = json_get(request->arguments, "key_protection");
    if (changes == NULL)
        return true;
    return check_members(changes, known, err) &&
           add(edit, request, KEYPROTECTION_SETTING, changes, before, after, err) &&
           check_unwraps(edit->changes[edit->count - 1].value, err);
}

static bool check_initialized(const struct admin_request *request, struct error *err)
{
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (store_get(request->services->store, STORE_SETTING, ATTESTATION_SETTING_SERVICE, &value,
                  NULL, err))
        return true;
    if (error_kind(err) == ERROR_NOT_FOUND)
        error_set(err, &admin_not_initialized, NULL, "service", "it has no name and no mode");
    return false;
}

bool settings_edit_make(struct settings_edit *edit, const struct admin_request *request,
                        struct error *err)
{
    struct json_writer before, after;
    json_writer_init(&before, &edit->before);
    json_writer_init(&after, &edit->after);
    json_write_object(&before, NULL);
    json_write_object(&after, NULL);
    if (!check_initialized(request, err) || !add_mode(edit, request, &before, &after, err) ||
        !add_attestation(edit, request, &before, &after, err) ||
        !add_key_protection(edit, request, &before, &after, err))
        return false;
    json_write_object_end(&before);
    json_write_object_end(&after);
    return edit->count > 0 ||
           error_set(err, &admin_argument, "hgsctl(8)", "server set", "nothing was given to set");
}

static void write_attestation(struct json_writer *writer,
                              const struct attestation_settings *settings)
{
    json_write_object(writer, "attestation");
    json_write_integer(writer, "health_certificate_seconds", settings->health_certificate_seconds);
    json_write_integer(writer, "clock_tolerance_seconds", settings->clock_tolerance_seconds);
    json_write_integer(writer, "signer_lifetime_days", settings->signer_lifetime_days);
    json_write_integer(writer, "rtpm_exchange_seconds", settings->rtpm_exchange_seconds);
    json_write_text(writer, "signer_key",
                    settings->signer_key == ATTESTATION_SIGNER_KEY_P256 ? "p256" : "rsa2048");
    json_write_bool(writer, "allow_unprotected_signing_keys",
                    settings->allow_unprotected_signing_keys);
    json_write_object_end(writer);
}

bool settings_write(struct json_writer *writer, struct store *store, struct error *err)
{
    struct attestation_settings settings;
    int64_t revision, unwraps = 0;
    _cleanup_buf_ struct buf attestation, keyprotection;
    buf_init(&attestation, STORE_VALUE_MAX);
    buf_init(&keyprotection, STORE_VALUE_MAX);
    _cleanup_json_ struct json *record = NULL;
    attestation_settings_init(&settings);
    if (!load(&attestation, &revision, store, ATTESTATION_SETTING_ATTESTATION, err) ||
        !attestation_settings_parse(&settings, buf_slice(&attestation), err) ||
        !load(&keyprotection, &revision, store, KEYPROTECTION_SETTING, err) ||
        !json_parse(&record, buf_slice(&keyprotection), err) ||
        !json_get_integer_or(&unwraps, record, OFFLINE_UNWRAPS, 0, err))
        return false;
    json_write_object(writer, "settings");
    write_attestation(writer, &settings);
    json_write_object(writer, "key_protection");
    json_write_integer(writer, OFFLINE_UNWRAPS, unwraps);
    json_write_object_end(writer);
    json_write_object_end(writer);
    return true;
}
