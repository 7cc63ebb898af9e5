/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Guardian metadata (MS-KPS 6.4; protocol.md 3): a service's primary certificates, vouched for by
 * its signing key and signed with an enveloped XML-DSig, which owners import.
 */

#include "protector/guardian.h"

#define METADATA_SIZE_MAX (512 * 1024)
/* Further signing certificates. */
#define METADATA_OTHERS_MAX 64

struct metadata_content {
    struct certificate *signing;       /* primary signing certificate */
    struct certificate *encryption;    /* primary encryption certificate */
    struct certificate *const *others; /* further signing certificates */
    size_t other_count;
    struct certificate *communications; /* signs the document; NULL: the signing certificate does */
};

/* Builds and signs a document. signing: over content->signing's key; document: over the
 * communications key (or the same). Appended to out. */
bool metadata_format(struct buf *out, const struct metadata_content *content,
                     const struct signer *signing, const struct signer *document,
                     struct error *err);
/* Its two halves, for a signer whose keys are in two places: the document as the signing key
 * vouches for it, with its end tag and without the document's own signature; then what the whole
 * document is, by the key of the certificate `by`. */
bool metadata_vouch(struct buf *out, const struct metadata_content *content,
                    const struct signer *signing, struct error *err);
bool metadata_sign(struct buf *out, struct slice vouched, const struct certificate *by,
                   const struct signer *document, struct error *err);

struct metadata_checks {
    bool allow_untrusted_root; /* do not demand that the certificates chain to the system's trust
                                  store */
    bool allow_expired;
    int64_t now;
    const char *trust_file; /* a PEM bundle; NULL: the system's (TRUST_FILE) */
};
/*
 * Verifies a document (its XML signature with xmlsec, restricted to the one reference and
 * transforms of protocol.md; both certificate signatures; trust; validity) and gives its guardian,
 * with the service's signature over its encryption certificate. metadata.* errors, each naming what
 * to do (metadata.untrusted-root names --allow-untrusted-root).
 */
bool metadata_parse(struct guardian *out, struct slice document,
                    const struct metadata_checks *checks, struct error *err);
