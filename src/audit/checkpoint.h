/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Checkpoints: signatures over a place in the chain, which commit their signer to all records up to
 * there. A checkpoint is a record "audit.checkpoint" with the fields
 *
 *     "sequence":K,"head":"<hash of record K>","at":<seconds>,"key":"<key
 * id>","signature":"<base64>"
 *
 * Records may stand between K and the checkpoint: they were written while it was being signed.
 */

#include "audit/audit.h"
#include "audit/record.h"

#define AUDIT_CHECKPOINT_EVENT "audit.checkpoint"

/* How far behind its place a checkpoint may stand: so many hashes does a verification remember. */
#define AUDIT_CHECKPOINT_REACH (256 * 1024)

/* Who signs: the keyholder, or a key of a test's own. */
struct audit_checkpoint_signer {
    bool (*sign)(void *context, const uint8_t key_id[KEY_ID_SIZE], uint64_t sequence,
                 const uint8_t head[AUDIT_HASH_SIZE], int64_t time, struct buf *out,
                 struct error *err);
    void *context;
    uint8_t key_id[KEY_ID_SIZE];
};

/* As audit_set_signer. */
void audit_set_checkpoint_signer(struct audit *audit, const struct audit_checkpoint_signer *signer);

/* The bytes that are signed (keyholder.h), appended. */
void audit_checkpoint_message(struct buf *out, uint64_t sequence,
                              const uint8_t head[AUDIT_HASH_SIZE], int64_t time);

/* Has place signed and appends the record's fields. Errors are the signer's. */
bool audit_checkpoint_format(struct buf *fields, const struct audit_checkpoint_signer *signer,
                             const struct audit_place *place, int64_t time, struct error *err);

struct audit_checkpoint {
    struct audit_place place;
    int64_t time;
    uint8_t key_id[KEY_ID_SIZE];
};

/* Reads a checkpoint record's line and, unless key is NULL, verifies its signature.
 * audit.checkpoint. */
bool audit_checkpoint_parse(struct audit_checkpoint *out, struct slice line,
                            const struct public_key *key, struct error *err);
