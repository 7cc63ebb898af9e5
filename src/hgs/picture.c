/* SPDX-License-Identifier: Apache-2.0 */
#include "hgs/picture.h"

#include <string.h>

#include "base/memory.h"
#include "base/table.h"
#include "host/identity.h"

static const char *mode_of(const struct host_config *config)
{
    return config->attestation_url[0] != '\0' ? "HostGuardianService" : "Local";
}

/* As MSFT_HgsClientConfiguration names them. */
static const char *operation_mode(const struct host_status_record *record)
{
    switch (record->mode) {
    case ATTESTATION_MODE_TPM:
        return "Tpm";
    case ATTESTATION_MODE_AD:
        return "ActiveDirectory";
    case ATTESTATION_MODE_HOST_KEY:
        return "HostKey";
    default:
        return "Unknown";
    }
}

static struct buf next_steps(const struct host_status_record *record)
{
    struct buf out;
    buf_init(&out, 8192);
    host_status_next(&out, record);
    return out;
}

static void write_members(struct json_writer *writer, const struct picture *picture)
{
    char time[CLOCK_TEXT_SIZE];
    const struct host_config *config = picture->config;
    json_write_text(writer, "Mode", mode_of(config));
    json_write_bool(writer, "IsHostGuarded", picture->record.status == HOST_STATUS_PASSED);
    json_write_text(writer, "AttestationServerUrl", config->attestation_url);
    json_write_text(writer, "KeyProtectionServerUrl", config->key_protection_url);
    json_write_text(writer, "FallbackAttestationServerUrl", config->attestation_fallback_url);
    json_write_text(writer, "FallbackKeyProtectionServerUrl", config->key_protection_fallback_url);
    json_write_bool(writer, "IsFallbackInUse", picture->record.fallback);
    json_write_text(writer, "AttestationOperationMode", operation_mode(&picture->record));
    json_write_text(writer, "AttestationStatus", host_status_name(picture->record.status));
    json_write_text(writer, "AttestationSubStatus", picture->record.substatus);
    _cleanup_buf_ struct buf next = next_steps(&picture->record);
    if (next.size > 0)
        json_write_text(writer, "NextSteps", buf_text(&next));
    if (picture->record.time != 0)
        json_write_text(writer, "LastAttestation", clock_format(picture->record.time, time));
    if (picture->record.has_clock_offset)
        json_write_integer(writer, "ClockOffset", picture->record.clock_offset);
    if (picture->has_certificate)
        json_write_text(writer, "HealthCertificateExpires", clock_format(picture->not_after, time));
    json_write_text(writer, "ConfigurationFile", config->path);
}

static void pair(struct table *table, const char *name, const char *value)
{
    table_pair(table, name, "%s", value[0] != '\0' ? value : "-");
}

static enum table_tone tone_of(enum host_status status)
{
    if (status == HOST_STATUS_PASSED)
        return TABLE_GOOD;
    return status == HOST_STATUS_UNKNOWN || status == HOST_STATUS_NOT_CONFIGURED ? TABLE_WARNING
                                                                                 : TABLE_BAD;
}

static void print(const struct picture *picture)
{
    char time[CLOCK_OFFSET_SIZE];
    const struct host_config *config = picture->config;
    _cleanup_table_ struct table *table = table_new(NULL);
    pair(table, "Mode", mode_of(config));
    pair(table, "AttestationServerUrl", config->attestation_url);
    pair(table, "KeyProtectionServerUrl", config->key_protection_url);
    pair(table, "FallbackAttestationServerUrl", config->attestation_fallback_url);
    pair(table, "FallbackKeyProtectionServerUrl", config->key_protection_fallback_url);
    pair(table, "IsFallbackInUse", picture->record.fallback ? "True" : "False");
    pair(table, "AttestationOperationMode", operation_mode(&picture->record));
    table_cell(table, TABLE_FAINT, "AttestationStatus");
    table_cell(table, tone_of(picture->record.status), "%s",
               host_status_name(picture->record.status));
    table_end_row(table);
    pair(table, "AttestationSubStatus", picture->record.substatus);
    pair(table, "LastAttestation",
         picture->record.time != 0 ? clock_format(picture->record.time, time) : "");
    pair(table, "HealthCertificateExpires",
         picture->has_certificate ? clock_format(picture->not_after, time) : "");
    if (picture->record.has_clock_offset) {
        table_cell(table, TABLE_FAINT, "ClockOffset");
        table_cell(table, host_status_clock_is_off(&picture->record) ? TABLE_WARNING : TABLE_PLAIN,
                   "%s against the service's",
                   clock_format_offset(picture->record.clock_offset, time));
        table_end_row(table);
    }
    pair(table, "ConfigurationFile", config->path);
    table_print(table, stdout);
    _cleanup_buf_ struct buf next = next_steps(&picture->record);
    if (next.size > 0)
        printf("What to do next:\n");
    for (const char *line = buf_text(&next); line[0] != '\0'; line += line[0] == '\n') {
        size_t size = strcspn(line, "\n");
        printf("  - %.*s\n", (int)size, line);
        line += size;
    }
}

bool picture_take(struct picture *out, const struct host_config *config, const struct clock *clock,
                  struct error *err)
{
    _cleanup_free_ char *state = host_config_state(config);
    _cleanup_host_identity_ struct host_identity identity = {0};
    out->config = config;
    host_status_load(&out->record, state);
    if (!host_identity_load(&identity, &out->has_certificate, state, err))
        return false;
    if (out->has_certificate)
        out->not_after = certificate_facts(identity.certificate)->not_after;
    if (config->attestation_url[0] == '\0')
        out->record.status = HOST_STATUS_NOT_CONFIGURED;
    else if (out->record.status == HOST_STATUS_PASSED &&
             (!out->has_certificate || clock_now(clock) > out->not_after))
        out->record.status = HOST_STATUS_EXPIRED;
    return true;
}

void picture_show(struct output *output, const struct picture *picture)
{
    write_members(&output->writer, picture);
    if (!output_json(output))
        print(picture);
}
