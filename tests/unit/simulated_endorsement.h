/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The endorsement key of a simulated TPM (simulated_tpm.h) with its certificate.
 *
 * The RSA key is a right one of 2048 bits, but its modulus is the product of 33 small primes, so
 * that making one takes a millisecond and using one little against what a server does: a benchmark
 * shall measure the server. It protects nothing.
 */

#include <openssl/evp.h>

#include "simulated_tpm.h"

#define SIMULATED_PRIMES 33
#define SIMULATED_WORDS 32 /* of 64 bits, the lowest first, in a number of 2048 bits */

/* What the Chinese remainder theorem wants of one prime, made ahead. */
struct simulated_prime {
    uint64_t value, inverse, square;    /* as struct modulus has them */
    uint64_t exponent;                  /* 1 / 65537 mod (prime - 1) */
    uint64_t coefficient;               /* 1 / (modulus / prime) mod prime */
    uint64_t powers[SIMULATED_WORDS];   /* 2^(64 i + 64) mod prime */
    uint64_t cofactor[SIMULATED_WORDS]; /* modulus / prime */
};

struct simulated_rsa {
    struct simulated_prime primes[SIMULATED_PRIMES];
    uint64_t words[SIMULATED_WORDS]; /* of the modulus */
    uint8_t modulus[256];
};

struct simulated_key {
    enum simulated_endorsement kind;
    struct simulated_rsa rsa;
    EVP_PKEY *ecc;
    struct slice x, y; /* of ecc, inside point */
    uint8_t point[1 + 2 * 48];
    struct public_key *public_key;
};

void simulated_key_make(struct simulated_key *out, enum simulated_endorsement kind);
void simulated_key_done(struct simulated_key *key);
enum digest_algorithm simulated_key_name_algorithm(const struct simulated_key *key);
/* Its TPM2B_PUBLIC by the TCG's template, appended. */
void simulated_key_format(struct buf *out, const struct simulated_key *key);
/* The salt in the contents of a TPM2B_ENCRYPTED_SECRET; false when it does not decrypt. */
bool simulated_key_salt(struct buf *out, const struct simulated_key *key, struct slice encrypted);
/* Its certificate by the process's intermediate authority (DER), appended. */
void simulated_key_certify(struct buf *out, const struct simulated_key *key);

/* The key derivation of TPM 2.0 Part 1, 11.4.10.2, for 32 bytes of SHA-256. */
void simulated_kdfa(uint8_t out[32], struct slice key, const char *label, struct slice u,
                    struct slice v);
