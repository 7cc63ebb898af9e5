/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_host.h"

#include "attestation/errors.h"
#include "attestation/host.h"
#include "base/memory.h"
#include "base/plain_name.h"
#include "tpm/endorsement_certificate.h"
#include "tpm/pcr.h"

#include <stdio.h>
#include <stdlib.h>

#define OFFSETS(field) \
    offsetof(struct attestation_tpm_host, field), offsetof(struct platform_identifier, field)

/* Texts for people: the record's member and the identifier's field of the same meaning. */
static const struct text_field {
    const char *name;
    size_t offset, from;
} text_fields[] = {
    {"system_uuid", OFFSETS(system_uuid)},
    {"serial_number", OFFSETS(serial_number)},
    {"tpm_manufacturer", OFFSETS(tpm_manufacturer)},
    {"tpm_firmware_version", OFFSETS(tpm_firmware_version)},
};
#define TEXT_FIELDS (sizeof text_fields / sizeof text_fields[0])

void attestation_tpm_host_init(struct attestation_tpm_host *host)
{
    *host = (struct attestation_tpm_host){.version = POLICY_VERSION_2, .bank = DIGEST_SHA256};
    buf_init(&host->endorsement_key, TPM_PUBLIC_SIZE_MAX + 2);
    buf_init(&host->certificate, CERTIFICATE_SIZE_MAX);
    buf_init(&host->chain, PLATFORM_IDENTIFIER_CHAIN_MAX);
}

void attestation_tpm_host_done(struct attestation_tpm_host *host)
{
    buf_done(&host->endorsement_key);
    buf_done(&host->certificate);
    buf_done(&host->chain);
    for (size_t i = 0; i < host->set_count; i++)
        free(host->sets[i]);
    host->set_count = 0;
}

static bool add_set(struct attestation_tpm_host *host, const char *name, struct error *err)
{
    if (host->set_count == ATTESTATION_SETS_MAX)
        return error_set(err, &attestation_host_set, NULL, name, "a host is in %d sets at most",
                         ATTESTATION_SETS_MAX);
    if (!plain_name_valid(name, PLAIN_NAME_SIZE))
        return error_set(err, &attestation_host_set, NULL, name, "it is not the name of a set");
    host->sets[host->set_count++] = memory_copy_text(name);
    return true;
}

/* Whether the certificate proves that the key is a TPM's. */
static bool verify(const struct platform_identifier *identifier, struct tpm_trust *trust,
                   int64_t now, struct error *err)
{
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (identifier->certificate.size == 0)
        return error_set(err, &attestation_certificate_missing, "protocol.md 2.3", identifier->name,
                         "the TPM has no endorsement certificate");
    return tpm_endorsement_certificate_verify(&certificate, buf_slice(&identifier->certificate),
                                              buf_slice(&identifier->chain), trust, now, err);
}

static bool check(struct attestation_tpm_host *host, const struct platform_identifier *identifier,
                  const struct attestation_registration *registration, struct tpm_trust *trust,
                  int64_t now, struct error *err)
{
    struct error why = {0};
    if (registration->version == POLICY_VERSION_2 && registration->force)
        return error_set(err, &attestation_force_version, NULL, identifier->name,
                         "it cannot be forced as version v2");
    host->certified = verify(identifier, trust, now, &why);
    if (host->certified || registration->force)
        return true;
    if (registration->version == POLICY_VERSION_1)
        return error_set(err, &attestation_force_needed, NULL, identifier->name, "%s (%s)",
                         why.message, why.code->name);
    if (err != NULL)
        *err = why;
    return false;
}

bool attestation_tpm_host_register(struct attestation_tpm_host *out,
                                   struct platform_identifier *identifier,
                                   const struct attestation_registration *registration,
                                   struct tpm_trust *trust, int64_t now, struct error *err)
{
    struct attestation_tpm_host host;
    attestation_tpm_host_init(&host);
    host.profile = registration->profile;
    host.version = registration->version;
    if (registration->bank != 0)
        host.bank = registration->bank;
    host.staged = registration->staged;
    bool good = check(&host, identifier, registration, trust, now, err);
    for (size_t i = 0; good && i < registration->set_count; i++)
        good = add_set(&host, registration->sets[i], err);
    if (!good) {
        attestation_tpm_host_done(&host);
        return false;
    }
    buf_move(&host.endorsement_key, &identifier->endorsement_key);
    buf_move(&host.certificate, &identifier->certificate);
    buf_move(&host.chain, &identifier->chain);
    for (size_t i = 0; i < TEXT_FIELDS; i++)
        memcpy((char *)&host + text_fields[i].offset,
               (const char *)identifier + text_fields[i].from, PLATFORM_IDENTIFIER_TEXT_SIZE);
    *out = host;
    return true;
}

