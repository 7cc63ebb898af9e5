/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The endorsement key of a TPM (TCG EK Credential Profile): RSA of 2048 bits or more, or ECC on
 * P-256 or P-384. It is how a host in TPM mode is known: by the SHA-256 of the DER
 * SubjectPublicKeyInfo. Sessions are salted to it (tpm/session.h).
 */

#include "tpm/public.h"

/* A plain structure with one reference to its key; freed with tpm_endorsement_key_done. */
struct tpm_endorsement_key {
    struct public_key *key;
    enum digest_algorithm name_algorithm; /* of salts, OAEP and KDFe */
    bool has_public_area;                 /* its attributes were seen and checked */
};

/*
 * From a TPM2B_PUBLIC or a TPMT_PUBLIC, after checking what protocol.md 2.3 demands of it:
 * restricted, decrypt, fixedTPM, fixedParent, not sign, a name algorithm of SHA-256 or stronger.
 * tpm.public-*, tpm.endorsement-attributes (says which), crypto.key-*.
 */
bool tpm_endorsement_key_parse(struct tpm_endorsement_key *out, struct slice bytes,
                               struct error *err);
/*
 * From a key whose public area nobody has seen (a certificate's): the name algorithm is that of the
 * TCG's template for such keys: SHA-256 for RSA-2048 and P-256, SHA-384 for larger ones.
 */
void tpm_endorsement_key_from_key(struct tpm_endorsement_key *out, struct public_key *key);
/*
 * Whatever a platform identifier may hold: TPM2B_PUBLIC, TPMT_PUBLIC, DER SubjectPublicKeyInfo
 * (also one of RSAES-OAEP), DER certificate, RSA1 blob. tpm.endorsement-key-unknown when it is none
 * of them, else the error of the one it is.
 */
bool tpm_endorsement_key_parse_any(struct tpm_endorsement_key *out, struct slice bytes,
                                   struct error *err);
void tpm_endorsement_key_done(struct tpm_endorsement_key *key);
#define _cleanup_tpm_endorsement_key_ __attribute__((cleanup(tpm_endorsement_key_done)))

/* SHA-256 of the DER SubjectPublicKeyInfo: DIGEST_SHA256_SIZE bytes, borrowed. */
const uint8_t *tpm_endorsement_key_identity(const struct tpm_endorsement_key *key);
/* tpm.endorsement-mismatch when certified (a certificate's key) is another key. */
bool tpm_endorsement_key_is(const struct tpm_endorsement_key *key,
                            const struct public_key *certified, struct error *err);
