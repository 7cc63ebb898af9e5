/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The backup file of a service's state (hgsctl state export): a published format. All numbers are
 * little-endian.
 *
 *   10 bytes "HGSBACKUP\n"
 *   u32      version, 1
 *   u32      base-2 logarithm of scrypt's N: 14 to 17 (written: 16)
 *   u32      scrypt's r: 8
 *   u32      scrypt's p: 1
 *   32 bytes salt, random
 *   16 bytes key check
 *   chunks   as chunks.h describes, to the end of the file
 *
 * key = scrypt(password, salt, N, r, p), 32 bytes (RFC 7914); the password's bytes are taken as
 * they are, without one newline at their end. The chunks are bound to SHA-256 of the first 58
 * bytes. The key check is the tag of AES-256-GCM over nothing, as chunk 0 of no bytes would have it
 * (nonce 12 zero bytes; associated data that hash, u64 0, u32 0): it tells a wrong password from
 * damage.
 *
 * The plaintext of the chunks:
 *
 *   u32      number of private keys, at most 256; for each of them
 *     u32    purpose (enum key_purpose)
 *     u32    size
 *     bytes  PKCS#8 PrivateKeyInfo, DER
 *   bytes    the rest of the document, which means nothing here
 *
 * The document outside has the same rest, behind u32 count and for each key u32 size and its sealed
 * form (sealed.h). A later version of this format has another version number, and the first 14
 * bytes stay.
 */

#include "keyholder/chunks.h"

#include "base/error.h"

#define BACKUP_HEADER_SIZE 58
#define BACKUP_VERSION 1
#define BACKUP_SALT_SIZE 32
#define BACKUP_KEYS_MAX 256

struct backup_header {
    uint32_t scrypt_log2_n;
    uint8_t salt[BACKUP_SALT_SIZE];
};

/* Exactly the header. backup.malformed, backup.newer. */
bool backup_parse_header(struct backup_header *out, struct slice bytes, struct error *err);
void backup_format_header(uint8_t out[BACKUP_HEADER_SIZE], const struct backup_header *header);

/*
 * The whole document from in_fd into a backup at out_fd. sealing_key opens the sealed keys;
 * keyholder.sealed names the first that it does not open. The password must not be empty
 * (backup.password).
 */
bool backup_create(int in_fd, int out_fd, struct slice sealing_key, struct slice password,
                   struct error *err);
/*
 * The reverse. What it writes to document_fd must be discarded when it fails: it streams, and only
 * the end shows that the backup is whole. backup.malformed, backup.newer, backup.password.
 */
bool backup_restore(int backup_fd, int document_fd, struct slice sealing_key, struct slice password,
                    struct error *err);

/* The two without header and password, over chunks that are ready. */
bool backup_write_document(struct chunks *chunks, int in_fd, struct slice sealing_key,
                           struct error *err);
bool backup_read_document(struct chunks *chunks, int document_fd, struct slice sealing_key,
                          struct error *err);
