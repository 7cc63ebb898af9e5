/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/boot.h"

#include "attestation/errors.h"
#include "base/clock.h"
#include "base/deflate.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/memory.h"
#include "tpm/pcr.h"

#include <stdio.h>
#include <stdlib.h>

/* What the other members of a record may take. */
#define ROOM_FOR_MEMBERS (128 * 1024)

void attestation_boot_done(struct attestation_boot *boot)
{
    for (size_t i = 0; i < boot->reason_count; i++) {
        free(boot->reasons[i].policy);
        free(boot->reasons[i].text);
    }
    free(boot->reasons);
    boot->reasons = NULL;
    boot->reason_count = 0;
    buf_done(&boot->log);
}

static void write_reasons(struct json_writer *writer, const struct attestation_boot *boot)
{
    json_write_array(writer, "reasons");
    for (size_t i = 0; i < boot->reason_count; i++) {
        json_write_object(writer, NULL);
        json_write_text(writer, "policy", boot->reasons[i].policy);
        json_write_text(writer, "result", verdict_result_name(boot->reasons[i].result));
        json_write_text(writer, "text", boot->reasons[i].text);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_log(struct json_writer *writer, const struct attestation_boot *boot)
{
    _cleanup_buf_ struct buf compressed;
    buf_init(&compressed, (STORE_VALUE_MAX - ROOM_FOR_MEMBERS) / 4 * 3);
    if (boot->log.size == 0)
        return;
    deflate_compress(&compressed, buf_slice(&boot->log));
    if (!compressed.overflow)
        json_write_base64(writer, "log", buf_slice(&compressed));
}

void attestation_boot_format(struct buf *out, const struct attestation_boot *boot)
{
    char time[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "host", boot->host);
    json_write_text(&writer, "time", clock_format(boot->time, time));
    json_write_hex(&writer, "digest", slice_of(boot->digest, sizeof boot->digest));
    json_write_text(&writer, "profile", policy_profile_name(boot->profile));
    json_write_text(&writer, "policy_version", policy_version_name(boot->version));
    json_write_text(&writer, "bank", digest_name(boot->bank));
    json_write_bool(&writer, "proven", boot->proven);
    write_reasons(&writer, boot);
    write_log(&writer, boot);
    json_write_object_end(&writer);
}

static bool malformed(struct error *err, const char *object)
{
    return error_set(err, &attestation_boot_malformed, NULL, object, "it is not as it should be");
}

static bool read_digest(struct attestation_boot *boot, const struct json *record, struct error *err)
{
    const char *text;
    _cleanup_buf_ struct buf digest;
    buf_init(&digest, sizeof boot->digest);
    if (!json_get_text(&text, record, "digest", err) ||
        !hex_parse(&digest, slice_from_text(text), err))
        return false;
    if (digest.size != sizeof boot->digest)
        return malformed(err, "digest");
    memcpy(boot->digest, digest.data, digest.size);
    return true;
}

static bool read_bank(struct attestation_boot *boot, const struct json *record, struct error *err)
{
    const char *name;
    return json_get_text(&name, record, "bank", err) &&
           (tpm_pcr_bank_parse_name(&boot->bank, name) || malformed(err, "bank"));
}

static bool read_reasons(struct attestation_boot *boot, const struct json *record,
                         struct error *err)
{
    const struct json *reasons;
    if (!json_get_array(&reasons, record, "reasons", err))
        return false;
    boot->reasons = memory_allocate_zero(ATTESTATION_BOOT_REASONS_MAX, sizeof *boot->reasons);
    for (const struct json *item = json_first(reasons); item != NULL; item = json_next(item)) {
        const char *policy, *result, *text;
        struct attestation_boot_reason reason;
        if (boot->reason_count == ATTESTATION_BOOT_REASONS_MAX)
            return malformed(err, "reasons");
        if (!json_get_text(&policy, item, "policy", err) ||
            !json_get_text(&result, item, "result", err) ||
            !json_get_text(&text, item, "text", err))
            return false;
        if (!verdict_result_parse(&reason.result, result))
            return malformed(err, "result");
        reason.policy = memory_copy_text(policy);
        reason.text = memory_copy_text(text);
        boot->reasons[boot->reason_count++] = reason;
    }
    return true;
}

static bool read_log(struct attestation_boot *boot, const struct json *record, struct error *err)
{
    _cleanup_buf_ struct buf compressed;
    buf_init(&compressed, STORE_VALUE_MAX);
    return json_get(record, "log") == NULL ||
           (json_get_bytes(&compressed, record, "log", err) &&
            deflate_expand(&boot->log, buf_slice(&compressed), ATTESTATION_BOOT_LOG_MAX, err));
}

static bool read_members(struct attestation_boot *boot, const struct json *record,
                         struct error *err)
{
    const char *host, *time, *profile, *version;
    if (!json_get_text(&host, record, "host", err) || !json_get_text(&time, record, "time", err) ||
        !clock_parse(&boot->time, time, err) || !read_digest(boot, record, err) ||
        !json_get_text(&profile, record, "profile", err) ||
        !json_get_text(&version, record, "policy_version", err) || !read_bank(boot, record, err) ||
        !json_get_bool(&boot->proven, record, "proven", err))
        return false;
    snprintf(boot->host, sizeof boot->host, "%s", host);
    if (!policy_profile_parse(&boot->profile, profile) ||
        !policy_version_parse(&boot->version, version))
        return malformed(err, "profile");
    return read_reasons(boot, record, err) && read_log(boot, record, err);
}

bool attestation_boot_parse(struct attestation_boot *out, struct slice value, struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    _cleanup_attestation_boot_ struct attestation_boot boot = {0};
    buf_init(&boot.log, ATTESTATION_BOOT_LOG_MAX);
    if (!json_parse(&record, value, err) || !read_members(&boot, record, err))
        return false;
    *out = boot;
    boot = (struct attestation_boot){0}; /* *out owns it now */
    return true;
}

static bool load(struct attestation_boot *out, struct store *store, enum store_kind kind,
                 const char *host, struct error *err)
{
    struct error why = {0};
    _cleanup_buf_ struct buf value;
    buf_init(&value, STORE_VALUE_MAX);
    if (store_get(store, kind, host, &value, NULL, &why))
        return attestation_boot_parse(out, buf_slice(&value), err);
    if (error_kind(&why) == ERROR_NOT_FOUND)
        return error_set(err, &attestation_boot_none, NULL, host,
                         kind == STORE_PENDING ? "it has no pending boot"
                                               : "no boot of it has passed yet");
    if (err != NULL)
        *err = why;
    return false;
}

bool attestation_boot_load_pending(struct attestation_boot *out, struct store *store,
                                   const char *host, struct error *err)
{
    return load(out, store, STORE_PENDING, host, err);
}

bool attestation_boot_load_last(struct attestation_boot *out, struct store *store, const char *host,
                                struct error *err)
{
    return load(out, store, STORE_LAST_BOOT, host, err);
}
