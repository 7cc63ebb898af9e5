/* SPDX-License-Identifier: Apache-2.0 */

/* hgs host: this machine as a guarded host. */

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/hex.h"
#include "base/memory.h"
#include "hgs/baseline.h"
#include "hgs/commands.h"
#include "hgs/output.h"
#include "hgs/picture.h"
#include "hgs/platform.h"
#include "hgs/what_if.h"
#include "host/attest.h"
#include "host/errors.h"
#include "host/host_key.h"

static bool load_config(struct host_config *out, const struct option_values *values,
                        struct error *err)
{
    return host_config_load(out, option_text(values, "config"), option_text(values, "state"), err);
}

static int show_key(struct output *output, const struct private_key *key, const char *path,
                    struct error *err)
{
    const struct option_values *values = output->values;
    const struct public_key *public_half = private_key_public(key);
    const char *out = option_text(values, "out");
    char digest[65];
    hex_format(slice_of(public_key_digest(public_half), 32), digest);
    if (out != NULL && !option_given(values, "dry-run") && !host_key_export(public_half, out, err))
        return option_fail(values, err);
    _cleanup_buf_ struct buf pem;
    buf_init(&pem, 65536);
    host_key_format_public(&pem, public_half);
    json_write_text(&output->writer, "file", path);
    json_write_text(&output->writer, "sha256", digest);
    json_write_text(&output->writer, "public_key", buf_text(&pem));
    if (out != NULL)
        json_write_text(&output->writer, "out", out);
    if (out != NULL)
        return output_say(output,
                          "Host key %s\nSHA-256  %s\nThe public key is in %s. Register it at the "
                          "service: hgsctl host add NAME --key %s",
                          path, digest, out, out);
    if (output_json(output))
        return 0;
    fputs(buf_text(&pem), stdout);
    return 0;
}

/* A path on the command line begins at the current folder, one in host.conf at that file's. */
static char *absolute(const char *path)
{
    char *resolved = realpath(path, NULL);
    return resolved != NULL ? resolved : memory_copy_text(path);
}

/* What would be read back otherwise than it was given cannot be kept in an INI file. */
static bool check_value(const char *option, const char *value, struct error *err)
{
    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == ';' || *c == 0x7f)
            return error_set(err, &base_usage, NULL, option,
                             "\"%s\" has white space, a semicolon or a control character", value);
    return true;
}

static int use_file(struct output *output, struct host_config *config, const char *file,
                    struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    if (!host_key_load(&key, file, err))
        return option_fail(output->values, err);
    _cleanup_free_ char *path = absolute(file);
    if (!check_value("file", path, err))
        return option_fail(output->values, err);
    host_config_set(&config->key_file, path);
    if (!option_given(output->values, "dry-run") && !host_config_save(config, err))
        return option_fail(output->values, err);
    return show_key(output, key, path, err);
}

static int generate(struct output *output, const char *path, struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    bool replace = option_given(output->values, "yes");
    if (option_given(output->values, "dry-run"))
        return output_say(output, "Would make an RSA-2048 host key in %s.", path);
    if (!host_key_generate(&key, path, replace, err))
        return option_fail(output->values, err);
    return show_key(output, key, path, err);
}

static int run_key(const struct option_values *values)
{
    struct error err;
    _cleanup_host_config_ struct host_config config = {0};
    _cleanup_output_ struct output output;
    _cleanup_private_key_ struct private_key *key = NULL;
    output_init(&output, values);
    if (!load_config(&config, values, &err))
        return option_fail(values, &err);
    if (option_given(values, "file"))
        return use_file(&output, &config, option_text(values, "file"), &err);
    _cleanup_free_ char *path = host_config_resolve(&config, config.key_file);
    if (option_given(values, "generate"))
        return generate(&output, path, &err);
    if (!host_key_load(&key, path, &err))
        return option_fail(values, &err);
    return show_key(&output, key, path, &err);
}

static bool set_value(char **field, const struct option_values *values, const char *option,
                      struct error *err)
{
    const char *value = option_text(values, option);
    if (value == NULL)
        return true;
    if (!check_value(option, value, err))
        return false;
    host_config_set(field, value);
    return true;
}

