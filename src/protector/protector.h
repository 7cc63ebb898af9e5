/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Key protectors (MS-KPS 2.2.4; protocol.md 3): an XML document in which each guardian's wrapping
 * carries the VM's transport key, encrypted to that guardian. Parsed once into a checked structure;
 * nothing in it is evaluated twice, and the element that was signed is the one that is used.
 *
 * Refused are a DTD, comments, processing instructions, unknown or repeated elements and
 * attributes, numbers that are not in canonical form, and algorithms or parameters other than those
 * of algorithms.c.
 *
 * The room speaks of four things: certificates (crypto/), wrappings, a transport key (32 bytes,
 * secret) and two outer signatures over the canonical Wrappings element. It knows neither HTTP nor
 * the service.
 */

#include "crypto/certificate.h"
#include "protector/transport_key.h"
#include "protector/verification_cache.h"

#define PROTECTOR_SIZE_MAX (1024 * 1024)
#define PROTECTOR_WRAPPINGS_MAX 64

struct protector_signature {
    enum signature_algorithm algorithm;
    struct slice value; /* borrowed from the protector */
};

struct protector_wrapping {
    uint32_t id;
    uint32_t parent; /* the wrapping whose signing key signed ours; the owner's own id */
    struct certificate *signing_certificate;
    struct protector_signature signing_certificate_signature;
    struct certificate *encryption_certificate;
    struct protector_signature encryption_certificate_signature;
    enum encryption_algorithm transport_key_algorithm;
    struct slice transport_key; /* ciphertext */
};

struct protector; /* owns everything below */

/*
 * Parses a document: form, algorithms, limits; no two wrappings with one id; the guardian
 * signature's wrapping exists; then the certificates. cache may be NULL. protector.malformed,
 * protector.algorithm, protector.limit (InvalidProtectorException); protector.wrapping
 * (InvalidWrappingException: a certificate does not parse, or its key is not RSA).
 */
bool protector_parse(struct protector **out, struct slice document, struct cache *cache,
                     struct error *err);
void protector_free(struct protector **protector);
#define _cleanup_protector_ __attribute__((cleanup(protector_free)))

size_t protector_wrapping_count(const struct protector *protector);
const struct protector_wrapping *protector_wrapping(const struct protector *protector,
                                                    size_t index);
/* The owner's wrapping: its own parent. NULL when none is; exactly one once protector_verify
 * agreed. */
const struct protector_wrapping *protector_owner(const struct protector *protector);
/* The wrapping that made the guardian signature. */
const struct protector_wrapping *protector_last_guardian(const struct protector *protector);
uint32_t protector_max_offline_unwraps(const struct protector *protector);
/* SHA-256 of the document's bytes; names it in the audit trail. */
const uint8_t *protector_digest(const struct protector *protector);

/*
 * Everything that can be checked without the transport key, in the order of protocol.md 3: guardian
 * signature, then every wrapping's chain to the owner and both certificate signatures.
 * protector.signature (InvalidProtectorException), protector.wrapping, protector.chain
 * (InvalidWrappingException).
 */
bool protector_verify(const struct protector *protector, struct error *err);
/* The same, and signatures over certificates that verified before are not computed again. */
bool protector_verify_cached(const struct protector *protector, struct verification_cache *cache,
                             struct error *err);
/* The first wrapping encrypted to this key (SHA-256 of its SPKI); NULL when there is none. */
const struct protector_wrapping *protector_find(const struct protector *protector,
                                                const uint8_t encryption_key_id[32]);
/* The first wrapping whose signing certificate has this key. */
const struct protector_wrapping *protector_find_signing(const struct protector *protector,
                                                        const uint8_t signing_key_id[32]);
/*
 * The transport key signature under the unwrapped key, constant time. protector.opaque: one code
 * and message for all that secrets decide (a failed OAEP, a bad payload, this).
 */
bool protector_verify_transport_key(const struct protector *protector, struct slice transport_key,
                                    struct error *err);

/*
 * Writes a new protector: every wrapping of `from` (kept as it is) with transport_key encrypted to
 * it anew, signed by `signer` as wrapping signer_id and by the key derived from transport_key.
 * Appended to out.
 */
bool protector_reseal(struct buf *out, const struct protector *from, struct slice transport_key,
                      uint32_t max_offline_unwraps, uint32_t signer_id, const struct signer *signer,
                      struct error *err);
