/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the extensions of a certificate say about endorsement keys (TCG EK Credential Profile).
 * Only this room includes it. */

#include "crypto/certificate.h"

/* From extendedKeyUsage (RFC 5280 4.2.1.12). */
struct certificate_profile {
    bool has_usage;   /* there is one */
    bool any;         /* anyExtendedKeyUsage */
    bool endorsement; /* 2.23.133.8.1, tcg-kp-EKCertificate */
    bool identity; /* 2.23.133.8.3, tcg-kp-AIKCertificate, or Microsoft's 1.3.6.1.4.1.311.21.36 */
    struct slice usage;     /* the first of them, an OID; borrowed */
    bool has_limited_names; /* nameConstraints (RFC 5280 4.2.1.10), which nothing here follows */
};

/*
 * Reads it, and refuses critical extensions that are not on the closed list of those that nothing
 * here depends on. tpm.certificate-malformed, tpm.certificate-extension (names the OID).
 */
bool certificate_profile_read(struct certificate_profile *out,
                              const struct certificate *certificate, struct error *err);
/* How a person knows the certificate: its subject, or when that is empty, its issuer and serial;
 * writes at most size bytes and returns text. */
char *certificate_profile_name(const struct certificate *certificate, char *text, size_t size);
/* The first URI where the issuer's certificate is to be had (authorityInfoAccess, RFC
 * 5280 4.2.2.1), as text that can be printed; empty when it names none. Returns text. */
char *certificate_profile_issuer_uri(const struct certificate *certificate, char *text,
                                     size_t size);