static bool set_pins(struct host_config *config, const struct option_values *values,
                     struct error *err)
{
    size_t count = option_count(values, "service-thumbprint");
    if (count == 0)
        return true;
    _cleanup_free_ const char **pins = memory_allocate_zero(count, sizeof pins[0]);
    for (size_t i = 0; i < count; i++) {
        pins[i] = option_item(values, "service-thumbprint", i);
        if (strlen(pins[i]) != 64 || strspn(pins[i], "0123456789abcdefABCDEF") != 64)
            return error_set(err, &base_usage, NULL, "service-thumbprint",
                             "\"%s\" is not a SHA-256 of 64 hexadecimal digits", pins[i]);
    }
    host_config_set_pins(config, pins, count);
    return true;
}

static bool configure(struct host_config *config, const struct option_values *values,
                      struct error *err)
{
    if (option_given(values, "local")) {
        host_config_set(&config->attestation_url, "");
        host_config_set(&config->attestation_fallback_url, "");
        host_config_set(&config->key_protection_url, "");
        host_config_set(&config->key_protection_fallback_url, "");
        return true;
    }
    if (!set_value(&config->attestation_url, values, "attestation-url", err) ||
        !set_value(&config->key_protection_url, values, "key-protection-url", err) ||
        !set_value(&config->attestation_fallback_url, values, "fallback-attestation-url", err) ||
        !set_value(&config->key_protection_fallback_url, values, "fallback-key-protection-url",
                   err) ||
        !set_pins(config, values, err))
        return false;
    if (option_given(values, "ca-file")) {
        _cleanup_free_ char *path = absolute(option_text(values, "ca-file"));
        if (!check_value("ca-file", path, err))
            return false;
        host_config_set(&config->ca_file, path);
    }
    if (config->attestation_url[0] != '\0' && config->key_protection_url[0] != '\0')
        return true;
    return error_set(err, &base_usage, NULL, "host configure",
                     "--attestation-url and --key-protection-url are both needed, or --local");
}

static int run_configure(const struct option_values *values)
{
    struct error err;
    _cleanup_host_config_ struct host_config config = {0};
    _cleanup_output_ struct output output;
    output_init(&output, values);
    bool dry = option_given(values, "dry-run");
    if (!load_config(&config, values, &err) || !configure(&config, values, &err) ||
        (!dry && !host_config_save(&config, &err)))
        return option_fail(values, &err);
    json_write_text(&output.writer, "file", config.path);
    json_write_text(&output.writer, "AttestationServerUrl", config.attestation_url);
    json_write_text(&output.writer, "KeyProtectionServerUrl", config.key_protection_url);
    if (option_given(values, "local"))
        return output_say(&output, "%s %s: local mode, no Host Guardian Service.",
                          dry ? "Would write" : "Wrote", config.path);
    return output_say(&output, "%s %s: attestation at %s, keys from %s.",
                      dry ? "Would write" : "Wrote", config.path, config.attestation_url,
                      config.key_protection_url);
}

static int run_show(const struct option_values *values)
{
    struct error err;
    struct clock clock;
    struct picture picture = {0};
    _cleanup_host_config_ struct host_config config = {0};
    _cleanup_output_ struct output output;
    output_init(&output, values);
    clock_init(&clock);
    if (!load_config(&config, values, &err) || !picture_take(&picture, &config, &clock, &err))
        return option_fail(values, &err);
    picture_show(&output, &picture);
    return 0;
}

static int run_attest(const struct option_values *values)
{
    struct error err;
    struct clock clock;
    struct picture picture = {0};
    _cleanup_host_config_ struct host_config config = {0};
    _cleanup_host_identity_ struct host_identity identity = {0};
    _cleanup_output_ struct output output;
    output_init(&output, values);
    clock_init(&clock);
    if (!platform_load_config(&config, values, PLATFORM_BOTH_LOGS, &err))
        return option_fail(values, &err);
    struct host_attest_options options = {&config, &clock, option_given(values, "fallback")};
    if (option_given(values, "what-if"))
        return what_if_run(&output, &options);
    picture.config = &config;
    bool passed = host_attest(&identity, &picture.record, &options, &err);
    if (passed) {
        picture.has_certificate = true;
        picture.not_after = certificate_facts(identity.certificate)->not_after;
    }
    picture_show(&output, &picture);
    return passed ? 0 : option_fail(values, &err);
}

