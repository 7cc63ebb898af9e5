/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/host.h"

#include "attestation/errors.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/plain_name.h"
#include "crypto/digest.h"
#include "crypto/public_key.h"

#include <stdio.h>

static void init(struct attestation_host *out, const char *name, enum attestation_mode mode,
                 struct slice key, int64_t added, const char *added_by)
{
    *out = (struct attestation_host){.mode = mode, .added = added};
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->added_by, sizeof out->added_by, "%s", added_by);
    buf_init(&out->key, ATTESTATION_HOST_KEY_MAX);
    buf_append(&out->key, key);
    digest_sha256(out->key_id, key);
    attestation_tpm_host_init(&out->tpm);
}

bool attestation_host_init(struct attestation_host *out, const char *name, struct slice key,
                           int64_t added, const char *added_by, struct error *err)
{
    _cleanup_public_key_ struct public_key *parsed = NULL;
    if (!plain_name_valid(name, PLAIN_NAME_SIZE))
        return error_set(err, &attestation_host_name, NULL, name, "it is not a host's name");
    if (!public_key_parse_file(&parsed, key, err))
        return false;
    init(out, name, ATTESTATION_MODE_HOST_KEY, public_key_spki(parsed), added, added_by);
    return true;
}

bool attestation_host_init_tpm(struct attestation_host *out, const char *name,
                               struct slice identifier,
                               const struct attestation_registration *registration,
                               struct tpm_trust *trust, int64_t added, const char *added_by,
                               struct error *err)
{
    struct attestation_tpm_host tpm;
    _cleanup_platform_identifier_ struct platform_identifier parsed;
    platform_identifier_init(&parsed);
    if (!plain_name_valid(name, PLAIN_NAME_SIZE))
        return error_set(err, &attestation_host_name, NULL, name, "it is not a host's name");
    if (!platform_identifier_parse(&parsed, identifier, err) ||
        !attestation_tpm_host_register(&tpm, &parsed, registration, trust, added, err))
        return false;
    init(out, name, ATTESTATION_MODE_TPM, buf_slice(&parsed.key), added, added_by);
    out->tpm = tpm;
    return true;
}

void attestation_host_done(struct attestation_host *host)
{
    buf_done(&host->key);
    attestation_tpm_host_done(&host->tpm);
}

void attestation_host_format(struct buf *out, const struct attestation_host *host)
{
    char added[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "name", host->name);
    json_write_text(&writer, "mode", attestation_mode_name(host->mode));
    json_write_base64(&writer, "key", buf_slice(&host->key));
    json_write_hex(&writer, "key_id", slice_of(host->key_id, sizeof host->key_id));
    json_write_text(&writer, "added", clock_format(host->added, added));
    json_write_text(&writer, "added_by", host->added_by);
    if (host->mode == ATTESTATION_MODE_TPM)
        attestation_tpm_host_write(&writer, &host->tpm);
    json_write_object_end(&writer);
}

static bool parse_key(struct attestation_host *host, const struct json *record, struct error *err)
{
    const char *id;
    char expected[2 * ATTESTATION_HOST_ID_SIZE + 1];
    if (!json_get_bytes(&host->key, record, "key", err) || !buf_ok(&host->key, host->name, err) ||
        !json_get_text(&id, record, "key_id", err))
        return false;
    digest_sha256(host->key_id, buf_slice(&host->key));
    hex_format(slice_of(host->key_id, sizeof host->key_id), expected);
    if (strcmp(id, expected) != 0)
        return error_set(err, &attestation_host_malformed, NULL, host->name,
                         "key_id is not the digest of its key");
    return true;
}

static bool parse_record(struct attestation_host *host, const struct json *record,
                         struct error *err)
{
    const char *name, *mode, *added, *added_by;
    if (!json_get_text(&name, record, "name", err) || !json_get_text(&mode, record, "mode", err) ||
        !json_get_text(&added, record, "added", err) ||
        !json_get_text(&added_by, record, "added_by", err) ||
        !clock_parse(&host->added, added, err))
        return false;
    if (!plain_name_valid(name, PLAIN_NAME_SIZE) || !attestation_mode_parse(&host->mode, mode))
        return error_set(err, &attestation_host_malformed, NULL, name,
                         "its name or its mode is none");
    snprintf(host->name, sizeof host->name, "%s", name);
    snprintf(host->added_by, sizeof host->added_by, "%s", added_by);
    if (host->mode == ATTESTATION_MODE_AD)
        return true;
    return parse_key(host, record, err) && (host->mode == ATTESTATION_MODE_HOST_KEY ||
                                            attestation_tpm_host_read(&host->tpm, record, err));
}

bool attestation_host_parse(struct attestation_host *out, struct slice value, struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    if (!json_parse(&record, value, err))
        return false;
    _cleanup_attestation_host_ struct attestation_host host = {0};
    buf_init(&host.key, ATTESTATION_HOST_KEY_MAX);
    if (!parse_record(&host, record, err))
        return false;
    *out = host;
    host = (struct attestation_host){0}; /* *out owns it now */
    return true;
}
