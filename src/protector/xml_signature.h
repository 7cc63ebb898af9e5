/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The enveloped XML signature of guardian metadata (XML-DSig; protocol.md 3): one reference to the
 * root by its ID, the transforms enveloped-signature and exclusive canonicalisation, SHA-256,
 * rsa-sha256, and the signer's certificate in KeyInfo. Anything else is refused by reading the
 * element first, so that xmlsec, which then verifies, has no choice left to make.
 */

#include "base/xml.h"
#include "crypto/certificate.h"

/*
 * Reads a ds:Signature whose only reference must be to id. certificate: the DER that KeyInfo holds
 * (in values: see elements.h), empty when there is no KeyInfo. protector.malformed,
 * protector.algorithm.
 */
bool xml_signature_parse(struct slice *certificate, struct buf *values,
                         const struct xml_element *signature, const char *id, struct error *err);
/*
 * Verifies a signature that xml_signature_parse accepted, in the document whose root it is in and
 * whose ID attribute it refers to, with a certificate's key. metadata.signature.
 */
bool xml_signature_verify(const struct xml_element *signature, const struct xml_element *root,
                          const struct certificate *certificate, struct error *err);
/*
 * Appends a ds:Signature over an element whose exclusive canonical form (without this signature) is
 * `canonical` and whose ID is id.
 */
bool xml_signature_write(struct buf *out, const char *id, struct slice canonical,
                         const struct certificate *certificate, const struct signer *signer,
                         struct error *err);
