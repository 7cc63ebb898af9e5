/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CMS (RFC 5652): a SignedData without signers that carries certificates (protocol.md 2,
 * signingCertificates). */

#include "crypto/certificate.h"

/* DER appended to out; the certificates stand in the order given (the drivers read them in order).
 */
void cms_format_certificates(struct buf *out, const struct certificate *const *certificates,
                             size_t count);
/* Reads one back: calls each certificate's DER in order. At most 64. crypto.cms-malformed. */
bool cms_parse_certificates(struct slice der,
                            bool (*each)(void *context, struct slice certificate,
                                         struct error *err),
                            void *context, struct error *err);
