/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What event logs are known by: the SHA-256 of their bytes. A host attests with the same log every
 * few hours until it boots again, and to hash it takes longer than anything else that is done with
 * a log whose verdict is remembered (judged.h). So logs of boots that passed are recognised by a
 * tag that is some six times as quick: GMAC (NIST SP 800-38D) under a key that is drawn at start,
 * never leaves this process and makes no other tags.
 *
 * Whoever does not know the key finds a second log for a tag with a probability of at most 2^-108 a
 * try for logs of up to 16 MiB, and learns of no tag: they are compared here only. Nor would it
 * help: what a boot is judged by is the log that bears the name, and the TPM has to read what that
 * one leads to.
 */

#include "base/secret.h"
#include "base/slice.h"
#include "crypto/digest.h"

struct attestation_log_names;

#define ATTESTATION_LOG_MARK_SIZE 24

/* One log's. */
struct attestation_log_name {
    uint8_t mark[ATTESTATION_LOG_MARK_SIZE]; /* its tag and its size */
    uint8_t digest[DIGEST_SHA256_SIZE];
    bool remembered; /* it has been kept before */
};

/* For at most so many logs, some 150 bytes each; what was not asked for the longest goes first. Any
 * thread uses it. */
struct attestation_log_names *attestation_log_names_new(size_t entries);
/* NULL is allowed. */
void attestation_log_names_free(struct attestation_log_names **names);

/* Fills in name for a log of at most INT_MAX bytes. names: NULL remembers nothing. */
void attestation_log_names_find(struct attestation_log_name *name,
                                struct attestation_log_names *names, struct slice log);
/* Remembers what was found. Only for boots that passed: else any client would fill the memory. */
void attestation_log_names_keep(struct attestation_log_names *names,
                                const struct attestation_log_name *name);
