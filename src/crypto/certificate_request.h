/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Certificate requests (PKCS#10, RFC 2986), for authorities to sign: the subject's name, its key,
 * and as extensions asked for (RFC 2985 5.4.2) the critical keyUsage that the key is for and its
 * subjectKeyIdentifier. The request is signed by that key, which proves that whoever asks has it.
 */

#include "crypto/certificate.h"

#define CERTIFICATE_REQUEST_SIZE_MAX 16384

struct certificate_request_template {
    struct slice subject; /* DER Name (name_parse) */
    unsigned usage;       /* enum certificate_usage; not 0 */
};

/* Appends the DER of a request for the signer's key. crypto.name-malformed for a subject that is no
 * Name; the signer's errors. */
bool certificate_request_issue(struct buf *out, const struct certificate_request_template *wanted,
                               const struct signer *signer, struct error *err);
/*
 * Whether info is what such a request's signature is made over (CertificationRequestInfo, RFC 2986
 * 4.1) for the key with this SHA-256 of its SubjectPublicKeyInfo, and nothing else: what somebody
 * who holds a key, and signs requests for others, asks before signing. crypto.request-malformed.
 */
bool certificate_request_check(struct slice info, const uint8_t key_digest[DIGEST_SHA256_SIZE],
                               struct error *err);
/* A PEM block appended to out: "-----BEGIN CERTIFICATE REQUEST-----". */
void certificate_request_format_pem(struct buf *out, struct slice der);
