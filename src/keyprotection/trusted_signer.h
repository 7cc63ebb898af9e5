/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Attestation signers of other services whose health certificates this one accepts (MS-KPS 3.1.1;
 * the cmdlets …-HgsKeyProtectionAttestationSignerCertificate), and from which time on: records of
 * kind STORE_TRUSTED_SIGNER under the hex SHA-256 thumbprint: {"certificate": base64 DER, "added":
 * RFC 3339 time, "added_by": text and, if set, "deny_before": seconds since 1970}. What holds for
 * every signer, this service's own included, is the record KEYPROTECTION_ALL_SIGNERS of the same
 * kind: {"deny_before": seconds}.
 */

#include "base/buf.h"
#include "crypto/certificate.h"
#include "store/store.h"

#define KEYPROTECTION_THUMBPRINT_SIZE 65

struct keyprotection_trusted_signer {
    struct certificate *certificate; /* owned */
    int64_t added;                   /* seconds since 1970 */
    char added_by[256];
    int64_t deny_before; /* 0: denies nothing */
};

void keyprotection_trusted_signer_done(struct keyprotection_trusted_signer *signer);
#define _cleanup_keyprotection_trusted_signer_ \
    __attribute__((cleanup(keyprotection_trusted_signer_done)))

/*
 * What a certificate must be for health certificates to be trusted that it issued (protocol.md
 * 2.4): an authority (basicConstraints CA:TRUE) that may sign certificates, of a kind of key that
 * this program knows, without critical extensions that nobody here understands, not expired at now.
 * signer.unfit.
 */
bool keyprotection_trusted_signer_check(const struct certificate *certificate, int64_t now,
                                        struct error *err);

/* The record's key: writes the thumbprint's 64 digits and a NUL, and returns text. */
char *keyprotection_trusted_signer_key(const struct certificate *certificate,
                                       char text[KEYPROTECTION_THUMBPRINT_SIZE]);
/* The record's value, appended to out. */
void keyprotection_trusted_signer_format(struct buf *out,
                                         const struct keyprotection_trusted_signer *signer);
/* Reads a record; the certificate must be the one that its key names. keyprotection.record and the
 * errors of base/ and crypto/. Freed with keyprotection_trusted_signer_done, also on failure. */
bool keyprotection_trusted_signer_parse(struct keyprotection_trusted_signer *out, const char *key,
                                        struct slice value, struct error *err);

/* The value of the record KEYPROTECTION_ALL_SIGNERS, both ways. */
void keyprotection_deny_all_format(struct buf *out, int64_t deny_before);
bool keyprotection_deny_all_parse(int64_t *deny_before, struct slice value, struct error *err);
