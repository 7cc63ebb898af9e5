/* SPDX-License-Identifier: Apache-2.0 */
#include "hgs/platform.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/table.h"
#include "hgs/output.h"
#include "host/platform.h"
#include "tpm/endorsement_certificate.h"

/* Borrowed text of an option, as a copy that the configuration owns. */
static void move_option(char **field, const struct option_values *values, const char *option)
{
    const char *text = option_text(values, option);
    if (text != NULL)
        host_config_set(field, text);
}

bool platform_load_config(struct host_config *out, const struct option_values *values,
                          enum platform_logs logs, struct error *err)
{
    if (!host_config_load(out, option_text(values, "config"), option_text(values, "state"), err))
        return false;
    move_option(&out->moved_tcti, values, "tcti");
    if (logs >= PLATFORM_BIOS_LOG)
        move_option(&out->moved_bios_log, values, "bios-log");
    if (logs >= PLATFORM_BOTH_LOGS)
        move_option(&out->moved_ima_log, values, "ima-log");
    return true;
}

#define NO_CERTIFICATE                                                                          \
    "This TPM has no endorsement certificate, so nothing shows that it is one. The service "    \
    "registers the host only with hgsctl host add --tpm FILE --force --policy-version v1, and " \
    "marks it as such. Some manufacturers hand their certificates out later: see the TPM's "    \
    "documentation."

/* What was found, for both forms of output. */
struct finding {
    const char *kind;
    char digest[65]; /* of the key: how the service knows this host */
    struct tpm_maker maker;
    bool has_certificate;
    int64_t not_after;
    const char *issuer;             /* borrowed */
    char doubt[ERROR_MESSAGE_SIZE]; /* what is wrong with the certificate; "": nothing */
};

static bool examine(struct finding *out, struct certificate **certificate,
                    const struct platform_identifier *identifier, const char *kind,
                    struct error *err)
{
    _cleanup_tpm_endorsement_key_ struct tpm_endorsement_key key = {0};
    struct error cause = {0};
    if (!tpm_endorsement_key_parse(&key, buf_slice(&identifier->endorsement_key), err))
        return false;
    *out = (struct finding){.kind = kind};
    hex_format(slice_of(tpm_endorsement_key_identity(&key), DIGEST_SHA256_SIZE), out->digest);
    struct slice der = buf_slice(&identifier->certificate);
    out->has_certificate = der.size > 0;
    if (!out->has_certificate)
        return true;
    /* A certificate that the service will refuse is shown nevertheless, with the reason. */
    if (!tpm_endorsement_certificate_parse(certificate, der, &cause) ||
        !tpm_endorsement_key_is(&key, certificate_key(*certificate), &cause))
        snprintf(out->doubt, sizeof out->doubt, "%s", cause.message);
    if (*certificate == NULL)
        return true;
    tpm_endorsement_certificate_maker(&out->maker, *certificate);
    out->not_after = certificate_facts(*certificate)->not_after;
    out->issuer = certificate_facts(*certificate)->issuer_text;
    return true;
}

static void write_finding(struct json_writer *writer, const struct finding *finding,
                          const struct platform_identifier *identifier)
{
    char time[CLOCK_TEXT_SIZE];
    json_write_text(writer, "name", identifier->name);
    json_write_text(writer, "endorsement_key", finding->kind);
    json_write_text(writer, "sha256", finding->digest);
    json_write_bool(writer, "has_certificate", finding->has_certificate);
    if (finding->issuer != NULL) {
        json_write_text(writer, "certificate_issuer", finding->issuer);
        json_write_text(writer, "certificate_expires", clock_format(finding->not_after, time));
        json_write_text(writer, "manufacturer", finding->maker.manufacturer);
        json_write_text(writer, "model", finding->maker.model);
    }
    if (finding->doubt[0] != '\0')
        json_write_text(writer, "doubt", finding->doubt);
    if (!finding->has_certificate)
        json_write_text(writer, "note", NO_CERTIFICATE);
    json_write_text(writer, "tpm_manufacturer", identifier->tpm_manufacturer);
    json_write_text(writer, "tpm_firmware_version", identifier->tpm_firmware_version);
}

static void print_finding(const struct finding *finding,
                          const struct platform_identifier *identifier, const char *path)
{
    char time[CLOCK_TEXT_SIZE];
    _cleanup_table_ struct table *table = table_new(NULL);
    table_pair(table, "Name", "%s", identifier->name);
    table_pair(table, "Endorsement key", "%s, SHA-256 %s", finding->kind, finding->digest);
    table_pair(table, "TPM", "%s, firmware %s", identifier->tpm_manufacturer,
               identifier->tpm_firmware_version);
    if (finding->issuer != NULL)
        table_pair(table, "Certificate", "%s %s, by %s, until %s", finding->maker.manufacturer,
                   finding->maker.model, finding->issuer, clock_format(finding->not_after, time));
    table_print(table, stdout);
    printf("Platform identifier in %s. Register it at the service: hgsctl host add %s --tpm %s\n",
           path, identifier->name, path);
}

/* The document: to the file, or to standard output alone. */
static int give_identifier(struct output *output, const struct finding *finding,
                           const struct platform_identifier *identifier, struct error *err)
{
    const char *path = option_text(output->values, "out");
    _cleanup_buf_ struct buf document;
    buf_init(&document, PLATFORM_IDENTIFIER_SIZE_MAX);
    platform_identifier_format(&document, identifier);
    if (path != NULL && !file_replace(path, buf_slice(&document), 0644, err))
        return option_fail(output->values, err);
    write_finding(&output->writer, finding, identifier);
    json_write_text(&output->writer, path != NULL ? "file" : "identifier",
                    path != NULL ? path : buf_text(&document));
    if (output_json(output))
        return 0;
    if (path != NULL)
        print_finding(finding, identifier, path);
    else
        fputs(buf_text(&document), stdout);
    if (finding->doubt[0] != '\0')
        fprintf(stderr, "hgs: the service will not accept this TPM's certificate: %s\n",
                finding->doubt);
    if (!finding->has_certificate)
        fprintf(stderr, "hgs: %s\n", NO_CERTIFICATE);
    return 0;
}

int platform_identify(const struct option_values *values)
{
    struct error err;
    struct finding finding;
    _cleanup_host_config_ struct host_config config = {0};
    _cleanup_host_tpm_device_ struct host_tpm_device *device = NULL;
    _cleanup_host_tpm_endorsement_ struct host_tpm_endorsement endorsement = {0};
    _cleanup_platform_identifier_ struct platform_identifier identifier = {0};
    _cleanup_certificate_ struct certificate *certificate = NULL;
    _cleanup_output_ struct output output;
    output_init(&output, values);
    if (!platform_load_config(&config, values, PLATFORM_NO_LOGS, &err) ||
        !host_tpm_device_open(&device, host_config_tcti(&config), &err) ||
        !host_tpm_endorsement_find(&endorsement, device, config.endorsement_key, &err) ||
        !host_platform_read(&identifier, &endorsement, option_text(values, "name"), &err) ||
        !examine(&finding, &certificate, &identifier, endorsement.kind, &err))
        return option_fail(values, &err);
    return give_identifier(&output, &finding, &identifier, &err);
}

const struct option_entry platform_identify_options[] = {
    {"name", "NAME", "the name to register this host by", OPTION_VALUE, OPTION_NAME,
     .required = true},
    {"out", "FILE", "write the identifier there instead of to standard output", OPTION_VALUE,
     OPTION_FILE},
    PLATFORM_ROW_TCTI,
    OPTION_END,
};
