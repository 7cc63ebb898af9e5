/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A guardian certificate of the service and its sealed private key, before they are in the store:
 * made by the keyholder, or read by it from files that an administrator passed on; or a certificate
 * whose key each node has for itself.
 */

#include "admin/certificate_key.h"
#include "keyholder/keyholder.h"
#include "keyprotection/certificate.h"
#include "store/store.h"

#define CERTIFICATE_DRAFT_CHANGES 2
#define CERTIFICATE_DRAFT_YEARS 10

struct certificate_draft {
    struct keyprotection_certificate certificate;
    char record_key[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    char key_name[CERTIFICATE_KEY_NAME_SIZE]; /* of the STORE_KEY record; at first, the key id */
    struct buf sealed;                        /* empty: there is none to be stored */
};

/* Safe to free with certificate_draft_done from here on. */
void certificate_draft_init(struct certificate_draft *draft);
void certificate_draft_done(struct certificate_draft *draft);

/*
 * An RSA-2048 key of the type's purpose and a certificate for ten years: CN "NAME signing" and the
 * like (a long name is cut). issuer: the signing draft, whose key must be loaded, for types whose
 * keys cannot sign; NULL: self-signed. The key is loaded.
 */
bool certificate_draft_generate(struct certificate_draft *draft,
                                enum keyprotection_certificate_type type, const char *name,
                                const struct certificate_draft *issuer, struct keyholder *keyholder,
                                int64_t now, struct error *err);
/* From files that are given to the keyholder at the meeting, which is taken over
 * (keyholder_import). source: what they are said to be. The certificate is checked for its type. */
bool certificate_draft_import(struct certificate_draft *draft,
                              enum keyprotection_certificate_type type,
                              enum keyprotection_certificate_source source, int meeting_fd,
                              struct keyholder *keyholder, int64_t now, struct error *err);

/* For a key that the keyholder made before (requested.h): the certificate that an authority issued,
 * checked for its type. There is no sealed key then. crypto.certificate-malformed, certificate.*.
 */
bool certificate_draft_complete(struct certificate_draft *draft,
                                enum keyprotection_certificate_type type, struct slice der,
                                int64_t now, struct error *err);
/*
 * The one with this thumbprint (as for keyholder_reference) that the keyholder has found in this
 * node's key folder, checked for its type; its key is loaded. Errors of keyholder_reference,
 * certificate.*.
 */
bool certificate_draft_refer(struct certificate_draft *draft,
                             enum keyprotection_certificate_type type, struct slice thumbprint,
                             struct keyholder *keyholder, int64_t now, struct error *err);
/* Loads the sealed key, if it has one, and has it show that it is the certificate's: it signs, or
 * decrypts (certificate_proof). */
bool certificate_draft_prove(const struct certificate_draft *draft, struct keyholder *keyholder,
                             struct error *err);
/* What the keyholder may do with a type's key. */
enum key_purpose certificate_draft_purpose(enum keyprotection_certificate_type type);

/*
 * The changes that put it into the store: its record, and behind it the sealed key where there is
 * one; their number. value: the record's, formatted here and kept by the caller as long as the
 * changes. Set draft->certificate.primary and enabled before.
 */
size_t certificate_draft_changes(struct store_change changes[CERTIFICATE_DRAFT_CHANGES],
                                 const struct certificate_draft *draft, struct buf *value);
