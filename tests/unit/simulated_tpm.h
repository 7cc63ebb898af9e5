/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A TPM made of bytes, for tests and benchmarks: it answers the commands of protocol.md 2.3 as a
 * TPM does, from an endorsement key with a certificate, an intermediate and a root of its own, and
 * can be told to lie. It shares no code with src/tpm/ but the structure of PCR values, so that the
 * two check each other. Not thread-safe; different ones may be used by different threads.
 */

#include "crypto/certificate.h"
#include "crypto/private_key.h"
#include "tpm/pcr.h"

enum simulated_endorsement {
    SIMULATED_RSA_2048,
    SIMULATED_P256,
    SIMULATED_P384,
};

/* One way to answer wrongly; all but the one named is as it should be. */
enum simulated_lie {
    SIMULATED_HONEST,
    SIMULATED_OTHER_SESSION,     /* the response HMAC is of another session's key */
    SIMULATED_PARAMETERS,        /* parameters are altered after the HMAC */
    SIMULATED_ATTRIBUTES,        /* session attributes 0x00, with a right HMAC over them */
    SIMULATED_ATTRIBUTES_UNSAID, /* session attributes altered after the HMAC */
    SIMULATED_RESPONSE_CODE,     /* TPM_RC_FAILURE, as a TPM sends it */
    SIMULATED_TRAILING,          /* a byte behind the response */
    SIMULATED_SIZE,              /* the header's size is one too many */
    SIMULATED_SELECTION_SHRUNK,  /* PCR_Read leaves out the last register, with a right HMAC */
    SIMULATED_SELECTION_BANK,    /* … names SHA-1 in pcrSelectionOut */
    SIMULATED_DIGEST_MISSING,    /* one digest fewer than the selection says, with a right HMAC */
    SIMULATED_DIGEST_SIZE,       /* a digest of 20 bytes in a SHA-256 bank */
    SIMULATED_COUNTER_MOVES,     /* pcrUpdateCounter moves between reads */
    SIMULATED_FIXED_TPM_CLEAR,   /* CreatePrimary ignores the template: fixedTPM cleared, … */
    SIMULATED_USER_WITH_AUTH,    /* … userWithAuth set, … */
    SIMULATED_POLICY,            /* … an authPolicy of its own, … */
    SIMULATED_UNIQUE_SIZE,       /* … a key of 1024 bits, all with a right HMAC */
    SIMULATED_EXTERNAL_KEY,      /* a relay puts in a public key of its own (HMAC is the TPM's) */
    SIMULATED_NAME,              /* the name is another object's, with a right HMAC */
    SIMULATED_NONCE_SHORT,       /* nonceTPM of 16 bytes */
};

struct simulated_tpm;

/* pcrs of a new one are zero in one bank. */
struct simulated_tpm *simulated_tpm_new(enum simulated_endorsement kind,
                                        enum digest_algorithm bank);
void simulated_tpm_free(struct simulated_tpm **tpm);
void simulated_tpm_lie(struct simulated_tpm *tpm, enum simulated_lie lie);

/* Runs a whole command and replaces *response, which must have been initialised. */
void simulated_tpm_execute(struct simulated_tpm *tpm, struct slice command, struct buf *response);

/* Its registers, to be read, or replayed into. */
struct tpm_pcr_bank *simulated_tpm_pcrs(struct simulated_tpm *tpm);
void simulated_tpm_extend(struct simulated_tpm *tpm, unsigned pcr, struct slice digest);

/* The persistent endorsement key: its handle, TPM2B_PUBLIC, and certificate (DER). All borrowed. */
uint32_t simulated_tpm_handle(const struct simulated_tpm *tpm);
struct slice simulated_tpm_public(const struct simulated_tpm *tpm);
struct slice simulated_tpm_certificate(const struct simulated_tpm *tpm);
/* The chain above the certificate, the same for all of a process (DER). */
struct slice simulated_tpm_intermediate(void);
struct slice simulated_tpm_root(void);
/* Sessions and objects that nobody has flushed. */
size_t simulated_tpm_loaded(const struct simulated_tpm *tpm);
/* The private part of the identity key created last; borrowed, NULL before. */
const struct private_key *simulated_tpm_identity_key(const struct simulated_tpm *tpm);
