/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Guardian certificates whose private key lies in a PKCS#11 token: what certificate.add and
 * certificate.request do with one. */

#include "admin/certificate_draft.h"
#include "admin/operation.h"

/* Errors of admin_services.token_for and keyholder_token_find; on failure nothing is loaded. */
struct certificate_token_key {
    unsigned token;
    struct public_key *key;
    struct buf certificate; /* that the token has of it; empty: none */
    struct certificate_abilities abilities;
};
void certificate_token_key_init(struct certificate_token_key *found);
void certificate_token_key_done(struct certificate_token_key *found);
#define _cleanup_certificate_token_key_ __attribute__((cleanup(certificate_token_key_done)))

/* Finds the key in its token and has it tried; the keyholder can use it from then on. */
bool certificate_token_find(struct certificate_token_key *out,
                            const struct admin_services *services,
                            enum keyprotection_certificate_type type, const char *uri,
                            struct error *err);
/* The same, and when the token has no such key, one is made there; *made says so. Its abilities are
 * unknown then. */
bool certificate_token_find_or_make(struct certificate_token_key *out, bool *made,
                                    const struct admin_services *services,
                                    enum keyprotection_certificate_type type, const char *uri,
                                    struct error *err);
/*
 * The draft of a certificate for a key that was found: der, or the token's own where der is empty;
 * checked for its type. only_sha1: also when its key protectors must be written with SHA-1
 * (protocol.md 3), which owners have to be told. token.certificate-missing, crypto.key-mismatch,
 * certificate.only-sha1, certificate.*.
 */
bool certificate_token_settle(struct certificate_draft *draft,
                              enum keyprotection_certificate_type type,
                              enum keyprotection_certificate_source source,
                              const struct certificate_token_key *found, const char *uri,
                              struct slice der, bool only_sha1, int64_t now, struct error *err);
