/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The sections [token NAME] of hgsd.conf(5): each a token of a PKCS#11 module (an HSM), whose keys
 * a keyholder process of its own serves. What the cluster shares names a key by its URI; which
 * module has the token, and where its PIN comes from, is each node's own business.
 */

#include "base/config.h"
#include "base/secret.h"

#define HGSD_TOKENS_MAX 16
#define HGSD_TOKEN_SESSIONS_MAX 60

struct hgsd_token {
    char *name;   /* of the section */
    char *module; /* absolute path of a shared library */
    char *uri;    /* RFC 7512: which of the module's tokens */
    /* At most one is not empty; with neither, an administrator gives the PIN (hgsctl token unlock).
     */
    char *pin_file;
    char *pin_credential; /* name of a systemd credential */
    bool raw_rsa;
    int64_t sessions;
    int64_t timeout_ms;
    char *user;                     /* of its process; empty: that of [keyholder] */
    struct config_list read;        /* what the module may read besides: its configuration */
    struct config_list write;       /* and write: folders, devices */
    struct config_list environment; /* NAME=VALUE, for the module */
    bool network;                   /* may connect by TCP and UDP */
};

extern const struct config_family hgsd_token_family;

/* What the form of each value alone cannot tell. path: of the file, for messages. hgsd.config,
 * token.uri, token.uri-secret. */
bool hgsd_token_check(const struct hgsd_token *token, const char *path, struct error *err);
/*
 * What can be known without starting: the module and the file with the PIN are there, the PIN
 * closed to others, nothing that the module may reach holds the folder with the cluster key or the
 * one with key files ("": none). user: that of [keyholder]. hgsd.config, base.file-*, process.user.
 */
bool hgsd_token_check_files(const struct hgsd_token *token, const char *user,
                            const char *keyholder_folder, const char *key_folder,
                            struct error *err);

/* The last of these alone, which a token's process asks for, too, before it loads the module. */
bool hgsd_token_check_reach(const struct hgsd_token *token, const char *keyholder_folder,
                            const char *key_folder, struct error *err);

/*
 * The PIN, as far as a file or credential has it; otherwise *out stays empty. The file must belong
 * to root, to user (the process's; "" is the caller) or to the caller, and be closed to others.
 * base.file-*, hgsd.config.
 */
bool hgsd_token_read_pin(struct secret *out, const struct hgsd_token *token, const char *user,
                         struct error *err);
