/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The key that signs the audit trail's checkpoints: an ECDSA P-256 key of the cluster, made at
 * `server init`, held by the keyholder. STORE_SETTING "audit" is {"key_id": hex, "public_key":
 * base64 SubjectPublicKeyInfo}.
 */

#include "crypto/public_key.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

#define ADMIN_AUDIT_KEY_SETTING "audit"

struct admin_audit_key {
    uint8_t id[KEY_ID_SIZE];
    struct public_key *public_key; /* owned */
};

/* store.not-found before the service was initialised. *key is always safe to free afterwards. */
bool admin_audit_key_load(struct admin_audit_key *key, struct store *store, struct error *err);
void admin_audit_key_done(struct admin_audit_key *key);

/* A new audit key, not in the store yet. */
struct admin_audit_key_draft {
    char name[2 * KEY_ID_SIZE + 1]; /* of the STORE_KEY record */
    struct buf sealed;              /* its value */
    struct buf setting;             /* the value of the setting */
};
/* Has the keyholder make one; freed with admin_audit_key_draft_done in any case. Errors of
 * keyholder/. */
bool admin_audit_key_create(struct admin_audit_key_draft *out, struct keyholder *keyholder,
                            struct error *err);
void admin_audit_key_draft_done(struct admin_audit_key_draft *draft);
/* The two changes that put it into the store; they borrow from the draft. */
void admin_audit_key_changes(struct store_change changes[2],
                             const struct admin_audit_key_draft *draft);
