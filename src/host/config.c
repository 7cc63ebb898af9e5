/* SPDX-License-Identifier: Apache-2.0 */
#include "host/config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "host/errors.h"
#include "host/tpm_device.h"

#define CONFIG_SIZE_MAX ((size_t)64 * 1024)

#define KEY(section, key, type, field, initial, description)                                \
    {                                                                                       \
        section, key, type, offsetof(struct host_config, field), initial, 0, 0, description \
    }

const struct config_key host_config_keys[] = {
    KEY("attestation", "url", CONFIG_TEXT, attestation_url, "",
        "the service's attestation URL, http://HOST/Attestation"),
    KEY("attestation", "fallback-url", CONFIG_TEXT, attestation_fallback_url, "",
        "another one, asked when the first does not answer"),
    KEY("key-protection", "url", CONFIG_TEXT, key_protection_url, "",
        "the service's key protection URL, http://HOST/KeyProtection"),
    KEY("key-protection", "fallback-url", CONFIG_TEXT, key_protection_fallback_url, "",
        "another one, asked when the first does not answer"),
    KEY("key-protection", "service-thumbprints", CONFIG_LIST, pins, "",
        "SHA-256 of the service's signing certificates; without any, whatever guardian the VM's "
        "owner vouched for may release its key"),
    KEY("tls", "ca-file", CONFIG_TEXT, ca_file, "",
        "PEM file of the authorities that certify the service's HTTPS; the system's if empty"),
    KEY("host", "key", CONFIG_TEXT, key_file, "host.key",
        "the host key, PEM, mode 0600; a relative path begins at this file's folder"),
    KEY("host", "state", CONFIG_TEXT, state, HOST_STATE_PATH,
        "folder of the identity key and the health certificate, mode 0700"),
    KEY("tpm", "tcti", CONFIG_TEXT, tcti, "",
        "the TPM, as tpm2-tss names it: device:/dev/tpmrm0 if empty"),
    KEY("tpm", "endorsement-key", CONFIG_TEXT, endorsement_key, "auto",
        "which endorsement key this host is known by: rsa-2048, p-256, high-rsa-2048, "
        "high-rsa-3072, high-rsa-4096, high-p-256, high-p-384, or the first that has a "
        "certificate"),
    KEY("tpm", "pcr-bank", CONFIG_TEXT, pcr_bank, "auto",
        "which bank of PCRs this host attests by: sha256, sha384, sha512, or the first of these "
        "that the TPM has; it must be the one that the host is registered for"),
    KEY("tpm", "bios-log", CONFIG_TEXT, bios_log, "",
        "a copy of the firmware's event log, where the kernel's is not the one to send"),
    KEY("tpm", "ima-log", CONFIG_TEXT, ima_log, "",
        "a copy of the IMA list, where the kernel's is not the one to send"),
};
const size_t host_config_key_count = sizeof host_config_keys / sizeof host_config_keys[0];

