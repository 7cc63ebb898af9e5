/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What this host knows of its Host Guardian Service: host.conf (INI), /etc/hgs/host.conf unless
 * --config or HGS_HOST_CONFIG names another. Relative paths in it begin at its folder, so a whole
 * host can live in one folder. Without a file, or without URLs, the host is in local mode.
 */

#include "base/config.h"

#define HOST_CONFIG_PATH "/etc/hgs/host.conf"
#define HOST_STATE_PATH "/run/hgs-host"

struct host_config {
    char *path;                     /* of the file, whether it exists or not */
    char *attestation_url;          /* "http://HOST/Attestation"; "" in local mode */
    char *attestation_fallback_url; /* "": none */
    char *key_protection_url;       /* "http://HOST/KeyProtection" */
    char *key_protection_fallback_url;
    char *ca_file;           /* PEM; "": the system's */
    struct config_list pins; /* SHA-256 of the service's signing certificates; none: any that the
                                owner vouched for */
    char *key_file;          /* the host key */
    char *state;             /* folder of identity key and health certificate */
    char *tcti;              /* the TPM; "": HOST_TPM_TCTI */
    char *endorsement_key;   /* which one: host_tpm_endorsement_kinds */
    char *pcr_bank;          /* of the TPM that is sent: host_tpm_pcrs_bank */
    char *bios_log;          /* "": the kernel's */
    char *ima_log;           /* "": the kernel's, if it keeps one */
    char *moved_state;       /* --state or HGS_HOST_STATE, which are not saved; or NULL */
    char *moved_tcti;        /* --tcti or HGS_TCTI, likewise */
    char *moved_bios_log;    /* --bios-log */
    char *moved_ima_log;     /* --ima-log */
};

/* path and state: from options, may be NULL (then the environment, then the defaults).
 * base.config-malformed. */
bool host_config_load(struct host_config *out, const char *path, const char *state,
                      struct error *err);
void host_config_done(struct host_config *config);
#define _cleanup_host_config_ __attribute__((cleanup(host_config_done)))

/* Has both URLs. host.not-configured names the file. */
bool host_config_require(const struct host_config *config, struct error *err);

/* Writes the file (mode 0644, its folder is made). Paths as they were read or set. */
bool host_config_save(const struct host_config *config, struct error *err);
/* Replaces *field, which config owns. */
void host_config_set(char **field, const char *value);
void host_config_set_pins(struct host_config *config, const char *const *pins, size_t count);
/* A path of the configuration as one that can be opened, allocated. */
char *host_config_resolve(const struct host_config *config, const char *path);

/* The state folder in force: --state, HGS_HOST_STATE, or the file's. Allocated. */
char *host_config_state(const struct host_config *config);

/* The TPM in force: --tcti, HGS_TCTI, the file's, or the default. Borrowed. */
const char *host_config_tcti(const struct host_config *config);
/* The logs in force; "": the kernel's. Allocated. */
char *host_config_bios_log(const struct host_config *config);
char *host_config_ima_log(const struct host_config *config);

/* The table, for the man page's check. */
extern const struct config_key host_config_keys[];
extern const size_t host_config_key_count;
