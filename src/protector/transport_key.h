/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Transport keys: the payloads they travel in (MS-KPS 2.2.3.10.1, 2.2.3.10.2; little-endian) and
 * the signature made with a key derived from one (MS-KPS 2.2.2.7; protocol.md 3: ConcatKDF with
 * SHA-256, then HMAC).
 */

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/digest.h"

#define PROTECTOR_TRANSPORT_KEY_SIZE 32
/* AlgorithmID of the derivation. */
#define TRANSPORT_KEY_SIGNATURE_LABEL "TransportKeySignature"
/* Key policies that a payload of version 2 may hold. */
#define TRANSPORT_KEY_POLICIES_MAX 64

/*
 * The transport key out of a decrypted payload (version 1 or 2, one key). Always gives 32 bytes:
 * random ones when the payload is not acceptable or decrypted is NULL, so that time and answer do
 * not tell; then protector_verify_transport_key fails.
 */
void protector_payload_key(uint8_t key[PROTECTOR_TRANSPORT_KEY_SIZE],
                           const struct secret *decrypted);
/* A payload with count keys of 32 bytes. version 1, or 2 with no policies. Appended to out (a
 * secret buffer). */
void protector_payload_format(struct buf *out, unsigned version, const struct slice *keys,
                              size_t count);
/*
 * The keys of a payload, one behind the other, 1 to maximum of them; for clients.
 * protector.malformed.
 */
bool protector_payload_parse(struct secret *keys, size_t *count, size_t maximum,
                             struct slice payload, struct error *err);

/* The HMAC over the canonical Wrappings with the key derived from a transport key. */
void transport_key_sign(struct digest *out, enum digest_algorithm algorithm,
                        struct slice transport_key, struct slice wrappings);
