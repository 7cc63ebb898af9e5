/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The client of a keyholder process: how the service has things signed and decrypted by keys that
 * it never sees.
 *
 * A keyholder serves one SOCK_SEQPACKET socket pair a worker (a channel), each with a thread of its
 * own, and answers the fixed messages of message.h; descriptors travel with them (SCM_RIGHTS). The
 * supervisor makes the pairs and hands new ones over when a keyholder was started again
 * (keyholder_replace). While there is none, every call fails with keyholder.away; no call waits
 * longer than its deadline, at which it fails with keyholder.stuck (both ERROR_UNAVAILABLE: the
 * caller's reply is retryable).
 *
 * A key is known by SHA-256 of its SubjectPublicKeyInfo. The store keeps keys sealed to the cluster
 * key; after every (re)start the service loads them again (keyholder_load). A key has a purpose,
 * fixed when it is made or imported and sealed with it, and the keyholder refuses any other use.
 */

#include "base/secret.h"
#include "crypto/private_key.h"
#include "crypto/public_key.h"
#include "crypto/signer.h"

enum key_purpose {
    KEY_PURPOSE_GUARDIAN_SIGNING = 1,    /* signs guardian signatures, metadata */
    KEY_PURPOSE_GUARDIAN_ENCRYPTION = 2, /* decrypts transport keys, nothing else */
    KEY_PURPOSE_ATTESTATION_SIGNER = 3,  /* signs certificates */
    KEY_PURPOSE_COMMUNICATIONS = 4,      /* signs metadata */
    KEY_PURPOSE_AUDIT = 5,               /* signs audit checkpoints: keyholder_checkpoint only */
};

/* What every node of a cluster can derive from its cluster key, and nobody else. */
enum keyholder_label {
    KEYHOLDER_LABEL_RTPM = 1,  /* seals the state of attestations under way (protocol.md 2.3) */
    KEYHOLDER_LABEL_USAGE = 2, /* names key protectors in what is counted of them */
};

#define KEY_ID_SIZE 32
#define KEYHOLDER_DERIVED_SIZE 32
#define KEYHOLDER_SEALED_MAX 8192

struct keyholder; /* thread-safe: a call takes a free channel, or waits for one */

/* channels: count connected sockets (may be none yet), taken over. */
struct keyholder *keyholder_new(const int *channels, size_t count);
/* No call may be under way. */
void keyholder_free(struct keyholder **keyholder);
/*
 * The longest that a call waits for a channel and for the answer (default 10 s); then it fails with
 * keyholder.stuck and its channel is given up. Making, importing and backing up keys are slow by
 * nature and have longer deadlines of their own; before them the keyholder is asked whether it
 * answers (keyholder_answers). Calls under way keep the one before.
 */
void keyholder_set_deadline(struct keyholder *keyholder, int64_t milliseconds);
/* New channels after a restart; the old ones are closed and calls on them fail with keyholder.away.
 */
void keyholder_replace(struct keyholder *keyholder, const int *channels, size_t count);
/*
 * stuck is called by some thread, once for each set of channels, when the keyholder runs and yet
 * does not answer (three calls in a row came to their deadline, or no channel is left): somebody
 * must end it, so that it is started again. Before any call.
 */
void keyholder_watch(struct keyholder *keyholder, void (*stuck)(void *context), void *context);
/*
 * While it is held, only loading, referring to and forgetting keys are let through; all else fails
 * with keyholder.away. So a keyholder that was started again is seen with all of its keys or not at
 * all.
 */
void keyholder_hold(struct keyholder *keyholder, bool held);
/*
 * Asks it something that takes no time, up to three times, after which one that is silent has been
 * told of (keyholder_watch). keyholder.away, keyholder.stuck.
 */
bool keyholder_answers(struct keyholder *keyholder, struct error *err);
/* Whether it answered last time it was asked (whatever it answered), and is not held. */
bool keyholder_alive(const struct keyholder *keyholder);

/* A new key pair: its public key and its sealed form for the store. It is not loaded by this. */
bool keyholder_generate(struct keyholder *keyholder, enum key_purpose purpose,
                        enum private_key_kind kind, struct public_key **public_key,
                        struct buf *sealed, struct error *err);
/*
 * Imports a PFX, or a certificate and a PEM key, which this process never sees: the administrator's
 * program gives them to the keyholder at a meeting (meeting.h), whose forwarded end is closed here.
 * Gives the certificate's DER and the sealed key. keyholder.meeting; errors of crypto/ come back as
 * they arose there (crypto.password-wrong, crypto.pkcs12-legacy, crypto.key-mismatch…).
 */
bool keyholder_import(struct keyholder *keyholder, enum key_purpose purpose, int meeting_fd,
                      struct buf *certificate, struct buf *sealed, struct error *err);
/* Makes a sealed key usable. *public_key may be NULL when not wanted. Loading twice is the same as
 * once. */
bool keyholder_load(struct keyholder *keyholder, struct slice sealed,
                    struct public_key **public_key, struct error *err);
/*
 * Makes a key usable that this node has in a file: the keyholder looks for the certificate with
 * this thumbprint (SHA-256, or SHA-1 of 20 bytes) and its key in its key folder (key_folder.h), and
 * gives the certificate's DER (certificate may be NULL). Nothing of it is sealed or stored. Doing
 * it twice is the same as once. Errors of key_folder_find; crypto.key-unsupported and
 * crypto.key-too-small for a key that cannot serve the purpose.
 */
bool keyholder_reference(struct keyholder *keyholder, enum key_purpose purpose,
                         struct slice thumbprint, struct buf *certificate, struct error *err);
/* Under every purpose that it was loaded for. */
bool keyholder_forget(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                      struct error *err);

/* Signs message's digest (computed here). Appended to out. keyholder.key-unknown,
 * keyholder.purpose. */
bool keyholder_sign(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                    enum signature_algorithm algorithm, struct slice message, struct buf *out,
                    struct error *err);
/* RSA-OAEP. crypto.decryption-failed says nothing about why, in the same time. */
bool keyholder_decrypt(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                       enum encryption_algorithm algorithm, struct slice ciphertext,
                       struct secret *out, struct error *err);
/*
 * What a key roll needs of private keys, in one message: a decryption as keyholder_decrypt does it,
 * and a signature as keyholder_sign does. *opened is whether the ciphertext decrypted; when not,
 * plaintext is empty, nothing says why, and it took the same time. The rest fails as a whole, with
 * the errors of both; crypto.decryption-failed only when no RSA ciphertext has that size.
 */
struct keyholder_roll {
    const uint8_t *decrypting_key_id;
    enum encryption_algorithm encryption;
    struct slice ciphertext;
    const uint8_t *signing_key_id;
    enum signature_algorithm signature;
    struct slice message;
};
bool keyholder_roll(struct keyholder *keyholder, const struct keyholder_roll *roll,
                    struct secret *plaintext, bool *opened, struct buf *signature,
                    struct error *err);
/*
 * Signs a certificate request for a guardian or communications key: info is the
 * CertificationRequestInfo (crypto/certificate_request.h), and nothing else is signed so. RSA
 * PKCS#1 with SHA-256. Appended to out. keyholder.key-unknown, keyholder.purpose,
 * crypto.request-malformed.
 */
bool keyholder_request(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                       struct slice info, struct buf *out, struct error *err);
/*
 * Signs "HGS-AUDIT-CHECKPOINT-1" ‖ u64 sequence (LE) ‖ head (32) ‖ i64 time (LE) with an audit key
 * (ECDSA P-256, SHA-256).
 */
bool keyholder_checkpoint(struct keyholder *keyholder, const uint8_t key_id[KEY_ID_SIZE],
                          uint64_t sequence, const uint8_t head[32], int64_t time, struct buf *out,
                          struct error *err);

/*
 * A secret of KEYHOLDER_DERIVED_SIZE bytes that is the same on every node: HKDF-SHA-256 (RFC 5869)
 * over the cluster key without a salt, info = the label's text ‖ u64 epoch (LE). The service holds
 * it: what it protects is not worth a message each time. Labels are the keyholder's, so that no
 * other secret of the cluster can be asked for.
 */
bool keyholder_derive(struct keyholder *keyholder, enum keyholder_label label, uint64_t epoch,
                      struct secret *out, struct error *err);

/*
 * Backups (backup.h has the format): the keyholder reads a document from in_fd, which begins with
 * sealed keys (u32 count, then u32 size and bytes each, little-endian) followed by opaque bytes;
 * writes the encrypted backup, with the keys in the clear inside it. Restore does the reverse and
 * seals the keys to its own cluster key; when it fails, what document_fd received is worthless and
 * must be discarded. Backup file and password are given at a meeting, as for an import. Descriptors
 * are read from where they stand, and closed here. Errors: backup.*, keyholder.meeting,
 * keyholder.permit, keyholder.sealed, base.file-*.
 *
 * A backup tells every private key to whoever chose its password, so a service that was taken over
 * must not be able to ask for one. The administrator's program (hgsctl) opens KEYHOLDER_PERMIT_FILE
 * in the keyholder's folder, which the service's user and sandbox cannot, and gives it along as
 * proof; the file is empty. Without it: keyholder.permit.
 */
#define KEYHOLDER_PERMIT_FILE "export.permit"
bool keyholder_backup(struct keyholder *keyholder, int meeting_fd, int in_fd, struct error *err);
bool keyholder_restore(struct keyholder *keyholder, int meeting_fd, int document_fd,
                       struct error *err);

/* A signer over a key of the keyholder; reference must outlive it. */
struct keyholder_key {
    struct keyholder *keyholder;
    const struct public_key *public_key;
};
struct signer keyholder_signer(struct keyholder_key *reference);
/* The same for certificate_request_issue: it signs requests alone, and by keys of any use. */
struct signer keyholder_request_signer(struct keyholder_key *reference);
