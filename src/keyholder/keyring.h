/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The keys that a keyholder has loaded, and the one place that decides what each may do. A key is a
 * struct of functions, so that keys of a PKCS#11 token are one more file beside software.c.
 *
 * Shared by the channels' threads: a lookup holds a read lock for the length of a search and then a
 * reference, so that operations on keys run side by side, and a key that is forgotten lives until
 * its last operation is over.
 */

#include "keyholder/keyholder.h"

#define KEYRING_KEYS_MAX 256

struct key_operations {
    /* worker: a number of the calling thread's own, for state that is better not shared. */
    bool (*sign)(void *key, unsigned worker, enum signature_algorithm algorithm,
                 struct slice digest, struct buf *out, struct error *err);
    bool (*decrypt)(void *key, unsigned worker, enum encryption_algorithm algorithm,
                    struct slice ciphertext, struct secret *out, struct error *err);
    void (*done)(void *key);
};

struct keyring;

struct keyring *keyring_new(void);
void keyring_free(struct keyring **keyring);

/*
 * Adds a key, which is taken over (also on failure); public_key is borrowed. The same key for the
 * same purpose again changes nothing. keyholder.limit.
 */
bool keyring_add(struct keyring *keyring, enum key_purpose purpose,
                 const struct public_key *public_key, const struct key_operations *operations,
                 void *key, struct error *err);
/* Under every purpose. keyholder.key-unknown. */
bool keyring_forget(struct keyring *keyring, const uint8_t key_id[KEY_ID_SIZE], struct error *err);

struct keyring_roll {
    const uint8_t *decrypting_key_id;
    enum encryption_algorithm encryption;
    struct slice ciphertext;
    const uint8_t *signing_key_id;
    enum signature_algorithm signature;
    struct slice digest;
};

/* All: keyholder.key-unknown; keyholder.purpose when the key is there for another purpose. */
bool keyring_sign(struct keyring *keyring, unsigned worker, const uint8_t key_id[KEY_ID_SIZE],
                  enum signature_algorithm algorithm, struct slice digest, struct buf *out,
                  struct error *err);
bool keyring_decrypt(struct keyring *keyring, unsigned worker, const uint8_t key_id[KEY_ID_SIZE],
                     enum encryption_algorithm algorithm, struct slice ciphertext,
                     struct secret *out, struct error *err);
/*
 * Decrypts and signs (struct keyholder_roll). Both are always done, so that the time tells nothing
 * of the ciphertext: when it does not decrypt, *opened is false, and plaintext stays as it is.
 */
bool keyring_roll(struct keyring *keyring, unsigned worker, const struct keyring_roll *roll,
                  struct secret *plaintext, bool *opened, struct buf *signature, struct error *err);
/* Signs a certificate request for the key itself (crypto/certificate_request.h), by RSA PKCS#1 with
 * SHA-256. crypto.request-malformed. */
bool keyring_request(struct keyring *keyring, unsigned worker, const uint8_t key_id[KEY_ID_SIZE],
                     struct slice info, struct buf *out, struct error *err);
/* Signs the checkpoint's message, which is built here: an audit key signs nothing else. */
bool keyring_checkpoint(struct keyring *keyring, unsigned worker, const uint8_t key_id[KEY_ID_SIZE],
                        uint64_t sequence, const uint8_t head[32], int64_t time, struct buf *out,
                        struct error *err);