static const struct option_entry key_options[] = {
    {"generate", NULL, "make a new RSA-2048 host key", OPTION_FLAG, .group = "source"},
    {"file", "KEY", "use the private key in this file (PEM or DER, mode 0600)", OPTION_VALUE,
     OPTION_FILE, .group = "source"},
    {"out", "FILE", "write the public key there: PEM, or DER when it ends in .der", OPTION_VALUE,
     OPTION_FILE},
    {"yes", NULL, "with --generate: replace the host key that there is", OPTION_FLAG},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};

static const struct option_entry configure_options[] = {
    {"attestation-url", "URL", "the service's attestation, http://SERVER/Attestation", OPTION_VALUE,
     OPTION_URL},
    {"key-protection-url", "URL", "the service's key protection, http://SERVER/KeyProtection",
     OPTION_VALUE, OPTION_URL},
    {"fallback-attestation-url", "URL", "asked when the first does not answer", OPTION_VALUE,
     OPTION_URL},
    {"fallback-key-protection-url", "URL", "asked when the first does not answer", OPTION_VALUE,
     OPTION_URL},
    {"service-thumbprint", "HEX",
     "SHA-256 of a signing certificate of the service: keys from others are refused",
     OPTION_REPEATED},
    {"ca-file", "FILE", "PEM file of the authorities for the service's HTTPS", OPTION_VALUE,
     OPTION_FILE},
    {"local", NULL, "no Host Guardian Service", OPTION_FLAG},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};

static const char *const what_if_modes[] = {"tpm", NULL};

static const struct option_entry attest_options[] = {
    {"fallback", NULL, "ask the fallback URL", OPTION_FLAG},
    {"what-if", "MODE",
     "keep nothing, and say policy by policy whether this host would pass in this mode: tpm",
     OPTION_VALUE, OPTION_ANY, what_if_modes},
    PLATFORM_ROW_TCTI,
    PLATFORM_ROW_BIOS_LOG,
    PLATFORM_ROW_IMA_LOG,
    OPTION_END,
};

static const char *const key_examples[] = {"hgs host key --generate --out n1.pub",
                                           "hgs host key --out n1.pub", NULL};
static const char *const configure_examples[] = {
    "hgs host configure --attestation-url http://hgs.example/Attestation --key-protection-url "
    "http://hgs.example/KeyProtection",
    NULL};
static const char *const identify_examples[] = {"hgs host identify --name n1 --out n1.xml", NULL};
static const char *const baseline_examples[] = {
    "hgs host baseline n1.tcglog", "hgs host baseline n1.tcglog --skip-validation", NULL};
static const char *const show_examples[] = {"hgs host show", NULL};
static const char *const attest_examples[] = {"hgs host attest", "hgs host attest --what-if tpm",
                                              NULL};

const struct option_command host_commands[] = {
    {"host key", "show, make or choose the host key", NULL, NULL, key_options, key_examples,
     "Set-HgsClientHostKey, Get-HgsClientHostKey", run_key},
    {"host configure", "say which service this host attests at and gets keys from", NULL, NULL,
     configure_options, configure_examples, "Set-HgsClientConfiguration", run_configure},
    {"host identify", "write the platform identifier by which a host with a TPM is registered",
     "Names the endorsement key of this machine's TPM and its manufacturer's certificate. It may "
     "be "
     "used by root and by the group that owns /dev/tpmrm0, usually tss.",
     NULL, platform_identify_options, identify_examples, "Get-PlatformIdentifier",
     platform_identify},
    {"host baseline", "write the event log of this machine's start, to be trusted as a baseline",
     "The log is written as the firmware left it, after a look at whether a host that measured it "
     "could pass: that the TPM's PCRs confirm it, and what can be told from a log alone.",
     baseline_arguments, baseline_options, baseline_examples, "Get-HgsAttestationBaselinePolicy",
     baseline_run},
    {"host show", "show the configuration and how the last attestation went", NULL, NULL, NULL,
     show_examples, "Get-HgsClientConfiguration", run_show},
    {"host attest", "attest now and keep the health certificate",
     "The service says in which mode it attests: by the host key, or by the TPM and what it "
     "measured "
     "at the machine's start. A fresh identity key is made for every health certificate; in TPM "
     "mode the TPM keeps it to itself. The clock of the service is compared with this machine's, "
     "and "
     "an offset told by which the certificate looks not valid yet, or no longer. The exit status "
     "is "
     "0 when the host passed.",
     NULL, attest_options, attest_examples, "Test-HgsClientConfiguration", run_attest},
    {.name = NULL},
};
