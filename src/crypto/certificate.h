/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * X.509 certificates (RFC 5280): read once into a checked, immutable structure that threads share
 * and that a cache finds again by its bytes (service-facts.md: decoding one costs half an RSA
 * private operation), and written for our own attestation signers, guardians and health
 * certificates.
 */

#include "base/cache.h"
#include "crypto/public_key.h"
#include "crypto/signer.h"

#define CERTIFICATE_SIZE_MAX 16384

/* keyUsage bits as in RFC 5280 4.2.1.3, bit 0 = 0x80 of the first byte. */
enum certificate_usage {
    CERTIFICATE_DIGITAL_SIGNATURE = 0x0080,
    CERTIFICATE_NON_REPUDIATION = 0x0040,
    CERTIFICATE_KEY_ENCIPHERMENT = 0x0020,
    CERTIFICATE_DATA_ENCIPHERMENT = 0x0010,
    CERTIFICATE_KEY_AGREEMENT = 0x0008,
    CERTIFICATE_KEY_CERT_SIGN = 0x0004,
    CERTIFICATE_CRL_SIGN = 0x0002,
};

struct certificate; /* reference counted */

/* The facts of a certificate; slices and texts are borrowed from it. */
struct certificate_facts {
    struct slice der;
    struct slice serial;      /* big-endian, as encoded */
    struct slice subject;     /* DER Name */
    struct slice issuer;      /* DER Name */
    const char *subject_text; /* RFC 2253 */
    const char *issuer_text;
    int64_t not_before, not_after; /* seconds since 1970; 9999-12-31 is kept as such */
    bool has_usage;
    unsigned usage;         /* enum certificate_usage */
    bool is_authority;      /* basicConstraints CA:TRUE */
    int path_length;        /* pathLenConstraint; -1: none */
    bool has_health_policy; /* application policies hold 1.3.6.1.4.1.311.48.1.2 (protocol.md 2.4) */
    struct slice subject_key_id;   /* empty: absent */
    struct slice authority_key_id; /* empty: absent */
    struct slice extensions;       /* all of them, for certificate_next_extension */
    bool unknown_critical;         /* has a critical extension that nobody here understands */
    bool self_signed;              /* names equal and the signature verifies with its own key */
    uint8_t thumbprint[32];        /* SHA-256 of der */
    uint8_t thumbprint_sha1[20];   /* as Windows shows it; never for decisions */
};

/* DER, whole, no trailing bytes. crypto.certificate-malformed, crypto.key-*. */
bool certificate_parse(struct certificate **out, struct slice der, struct error *err);
/* The same, but its key may be one that public_key_parse_endorsement takes. */
bool certificate_parse_endorsement(struct certificate **out, struct slice der, struct error *err);
/* PEM or DER, as files have it; the first certificate of a PEM file. */
bool certificate_parse_file(struct certificate **out, struct slice bytes, struct error *err);
struct certificate *certificate_ref(struct certificate *certificate);
void certificate_free(struct certificate **certificate);
#define _cleanup_certificate_ __attribute__((cleanup(certificate_free)))

const struct certificate_facts *certificate_facts(const struct certificate *certificate);
/* Borrowed. */
struct public_key *certificate_key(const struct certificate *certificate);
static inline struct slice certificate_der(const struct certificate *certificate)
{
    return certificate_facts(certificate)->der;
}
/* Whether issuer's key made certificate's signature (and the issuer's name is the one named).
 * crypto.signature-wrong. */
bool certificate_verify_issued(const struct certificate *certificate,
                               const struct certificate *issuer, struct error *err);
/*
 * The same for the certificates of TPMs: also ECDSA with SHA-512 and, when authority, RSA with
 * SHA-1. That is for certificates that an administrator put in by hand (nobody can choose them so
 * that two have one digest), never for what a stranger presents. crypto.key-unsupported besides.
 */
bool certificate_verify_endorsement(const struct certificate *certificate,
                                    const struct certificate *issuer, bool authority,
                                    struct error *err);

/* One extension (RFC 5280 4.2); slices are borrowed from the certificate. */
struct certificate_extension {
    struct slice oid;   /* contents */
    struct slice value; /* what the OCTET STRING holds */
    bool critical;
};
/* Takes the next one off rest, which begins as facts->extensions; false at the end. */
bool certificate_next_extension(struct certificate_extension *out, struct slice *rest);
/* A PEM block appended to out. */
void certificate_format_pem(struct buf *out, const struct certificate *certificate);

/* A cache of certificates by their DER. */
struct cache *certificate_cache_new(size_t entries);
/* From the cache, or parsed and added. A reference of the caller's own. */
bool certificate_cache_parse(struct certificate **out, struct cache *cache, struct slice der,
                             struct error *err);
/* The same with certificate_parse_endorsement; not in one cache with the other. */
bool certificate_cache_parse_endorsement(struct certificate **out, struct cache *cache,
                                         struct slice der, struct error *err);

#define CERTIFICATE_CN_MAX 64 /* characters (RFC 5280 A.1, ub-common-name) */

/* What certificate_issue writes. Extensions come in the order of protocol.md 2.4. */
struct certificate_template {
    const char *subject_cn; /* a single CN: 1 to CERTIFICATE_CN_MAX characters of UTF-8 */
    const struct public_key *subject_key;
    const struct certificate *issuer; /* NULL: self-signed by signer */
    int64_t not_before, not_after;
    unsigned usage;     /* critical keyUsage; 0: none */
    bool authority;     /* basicConstraints CA:TRUE, critical */
    bool health_policy; /* application policies 1.3.6.1.4.1.311.48.1.2 */
};

/*
 * Signs the template: random positive 16-byte serial, subjectKeyIdentifier (SHA-1 of the key bits,
 * RFC 5280 4.2.1.2 (1)), authorityKeyIdentifier with keyid, issuer name and serial (health
 * certificates; keyid alone when self-signed). DER appended to out. Costs little besides the
 * signature itself. crypto.certificate-malformed for a name or a time that cannot be written,
 * crypto.key-mismatch when the signer's key is not the issuer's, and the signer's errors.
 */
bool certificate_issue(struct buf *out, const struct certificate_template *certificate_template,
                       const struct signer *signer, struct error *err);
