/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The identity key and its health certificate: a fresh RSA-2048 key for every certificate, kept
 * together in one file (identity.pem, mode 0600, in the state folder, mode 0700), so that a crash
 * never leaves a key beside another key's certificate. In host key mode it is a private key; in TPM
 * mode it is a key of the TPM, and the file only names it (tpm_key.h).
 */

#include "crypto/certificate.h"
#include "crypto/private_key.h"
#include "host/tpm_key.h"

struct host_identity {
    struct private_key *key; /* NULL: tpm_key */
    struct host_tpm_key tpm_key;
    struct certificate *certificate;
};

void host_identity_done(struct host_identity *identity);
#define _cleanup_host_identity_ __attribute__((cleanup(host_identity_done)))

/*
 * Takes key and the DER of the certificate issued for it: for this key, an encryption certificate
 * (keyEncipherment, the health policy), valid at now. host.certificate, host.clock. *key is NULL
 * after success.
 */
bool host_identity_init(struct host_identity *out, struct private_key **key, struct slice der,
                        int64_t now, struct error *err);
/* The same for a key of the TPM, whose context is moved out of *key. */
bool host_identity_init_tpm(struct host_identity *out, struct host_tpm_key *key, struct slice der,
                            int64_t now, struct error *err);

/* RSA-OAEP with the identity key. tcti: as host_tpm_device_open takes it. The errors of
 * private_key_decrypt, or of host_tpm_device_open and host_tpm_key_decrypt. */
bool host_identity_decrypt(struct secret *out, const struct host_identity *identity,
                           const char *tcti, enum encryption_algorithm algorithm,
                           struct slice ciphertext, struct error *err);
/* Whether the key could be used now, which a key of the TPM cannot after its PCRs changed.
 * host.tpm-key-gone, host.tpm-key-locked, and the errors of host_tpm_device_open. */
bool host_identity_check(const struct host_identity *identity, const char *tcti, struct error *err);

/* Whether it is valid at now and stays so for at least a tenth of its lifetime. */
bool host_identity_is_fresh(const struct host_identity *identity, int64_t now);

/* From the state folder. *found false without an error when there is none. host.identity-malformed,
 * base.file-mode. */
bool host_identity_load(struct host_identity *out, bool *found, const char *state,
                        struct error *err);
/* Into the state folder, which is made with mode 0700 and refused when it is wider
 * (base.file-mode). */
bool host_identity_save(const struct host_identity *identity, const char *state, struct error *err);
/* Makes the state folder or checks it. */
bool host_identity_folder(const char *state, struct error *err);
