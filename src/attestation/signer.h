/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Attestation signers (protocol.md 2.4): the keys and self-signed certificates that issue health
 * certificates. Each node has its own; all nodes know all of them, because the list of signing
 * certificates and the trust of key protection are the cluster's.
 *
 * Record of kind STORE_ATTESTATION_SIGNER under the hex SHA-256 thumbprint: {"certificate": base64
 * DER, "key_id": hex, "node": text, "use": "health"|"unprotected", "publish_at", "active_at",
 * "longest_seconds" and, if set, "deny_before": seconds since 1970}. The sealed key is the record
 * of kind STORE_KEY under key_id.
 */

#include "attestation/host.h"
#include "attestation/settings.h"
#include "attestation/signer_key.h"
#include "crypto/certificate.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

/* Signing certificates for keys that no TPM or VSM protects come from a signer of their own, which
 * key protection does not trust. */
enum attestation_signer_use { ATTESTATION_SIGNER_HEALTH, ATTESTATION_SIGNER_UNPROTECTED };
#define ATTESTATION_SIGNER_USES 2

#define ATTESTATION_THUMBPRINT_TEXT_SIZE 65

struct attestation_signer {
    char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE]; /* SHA-256, lower-case hex: the record's key
                                                        */
    struct certificate *certificate;                   /* a reference */
    uint8_t key_id[KEY_ID_SIZE];
    char node[ATTESTATION_NAME_SIZE];
    enum attestation_signer_use use;
    int64_t publish_at;      /* listed from then on */
    int64_t active_at;       /* signs from then on, until a newer one of its node and use does */
    int64_t deny_before;     /* key protection refuses what it issued before; 0: nothing */
    int64_t longest_seconds; /* the longest validity that its certificates were given */
    int64_t revision;        /* of the record, where it was read from the store; else 0 */
};

/* Appends the record's value. */
void attestation_signer_format(struct buf *out, const struct attestation_signer *signer);
/*
 * Reads a record: the thumbprint must be the key's text, key_id the digest of the certificate's
 * key. Freed with attestation_signer_done. attestation.signer-malformed and the errors of base/ and
 * crypto/.
 */
bool attestation_signer_parse(struct attestation_signer *out, const char *thumbprint,
                              struct slice value, int64_t revision, struct error *err);
void attestation_signer_done(struct attestation_signer *signer);
#define _cleanup_attestation_signer_ __attribute__((cleanup(attestation_signer_done)))

/* All signers of the cluster, in no particular order. */
struct attestation_signer_list {
    struct attestation_signer *items;
    size_t count;
};

/* Takes what signer holds; replaces the one with the same thumbprint. */
void attestation_signer_list_put(struct attestation_signer_list *list,
                                 struct attestation_signer *signer);
void attestation_signer_list_remove(struct attestation_signer_list *list, const char *thumbprint);
/* A list of its own, with further references to the same certificates. */
void attestation_signer_list_copy(struct attestation_signer_list *out,
                                  const struct attestation_signer_list *list);
void attestation_signer_list_done(struct attestation_signer_list *list);
#define _cleanup_attestation_signer_list_ __attribute__((cleanup(attestation_signer_list_done)))
/* The records of the store, each with its revision. A damaged one is skipped and told in *problem
 * (may be NULL); false only when the store cannot be read. */
bool attestation_signer_list_load(struct attestation_signer_list *out, struct store *store,
                                  struct error *problem, struct error *err);

/* What a new signer shall be. */
struct attestation_signer_plan {
    const char *node;
    enum attestation_signer_use use;
    enum attestation_signer_key key;
    int64_t not_before, not_after;
    int64_t publish_at, active_at;
    int64_t longest_seconds;
};

/* A signer that is not in the store yet. */
struct attestation_signer_draft {
    struct attestation_signer signer;
    char key_name[2 * KEY_ID_SIZE + 1]; /* hex key_id */
    struct buf value;                   /* the record's */
    struct buf sealed;                  /* its key's */
};

/*
 * Has the keyholder make a key (and load it), issues the self-signed certificate "HGS Attestation
 * Signer <node>" and writes the records. Freed with attestation_signer_draft_done. Errors of
 * keyholder/ and crypto/.
 */
bool attestation_signer_create(struct attestation_signer_draft *out,
                               const struct attestation_signer_plan *plan,
                               struct keyholder *keyholder, struct error *err);
/* The two changes that put it into the store; they borrow from the draft. */
void attestation_signer_draft_changes(const struct attestation_signer_draft *draft,
                                      struct store_change changes[2]);
void attestation_signer_draft_done(struct attestation_signer_draft *draft);
#define _cleanup_attestation_signer_draft_ __attribute__((cleanup(attestation_signer_draft_done)))
