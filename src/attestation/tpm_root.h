/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whom the administrator trusts to certify endorsement keys: the records of kind STORE_TPM_ROOT
 * (`tpm-root add`), and the trust that is built of them (tpm/trust.h).
 *
 * Key: the thumbprint (hex SHA-256 of the DER). Value: {"certificate": base64 DER, "intermediate",
 * "subject", "not_after": RFC 3339, "added", "added_by"}.
 */

#include "base/json.h"
#include "tpm/trust.h"

#define ATTESTATION_TPM_ROOT_VALUE_MAX (2 * CERTIFICATE_SIZE_MAX)
#define ATTESTATION_THUMBPRINT_SIZE 65 /* of its text with the NUL */

/*
 * Appends the value for a certificate that tpm_trust_check accepted, and writes its key.
 * The errors of tpm_trust_check.
 */
bool attestation_tpm_root_format(struct buf *out, char key[ATTESTATION_THUMBPRINT_SIZE],
                                 struct slice der, bool intermediate, int64_t added,
                                 const char *added_by, struct error *err);
/* The certificate of a value, appended to der. attestation.tpm-root-malformed, base.json-*. */
bool attestation_tpm_root_parse(struct buf *der, bool *intermediate, struct slice value,
                                struct error *err);

/* The records. Belongs to one thread at a time. */
struct attestation_tpm_roots;

struct attestation_tpm_roots *attestation_tpm_roots_new(void);
void attestation_tpm_roots_free(struct attestation_tpm_roots **roots);
/* False, with *problem set, for a damaged record, which is passed over. */
bool attestation_tpm_roots_put(struct attestation_tpm_roots *roots, const char *key,
                               struct slice value, struct error *problem);
void attestation_tpm_roots_remove(struct attestation_tpm_roots *roots, const char *key);
/* One reference, of the caller. */
struct tpm_trust *attestation_tpm_roots_build(const struct attestation_tpm_roots *roots);
