/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Public keys: RSA of 2048 to 8192 bits (public exponent odd, 3 to 2^64), ECDSA on P-256 or P-384.
 * Immutable once made and shared by threads; parsing does not go through OpenSSL's generic decoder,
 * which costs half an RSA private operation and locks (service-facts.md), but reads the DER itself
 * and gives OpenSSL the numbers (EVP_PKEY_fromdata).
 */

#include "base/buf.h"
#include "base/cache.h"
#include "crypto/algorithm.h"

/* PUBLIC_KEY_P521: of authorities that certify TPMs only (public_key_parse_endorsement). */
enum public_key_type { PUBLIC_KEY_RSA, PUBLIC_KEY_P256, PUBLIC_KEY_P384, PUBLIC_KEY_P521 };

struct public_key;

/* A DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7), nothing behind it. crypto.key-malformed,
 * crypto.key-too-small, crypto.key-unsupported. One reference, freed with public_key_free. */
bool public_key_parse(struct public_key **out, struct slice spki, struct error *err);
/*
 * protocol.md 2.1: a DER SubjectPublicKeyInfo, a DER X.509 certificate (its key), or a Windows RSA1
 * BCRYPT_RSAKEY_BLOB; found out by trial, whole, no trailing bytes.
 */
bool public_key_parse_any(struct public_key **out, struct slice bytes, struct error *err);
/* As files have it: the above, or the first PUBLIC KEY or CERTIFICATE of a PEM file. */
bool public_key_parse_file(struct public_key **out, struct slice bytes, struct error *err);
/*
 * As public_key_parse, for what makers of TPMs certify: an RSA key may also be called RSAES-OAEP
 * (RFC 4055 4.1), as that of old TPMs is (what public_key_spki gives is that of a plain RSA key),
 * and an authority's may be of P-521.
 */
bool public_key_parse_endorsement(struct public_key **out, struct slice spki, struct error *err);
/* From its numbers, big-endian. crypto.key-*. */
bool public_key_of_rsa(struct public_key **out, struct slice modulus, struct slice exponent,
                       struct error *err);
/* From a point of the curve (not PUBLIC_KEY_RSA); coordinates may be shorter than its field.
 * crypto.key-*. */
bool public_key_of_point(struct public_key **out, enum public_key_type curve, struct slice x,
                         struct slice y, struct error *err);
struct public_key *public_key_ref(struct public_key *key);
void public_key_free(struct public_key **key);
#define _cleanup_public_key_ __attribute__((cleanup(public_key_free)))
/* A cache of keys by their SubjectPublicKeyInfo, for those that verify again and again: what
 * OpenSSL makes ready for a key costs as much as the verification. */
struct cache *public_key_cache_new(size_t entries);

enum public_key_type public_key_type(const struct public_key *key);
int public_key_bits(const struct public_key *key);
/* The DER SubjectPublicKeyInfo (canonical: written by us, whatever form was read). */
struct slice public_key_spki(const struct public_key *key);
/* The bits of its subjectPublicKey; what a subjectKeyIdentifier is made of. */
struct slice public_key_material(const struct public_key *key);
/* SHA-256 of the SubjectPublicKeyInfo: how hosts and keys are known. */
const uint8_t *public_key_digest(const struct public_key *key);

/* Whether a key of this kind makes such signatures, or can be encrypted to so. algorithm may be any
 * number: crypto.key-unsupported also for one that is none. */
bool public_key_allows_signature(const struct public_key *key, enum signature_algorithm algorithm,
                                 struct error *err);
bool public_key_allows_encryption(const struct public_key *key, enum encryption_algorithm algorithm,
                                  struct error *err);

/* crypto.signature-wrong when it does not verify, crypto.key-unsupported when the key cannot make
 * such a signature. */
bool public_key_verify(const struct public_key *key, enum signature_algorithm algorithm,
                       struct slice message, struct slice signature, struct error *err);
/* As above for a digest that was made with signature_digest(algorithm). */
bool public_key_verify_digest(const struct public_key *key, enum signature_algorithm algorithm,
                              struct slice digest, struct slice signature, struct error *err);
/* Signatures that occur in the certificates of TPMs, and nowhere else. */
enum endorsement_signature {
    ENDORSEMENT_SIGNATURE_NONE,
    ENDORSEMENT_SIGNATURE_RSA_SHA1, /* RSASSA-PKCS1-v1_5; only where SHA-1 is no danger */
    ENDORSEMENT_SIGNATURE_ECDSA_SHA512,
};
/* As public_key_verify, for one of those. */
bool public_key_verify_endorsement(const struct public_key *key,
                                   enum endorsement_signature algorithm, struct slice message,
                                   struct slice signature, struct error *err);
/* RSA-OAEP of plain, appended to out. */
bool public_key_encrypt(struct buf *out, const struct public_key *key,
                        enum encryption_algorithm algorithm, struct slice plain, struct error *err);
/* The same with another digest (also that of MGF1) and a label (RFC 8017 7.1), as TPMs have it. */
bool public_key_encrypt_labelled(struct buf *out, const struct public_key *key,
                                 enum digest_algorithm digest, struct slice label,
                                 struct slice plain, struct error *err);

#define PUBLIC_KEY_FIELD_MAX 48 /* bytes of a coordinate of P-384 */

/* What an ephemeral ECDH (NIST SP 800-56A, one ephemeral key) leaves: coordinates padded to the
 * field. shared is a secret. */
struct public_key_agreement {
    size_t field_size; /* bytes in use of each */
    uint8_t shared_x[PUBLIC_KEY_FIELD_MAX];
    uint8_t ephemeral_x[PUBLIC_KEY_FIELD_MAX], ephemeral_y[PUBLIC_KEY_FIELD_MAX];
    uint8_t key_x[PUBLIC_KEY_FIELD_MAX];
};
/* With a fresh key on the key's curve. crypto.key-unsupported for RSA. */
bool public_key_agree(struct public_key_agreement *out, const struct public_key *key,
                      struct error *err);
