/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Host key mode (MS-HGSA 3.1.5.3, protocol.md 2.1): a host passes when it is registered and signs,
 * with its registered key, that key and the identity key that it wants certified.
 *
 * An AttestationRequest with the items 1 (identity key), 8 (host public key) and 9 (signature over
 * the bytes of 8 followed by those of 1), and no others. In this order: shape and what is asked
 * for, host known, signature, identity key.
 */

#include "attestation/mode.h"

/* attestation.payload-malformed and the errors of base/, attestation.content-refused,
 * attestation.host-key, attestation.host-unknown, attestation.signature-wrong,
 * attestation.identity-key. */
bool attestation_host_key_attest(struct attestation_evidence *evidence,
                                 const struct attestation_mode_input *input, struct error *err);

/*
 * Whether signature was made by key over the bytes of host_key followed by those of identity_key:
 * RSASSA-PKCS1-v1_5 or RSASSA-PSS with SHA-256, or ECDSA P-256 with SHA-256, P-384 with SHA-384.
 * attestation.signature-wrong.
 */
bool attestation_host_key_verify(const struct public_key *key, struct slice host_key,
                                 struct slice identity_key, struct slice signature,
                                 struct error *err);
