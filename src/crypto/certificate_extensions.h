/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The extensions of a certificate (RFC 5280 4.2), read and written. */

#include "crypto/certificate.h"

/* Reads the [3] EXPLICIT Extensions that tbs stands at into facts; slices are borrowed from tbs.
 * crypto.certificate-malformed. */
bool certificate_read_extensions(struct certificate_facts *facts, struct reader *tbs,
                                 struct error *err);
/* The same field appended to out for a template. authority_* : for the authorityKeyIdentifier; name
 * and serial only when the issuer is another. */
void certificate_write_extensions(struct buf *out,
                                  const struct certificate_template *certificate_template,
                                  struct slice subject_key_id, struct slice authority_key_id);

/* One Extension each: a critical keyUsage, and the subjectKeyIdentifier. */
void certificate_write_key_usage(struct buf *out, unsigned usage);
void certificate_write_subject_key_id(struct buf *out, struct slice key_id);

/* The DER AlgorithmIdentifier of a signature; empty for a number that is none. */
struct slice certificate_algorithm_identifier(enum signature_algorithm algorithm);
