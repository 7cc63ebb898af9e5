/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The server's TLS certificate and key, as a value that can be replaced while connections still use
 * the one before: each connection holds the credentials that it began with.
 */

#include <gnutls/gnutls.h>

#include "base/error.h"

/* TLS 1.2 and newer; nothing without forward secrecy, no CBC. */
#define TLS_PRIORITIES                            \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:" \
    "-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305"

struct tls_files {
    char *certificate; /* PEM chain (the key may stand in the same file), or PFX */
    char *key;         /* PEM; NULL: in the certificate's file */
    char *password;    /* its first line is the password of a PFX; NULL: none */
};

struct tls_credentials;

/* Reads and checks the files. http.tls-unusable, about the file that is wrong: unreadable, not of
 * that form, a key that does not match, a wrong password. */
bool tls_credentials_load(struct tls_credentials **out, const struct tls_files *files,
                          struct error *err);
/* One more user; any thread. */
struct tls_credentials *tls_credentials_hold(struct tls_credentials *credentials);
/* One user less, the last one frees; NULL is allowed. */
void tls_credentials_release(struct tls_credentials *credentials);
/* What a new session is to use; it must not outlive the credentials. */
void tls_credentials_use(struct tls_credentials *credentials, gnutls_session_t session);
