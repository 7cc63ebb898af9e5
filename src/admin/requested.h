/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A certificate that was requested from an authority: its private key is in the keyholder already,
 * and the certificate comes later (`certificate add --file`). Record of kind
 * STORE_CERTIFICATE_REQUEST under the hex key id: {"type": text, "subject": text, "usage": number,
 * "request": base64 DER (PKCS#10), "added": RFC 3339 time, "added_by": text}. The sealed key is the
 * record of kind STORE_KEY of the same name; where the key lies in a token there is none, and the
 * record has "key_uri" (RFC 7512) and "public_key" (base64 SubjectPublicKeyInfo).
 */

#include "base/json.h"
#include "keyholder/keyholder.h"
#include "keyprotection/certificate.h"
#include "store/store.h"

#define REQUESTED_NAME_SIZE (2 * KEY_ID_SIZE + 1)

struct requested {
    enum keyprotection_certificate_type type;
    char key_name[REQUESTED_NAME_SIZE]; /* hex key id: the record's key */
    char subject[512];
    unsigned usage; /* enum certificate_usage */
    struct buf der; /* the request */
    int64_t added;
    char added_by[256];
    char key_uri[KEYPROTECTION_KEY_URI_SIZE]; /* of a token's key; else "" */
    struct buf public_key;                    /* of a token's key: SubjectPublicKeyInfo */
    int64_t revision;                         /* of the record; 0: not stored yet */
};

void requested_init(struct requested *requested);
void requested_done(struct requested *requested);
#define _cleanup_requested_ __attribute__((cleanup(requested_done)))

/* The record's value, appended. */
void requested_format(struct buf *out, const struct requested *requested);
/* keyprotection.record and the errors of base/. */
bool requested_parse(struct requested *out, const struct store_record *record, struct error *err);

/* The one for this key; *found false when there is none. Errors of store/, and of requested_parse.
 */
bool requested_load(struct requested *out, bool *found, struct store *store,
                    const uint8_t key_id[KEY_ID_SIZE], struct error *err);
/* The one whose key id begins with text (8 digits or more). admin.not-found; admin.argument when
 * text is no such thing, or several begin so. */
bool requested_find(struct requested *out, struct store *store, const char *text,
                    struct error *err);
/* Every one as an object of the array "requests": key_id, type, subject, usage, added, added_by. */
bool requested_write_all(struct json_writer *writer, struct store *store, struct error *err);
/* One, with its request in PEM as "request". */
void requested_write(struct json_writer *writer, const struct requested *requested);
/* Its properties alone; of a key that is still to be made neither "key_id" nor "request". */
void requested_write_properties(struct json_writer *writer, const struct requested *requested);
