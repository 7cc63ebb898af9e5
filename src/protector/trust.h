/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether this machine's administrator trusts who issued a certificate.
 *
 * Guardian metadata carries no intermediate certificates, so a chain has one step: the certificate
 * is in the trust store itself, or a certificate authority of the store (roots, and whatever
 * update-ca-certificates(8) added) issued it.
 */

#include "crypto/certificate.h"

/* Debian's bundle of trusted certificates. */
#define TRUST_FILE "/etc/ssl/certs/ca-certificates.crt"
#define TRUST_FILE_MAX (4 * 1024 * 1024)

struct trust; /* certificates of one bundle */

/* Reads a PEM bundle; entries that do not parse here (a kind of key not used) are left out. base.*
 * when the file cannot be read. */
bool trust_load(struct trust **out, const char *path, struct error *err);
void trust_free(struct trust **trust);
#define _cleanup_trust_ __attribute__((cleanup(trust_free)))

/* metadata.untrusted-root. allow_expired: of the authority, too. */
bool trust_check(const struct trust *trust, const struct certificate *certificate, int64_t now,
                 bool allow_expired, struct error *err);
