/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The complex types that the documents of key protection share (MS-KPS 6.5, the crypto schema):
 * Signature, EncryptedData, KeyDerivationMethod and certificates, read strictly and written in
 * exclusive-canonical form.
 *
 * Reading appends the decoded bytes to `values`, whose room must have been reserved for the whole
 * document beforehand (elements_values_init): the slices that are given point into it.
 */

#include "base/xml.h"
#include "protector/protector.h"

/* An HMAC in a Signature element. */
struct elements_mac {
    enum digest_algorithm algorithm;
    struct slice value; /* as long as the digest */
};

/* A buffer that can take every base64 value of a document of that size without moving. */
void elements_values_init(struct buf *values, size_t document_size);

/* The base64 content of an element: 1 to maximum bytes. */
bool elements_parse_bytes(struct slice *out, struct buf *values, const struct xml_element *element,
                          size_t maximum, struct error *err);
/* A Certificate_T: the DER, not yet parsed. */
bool elements_parse_certificate(struct slice *out, struct buf *values,
                                const struct xml_element *element, struct error *err);
/* A Signature_T by a certificate's key. Parameters are refused (protocol.md 3). */
bool elements_parse_signature(struct protector_signature *out, struct buf *values,
                              const struct xml_element *element, struct error *err);
/* A Signature_T that is an HMAC. */
bool elements_parse_mac(struct elements_mac *out, struct buf *values,
                        const struct xml_element *element, struct error *err);
/* An EncryptedData_T to a certificate's key. */
bool elements_parse_encrypted_data(enum encryption_algorithm *algorithm, struct slice *value,
                                   struct buf *values, const struct xml_element *element,
                                   struct error *err);
/* A KeyDerivationMethod_T: the one ConcatKDF of protocol.md 3, or refused. */
bool elements_parse_key_derivation(const struct xml_element *element, struct error *err);
/* A required xs:unsignedInt attribute in canonical form. */
bool elements_parse_unsigned_attribute(uint32_t *out, const struct xml_element *element,
                                       const char *name, struct error *err);
/* Only elements inside, and no attributes besides the named ones (NULL-terminated). */
bool elements_check_container(const struct xml_element *element, const char *const *attributes,
                              struct error *err);
/* Replaces an error of a lower room by code (base.* limits by limit), keeping its words. Returns
 * false. */
bool elements_adopt_error(struct error *err, const struct error *cause,
                          const struct error_code *const *own, const struct error_code *code,
                          const struct error_code *limit, const char *clause);

/* The element name with base64 text. */
void elements_write_bytes(struct buf *out, const char *name, struct slice bytes);
/* An element of type Signature_T called name. */
void elements_write_signature(struct buf *out, const char *name, const char *algorithm_uri,
                              struct slice value);
void elements_write_encrypted_data(struct buf *out, enum encryption_algorithm algorithm,
                                   struct slice value);
void elements_write_key_derivation(struct buf *out);