/* The option, else the environment's variable, else otherwise. */
static const char *choose(const char *option, const char *variable, const char *otherwise)
{
    if (option != NULL)
        return option;
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

void host_config_set(char **field, const char *value)
{
    char *copy = memory_copy_text(value);
    free(*field);
    *field = copy;
}

void host_config_set_pins(struct host_config *config, const char *const *pins, size_t count)
{
    for (size_t i = 0; i < config->pins.count; i++)
        free(config->pins.items[i]);
    free(config->pins.items);
    config->pins.items = memory_allocate_zero(count, sizeof config->pins.items[0]);
    config->pins.count = count;
    for (size_t i = 0; i < count; i++)
        config->pins.items[i] = memory_copy_text(pins[i]);
}

bool host_config_load(struct host_config *out, const char *path, const char *state,
                      struct error *err)
{
    struct host_config config = {0};
    const char *chosen = choose(path, "HGS_HOST_CONFIG", HOST_CONFIG_PATH);
    bool exists = access(chosen, F_OK) == 0;
    if (!config_load(&config, host_config_keys, host_config_key_count, exists ? chosen : NULL, err))
        return false;
    config.path = memory_copy_text(chosen);
    const char *moved = choose(state, "HGS_HOST_STATE", NULL);
    if (moved != NULL)
        config.moved_state = memory_copy_text(moved);
    const char *tcti = choose(NULL, "HGS_TCTI", NULL);
    if (tcti != NULL)
        config.moved_tcti = memory_copy_text(tcti);
    *out = config;
    return true;
}

void host_config_done(struct host_config *config)
{
    config_done(config, host_config_keys, host_config_key_count);
    free(config->path);
    free(config->moved_state);
    free(config->moved_tcti);
    free(config->moved_bios_log);
    free(config->moved_ima_log);
    *config = (struct host_config){0};
}

bool host_config_require(const struct host_config *config, struct error *err)
{
    if (config->attestation_url[0] != '\0' && config->key_protection_url[0] != '\0')
        return true;
    if (access(config->path, F_OK) != 0)
        return error_set(err, &host_not_configured, NULL, config->path, "the file does not exist");
    return error_set(err, &host_not_configured, NULL, config->path, "it has no %s",
                     config->attestation_url[0] == '\0' ? "[attestation] url"
                                                        : "[key-protection] url");
}

char *host_config_resolve(const struct host_config *config, const char *path)
{
    const char *slash = strrchr(config->path, '/');
    if (path[0] == '/' || slash == NULL)
        return memory_copy_text(path);
    return memory_format("%.*s/%s", (int)(slash - config->path), config->path, path);
}

char *host_config_state(const struct host_config *config)
{
    return config->moved_state != NULL ? memory_copy_text(config->moved_state)
                                       : host_config_resolve(config, config->state);
}

const char *host_config_tcti(const struct host_config *config)
{
    if (config->moved_tcti != NULL)
        return config->moved_tcti;
    return config->tcti[0] != '\0' ? config->tcti : HOST_TPM_TCTI;
}

static char *log_in_force(const struct host_config *config, const char *moved, const char *path)
{
    if (moved != NULL)
        return memory_copy_text(moved);
    return path[0] != '\0' ? host_config_resolve(config, path) : memory_copy_text("");
}

char *host_config_bios_log(const struct host_config *config)
{
    return log_in_force(config, config->moved_bios_log, config->bios_log);
}

char *host_config_ima_log(const struct host_config *config)
{
    return log_in_force(config, config->moved_ima_log, config->ima_log);
}

static void append_value(struct buf *out, const struct host_config *config,
                         const struct config_key *key)
{
    const char *field = (const char *)config + key->offset;
    if (key->type == CONFIG_LIST) {
        const struct config_list *list = (const struct config_list *)(const void *)field;
        for (size_t i = 0; i < list->count; i++)
            buf_append_format(out, "%s%s", i > 0 ? " " : "", list->items[i]);
    } else {
        buf_append_text(out, *(char *const *)(const void *)field);
    }
}

static void format(struct buf *out, const struct host_config *config)
{
    const char *section = "";
    buf_append_text(out, "; Written by hgs host configure and hgs host key; see hgs(1).\n");
    for (size_t i = 0; i < host_config_key_count; i++) {
        const struct config_key *key = &host_config_keys[i];
        if (strcmp(section, key->section) != 0)
            buf_append_format(out, "\n[%s]\n", key->section);
        section = key->section;
        buf_append_format(out, "; %s\n%s = ", key->description, key->key);
        append_value(out, config, key);
        buf_append_text(out, "\n");
    }
}

static bool make_parent(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return true;
    _cleanup_free_ char *folder = memory_format("%.*s", (int)(slash - path), path);
    return file_make_folder(folder, 0755, err);
}

bool host_config_save(const struct host_config *config, struct error *err)
{
    struct buf text;
    buf_init(&text, CONFIG_SIZE_MAX);
    format(&text, config);
    bool good = buf_ok(&text, config->path, err) && make_parent(config->path, err) &&
                file_replace(config->path, buf_slice(&text), 0644, err);
    buf_done(&text);
    return good;
}
