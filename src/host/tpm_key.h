/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The identity key of TPM mode: an RSA key that exists only in this TPM, for this start of the
 * machine, and is usable only while the PCRs that were attested hold (PolicyPCR; protocol.md 2.3).
 * Between uses it is a saved context: bytes that only this TPM can load again, and only until it is
 * reset. So what is kept on the disk is no secret key; it is kept as carefully nevertheless.
 *
 * What the TPM decrypts comes back over its bus encrypted, in a session that is salted to the key
 * itself.
 */

#include "base/secret.h"
#include "crypto/public_key.h"
#include "host/tpm_device.h"
#include "tpm/pcr.h"

#define HOST_TPM_KEY_MAX 8192 /* bytes of one in its kept form */

struct host_tpm_key {
    struct tpm_pcr_selection selection; /* of its policy */
    uint8_t digest[DIGEST_SHA256_SIZE]; /* public_key_digest of its public half */
    struct buf context;                 /* TPMS_CONTEXT as ESAPI saved it */
};

/* Saves the key that is loaded at handle, whose public half is key; it stays loaded.
 * host.tpm-failed. */
bool host_tpm_key_save(struct host_tpm_key *out, struct host_tpm_device *device, uint32_t handle,
                       const struct public_key *key, struct tpm_pcr_selection selection,
                       struct error *err);
void host_tpm_key_done(struct host_tpm_key *key);
#define _cleanup_host_tpm_key_ __attribute__((cleanup(host_tpm_key_done)))

/*
 * RSA-OAEP, in the TPM. host.tpm-key-gone (the TPM was reset since), host.tpm-key-locked (a PCR
 * changed since), crypto.decryption-failed, crypto.key-unsupported (not OAEP), host.tpm-failed.
 */
bool host_tpm_key_decrypt(struct secret *out, const struct host_tpm_key *key,
                          struct host_tpm_device *device, enum encryption_algorithm algorithm,
                          struct slice ciphertext, struct error *err);
/* Whether it could be used now, without using it; the same errors. */
bool host_tpm_key_check(const struct host_tpm_key *key, struct host_tpm_device *device,
                        struct error *err);

/* The kept form, appended; and back. host.identity-malformed. */
void host_tpm_key_format(struct buf *out, const struct host_tpm_key *key);
bool host_tpm_key_parse(struct host_tpm_key *out, struct slice bytes, struct error *err);
