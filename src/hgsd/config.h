/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * hgsd.conf(5): what this node alone decides. Everything that a cluster shares is in the store and
 * set by hgsctl. Every path can be moved, so that a user can run a whole service under one folder.
 */

#include "hgsd/config_token.h"

#include <sys/types.h>

#define HGSD_CONFIG_FILE "/etc/hgs/hgsd.conf"

struct hgsd_config {
    /* [service] */
    char *node;         /* empty: the machine's name */
    char *user;         /* the service runs as; empty: stays who it is */
    char *state_folder; /* audit/, store/, keyholder/ below it */
    char *log_level;
    char *public_url; /* what `server show` tells people; empty: from the listen addresses */
    /* [listen] */
    struct config_list http;
    struct config_list https;
    char *certificate;
    char *key;
    char *password_file;
    /* [store] */
    char *store_kind;
    char *store_path; /* empty: STATE/store/hgs.db */
    /* [admin] */
    char *admin_socket;
    struct config_list administrators;
    struct config_list reviewers;
    /* [audit] */
    char *audit_folder; /* empty: STATE/audit */
    int64_t audit_rotate;
    int64_t audit_retain;
    int64_t audit_checkpoint;
    int64_t audit_refusals; /* records a second */
    bool audit_journal;     /* every record goes into the systemd journal, too */
    bool audit_linux;       /* and to the Linux audit system */
    /* [limits] */
    int64_t connections;
    int64_t idle_ms;
    int64_t request_ms;
    int64_t head;
    int64_t attestation_body;
    int64_t key_protection_body;
    int64_t attestation_workers; /* 0: one a core */
    int64_t release_workers;
    int64_t queue;
    int64_t shutdown_ms;
    int64_t watchdog_ms; /* 0: off; else at least three times any keyholder's timeout */
    /* [keyholder] */
    char *keyholder_user;
    char *keyholder_folder; /* empty: STATE/keyholder */
    char *key_folder;       /* of certificates referred to by thumbprint; empty: none */
    int64_t keyholder_timeout_ms;
    /* [token NAME]: struct hgsd_token */
    struct config_members tokens;
};

static inline const struct hgsd_token *hgsd_config_token(const struct hgsd_config *config,
                                                         size_t index)
{
    return (const struct hgsd_token *)config->tokens.items + index;
}

/* The table behind the structure, for the man page's check and for --check-config. */
extern const struct config_key hgsd_config_keys[];
extern const size_t hgsd_config_key_count;

/*
 * Reads path (NULL: HGSD_CONFIG_FILE when it exists, else defaults) and fills in what was left
 * empty. Free with hgsd_config_done. base.config-malformed, hgsd.config,
 * token.uri, token.uri-secret.
 */
bool hgsd_config_load(struct hgsd_config *config, const char *path, struct error *err);
void hgsd_config_done(struct hgsd_config *config);
