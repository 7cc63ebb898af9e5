/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The identity key and its health certificate: a fresh RSA-2048 key for every certificate, kept
 * together in one file (identity.pem, mode 0600, in the state folder, mode 0700), so that a crash
 * never leaves a key beside another key's certificate.
 */

#include "crypto/certificate.h"
#include "crypto/private_key.h"

struct host_identity {
    struct private_key *key;
    struct certificate *certificate;
};

void host_identity_done(struct host_identity *identity);
#define _cleanup_host_identity_ __attribute__((cleanup(host_identity_done)))

/*
 * Takes key and the DER of the certificate issued for it: for this key, an encryption certificate
 * (keyEncipherment, the health policy), valid at now. host.certificate. *key is NULL after success.
 */
bool host_identity_init(struct host_identity *out, struct private_key **key, struct slice der,
                        int64_t now, struct error *err);

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