void attestation_tpm_host_write(struct json_writer *writer, const struct attestation_tpm_host *host)
{
    if (host->endorsement_key.size > 0)
        json_write_base64(writer, "endorsement_key", buf_slice(&host->endorsement_key));
    if (host->certificate.size > 0)
        json_write_base64(writer, "endorsement_certificate", buf_slice(&host->certificate));
    if (host->chain.size > 0)
        json_write_base64(writer, "endorsement_chain", buf_slice(&host->chain));
    json_write_bool(writer, "certified", host->certified);
    json_write_text(writer, "profile", policy_profile_name(host->profile));
    json_write_text(writer, "policy_version", policy_version_name(host->version));
    json_write_text(writer, "bank", digest_name(host->bank));
    json_write_bool(writer, "staged", host->staged);
    json_write_array(writer, "sets");
    for (size_t i = 0; i < host->set_count; i++)
        json_write_text(writer, NULL, host->sets[i]);
    json_write_array_end(writer);
    for (size_t i = 0; i < TEXT_FIELDS; i++) {
        const char *text = (const char *)host + text_fields[i].offset;
        if (text[0] != '\0')
            json_write_text(writer, text_fields[i].name, text);
    }
}

static bool read_sets(struct attestation_tpm_host *host, const struct json *record,
                      struct error *err)
{
    const struct json *sets;
    if (!json_get_array(&sets, record, "sets", err))
        return false;
    for (const struct json *set = json_first(sets); set != NULL; set = json_next(set)) {
        if (!json_is_text(set))
            return error_set(err, &attestation_host_malformed, NULL, "sets",
                             "a set's name is not text");
        if (!add_set(host, json_text(set), err))
            return false;
    }
    return true;
}

static bool read_texts(struct attestation_tpm_host *host, const struct json *record,
                       struct error *err)
{
    for (size_t i = 0; i < TEXT_FIELDS; i++) {
        const char *text;
        if (!json_get_text_or(&text, record, text_fields[i].name, "", err))
            return false;
        snprintf((char *)host + text_fields[i].offset, PLATFORM_IDENTIFIER_TEXT_SIZE, "%s", text);
    }
    return true;
}

static bool read_optional_bytes(struct buf *out, const struct json *record, const char *name,
                                struct error *err)
{
    return json_get(record, name) == NULL ||
           (json_get_bytes(out, record, name, err) && buf_ok(out, name, err));
}

static bool read_members(struct attestation_tpm_host *host, const struct json *record,
                         struct error *err)
{
    const char *profile, *version, *bank;
    if (!read_optional_bytes(&host->endorsement_key, record, "endorsement_key", err) ||
        !read_optional_bytes(&host->certificate, record, "endorsement_certificate", err) ||
        !read_optional_bytes(&host->chain, record, "endorsement_chain", err) ||
        !json_get_bool(&host->certified, record, "certified", err) ||
        !json_get_text(&profile, record, "profile", err) ||
        !json_get_text(&version, record, "policy_version", err) ||
        !json_get_text_or(&bank, record, "bank", digest_name(DIGEST_SHA256), err) ||
        !json_get_bool(&host->staged, record, "staged", err) || !read_sets(host, record, err) ||
        !read_texts(host, record, err))
        return false;
    if (!policy_profile_parse(&host->profile, profile) ||
        !policy_version_parse(&host->version, version) ||
        !tpm_pcr_bank_parse_name(&host->bank, bank))
        return error_set(err, &attestation_host_malformed, NULL, "profile",
                         "its profile, policy version or bank is none");
    return true;
}

bool attestation_tpm_host_read(struct attestation_tpm_host *out, const struct json *record,
                               struct error *err)
{
    struct attestation_tpm_host host;
    attestation_tpm_host_init(&host);
    if (!read_members(&host, record, err)) {
        attestation_tpm_host_done(&host);
        return false;
    }
    *out = host;
    return true;
}

void attestation_tpm_host_subject(struct policy_subject *out,
                                  const struct attestation_tpm_host *host, const char *name)
{
    *out = (struct policy_subject){
        .host = name,
        .sets = (const char *const *)host->sets,
        .set_count = host->set_count,
        .profile = host->profile,
        .version = host->version,
    };
}
