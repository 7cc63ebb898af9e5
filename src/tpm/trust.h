/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whom the administrator trusts to certify endorsement keys: roots (each an anchor, self-signed or
 * not) and intermediates. Immutable once made and shared by threads; a change makes a new one. It
 * remembers the endorsement certificates that it has parsed, and which signatures of a chain
 * verified, so that the second attestation of a host costs no public key operation.
 */

#include "crypto/certificate.h"

struct tpm_trust; /* reference counted */

/* One certificate of the administrator's. */
struct tpm_trusted_certificate {
    struct slice der;
    bool intermediate;
};

#define TPM_TRUST_CERTIFICATES_MAX 8192
#define TPM_CHAIN_CERTIFICATES_MAX 6 /* that come with an endorsement certificate */

/*
 * Builds one from certificates that tpm_trust_check accepted. Those that cannot be read are left
 * out and counted in *skipped (NULL: not wanted). cached: endorsement certificates to remember,
 * about 4 KiB each.
 */
struct tpm_trust *tpm_trust_new(const struct tpm_trusted_certificate *certificates, size_t count,
                                size_t cached, size_t *skipped);
struct tpm_trust *tpm_trust_ref(struct tpm_trust *trust);
void tpm_trust_free(struct tpm_trust **trust);
#define _cleanup_tpm_trust_ __attribute__((cleanup(tpm_trust_free)))
size_t tpm_trust_count(const struct tpm_trust *trust);

/*
 * Whether a certificate may be added: it reads, is an authority (not an endorsement certificate by
 * mistake), and may issue endorsement certificates (not one for identity keys alone). The parsed
 * certificate is for showing it. crypto.certificate-malformed, crypto.key-*,
 * tpm.root-not-authority, tpm.root-identity-authority, tpm.root-place (a root as an intermediate),
 * tpm.certificate-extension.
 */
bool tpm_trust_check(struct certificate **out, struct slice der, bool intermediate,
                     struct error *err);
