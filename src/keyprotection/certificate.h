/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The guardian certificates of the service as the store keeps them: STORE_CERTIFICATE under
 * "signing/<SHA-256 thumbprint>", "encryption/…" or "communications/…", a JSON object
 * {"certificate": base64 DER, "key_id": hex, "primary": bool, "enabled": bool,
 *  "source": "generated"|"pfx"|"file"|"requested"|"thumbprint"|"pkcs11", "added": RFC 3339 time,
 *  "key_source": "sealed"|"file"|"token" (sealed when absent), "key_uri": RFC 7512 URI, of a
 * token, "abilities": [names] (certificate_abilities.h), where they are known}. The private keys
 * are the keyholder's; a certificate knows its key by key_id.
 */

#include "base/buf.h"
#include "crypto/certificate.h"
#include "keyprotection/certificate_abilities.h"

enum keyprotection_certificate_type {
    KEYPROTECTION_SIGNING,
    KEYPROTECTION_ENCRYPTION,
    KEYPROTECTION_COMMUNICATIONS,
};

enum keyprotection_certificate_source {
    KEYPROTECTION_GENERATED,
    KEYPROTECTION_PFX,
    KEYPROTECTION_FILE,
    KEYPROTECTION_REQUESTED,  /* of a request that was made here */
    KEYPROTECTION_THUMBPRINT, /* found in the folder of each node */
    KEYPROTECTION_PKCS11,     /* given with the URI of its key */
};

/* Where the private key is, and so who brings it to a node. */
enum keyprotection_key_source {
    KEYPROTECTION_KEY_SEALED, /* in the store (STORE_KEY under key_id), sealed to the cluster key */
    KEYPROTECTION_KEY_FILE,   /* each node has a copy in a folder of its own, known by key_id */
    KEYPROTECTION_KEY_TOKEN,  /* in a PKCS#11 token that key_uri names */
};

/* With its end. A URI has no query (RFC 7512 2.4): module and PIN are the node's business. */
#define KEYPROTECTION_KEY_URI_SIZE 1024

struct keyprotection_certificate {
    enum keyprotection_certificate_type type;
    struct certificate *certificate; /* owned */
    uint8_t key_id[32];              /* SHA-256 of the SPKI */
    bool primary;
    bool enabled;
    enum keyprotection_certificate_source source;
    int64_t added; /* seconds since 1970 */
    enum keyprotection_key_source key_source;
    char key_uri[KEYPROTECTION_KEY_URI_SIZE]; /* "pkcs11:…" of a token's key; else "" */
    struct certificate_abilities abilities;   /* of a token's key; nothing: not known */
};

void keyprotection_certificate_done(struct keyprotection_certificate *certificate);

/* "signing", "encryption", "communications". */
const char *keyprotection_certificate_type_name(enum keyprotection_certificate_type type);
/* certificate.type-unknown. */
bool keyprotection_certificate_type_parse(enum keyprotection_certificate_type *out,
                                          const char *text, struct error *err);

/* "generated" and the like; "sealed", "file", "token". */
const char *keyprotection_certificate_source_name(enum keyprotection_certificate_source source);
const char *keyprotection_key_source_name(enum keyprotection_key_source source);
/* Whether uri can stand in a record: it begins with "pkcs11:", fits, and has no query.
 * certificate.key-uri. */
bool keyprotection_key_uri_check(const char *uri, struct error *err);

#define KEYPROTECTION_CERTIFICATE_KEY_SIZE (sizeof "communications/" + 64)
/* The record's key; returns text. */
char *keyprotection_certificate_record_key(enum keyprotection_certificate_type type,
                                           const uint8_t thumbprint[32],
                                           char text[KEYPROTECTION_CERTIFICATE_KEY_SIZE]);
/* The record's value, appended to out. */
void keyprotection_certificate_format(struct buf *out,
                                      const struct keyprotection_certificate *certificate);
/* Reads a record; the certificate must be the one that its key names. keyprotection.record. */
bool keyprotection_certificate_parse(struct keyprotection_certificate *out, const char *key,
                                     struct slice value, struct error *err);

/* The key usage of a certificate that is made or requested for a type (enum certificate_usage). */
unsigned keyprotection_certificate_type_usage(enum keyprotection_certificate_type type);
/* Whether a key usage suffices for a type; subject is named in the refusal. certificate.usage. */
bool keyprotection_certificate_check_usage(enum keyprotection_certificate_type type, unsigned usage,
                                           const char *subject, struct error *err);

/*
 * What a certificate must be to serve as one of a type: an RSA key (of 2048 bits or more: smaller
 * ones do not parse), a fitting key usage where it has one, no unknown critical extension. An
 * expired one is let in: it still opens what was encrypted to it. certificate.key-kind,
 * certificate.usage, certificate.critical-extension.
 */
bool keyprotection_certificate_check(enum keyprotection_certificate_type type,
                                     const struct certificate *certificate, struct error *err);
