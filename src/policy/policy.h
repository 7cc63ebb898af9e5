/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an administrator trusts, one policy a record: kind STORE_POLICY under policy_key(). The
 * record's value and what hgsctl sends to the service are the same JSON.
 *
 *   built-in   a requirement that every host of a profile meets (builtin.h). Only the state is
 *              stored, and only when it was changed.
 *   baseline   the trusted boot events of a model of hardware and its firmware (baseline.h)
 *   ci         what decides which code a host runs (code_integrity.h)
 *   dump       the key that memory dumps of Windows hosts are encrypted to
 *
 * A host passes with every locked and enabled built-in of its profile, one baseline and one ci
 * policy (evaluate.h). Policies of version v1 and v2 never mix: the version is the host's.
 */

#include "base/plain_name.h"
#include "eventlog/claims.h"
#include "policy/baseline.h"
#include "policy/code_integrity.h"

#define POLICY_NAME_SIZE PLAIN_NAME_SIZE
#define POLICY_DUMP_KEY_SIZE 32         /* SHA-256 of a key blob */
#define POLICY_RECORD_MAX (1024 * 1024) /* bytes of a record's value */

enum policy_kind {
    POLICY_BUILTIN,
    POLICY_BASELINE,
    POLICY_CI,
    POLICY_DUMP,
};

/* Attestation v1 admits a TPM without endorsement certificate; v2 does not. */
enum policy_version {
    POLICY_VERSION_1 = 1,
    POLICY_VERSION_2 = 2,
};

enum policy_state {
    POLICY_ENABLED,
    POLICY_DISABLED,
    POLICY_LOCKED, /* enabled and cannot be disabled; built-ins only */
    POLICY_STAGED, /* takes no part until `policy activate` */
};

/* Which hosts a policy is for. Windows knows only the first. */
enum policy_scope {
    POLICY_FOR_ALL,
    POLICY_FOR_HOST,
    POLICY_FOR_SET,
};

struct policy {
    char name[POLICY_NAME_SIZE];
    enum policy_kind kind;
    enum eventlog_profile profile;
    enum policy_version version; /* of a built-in: not used */
    enum policy_state state;
    enum policy_scope scope;
    char scope_name[POLICY_NAME_SIZE]; /* of the host or the set; empty for all */
    int64_t added;                     /* seconds since 1970; of a built-in: when it was changed */
    char added_by[256];
    int64_t until; /* seconds since 1970; 0: no end */
    union {
        struct policy_baseline baseline;
        struct policy_ci ci;
        uint8_t dump_key[POLICY_DUMP_KEY_SIZE];
    };
};

void policy_done(struct policy *policy);
#define _cleanup_policy_ __attribute__((cleanup(policy_done)))

/* Names of policies that administrators add: plain ones that do not begin with "Hgs_".
 * policy.name. */
bool policy_name_check(const char *name, struct error *err);

/* The store's key: the name, or for built-ins profile/name, which is no name. */
#define POLICY_KEY_SIZE (POLICY_NAME_SIZE + 16)
char *policy_key(const struct policy *policy, char key[POLICY_KEY_SIZE]);

/* Appends the record's value. */
void policy_format(struct buf *out, const struct policy *policy);
/* Reads a record's value whole. policy.record-malformed, policy.name, policy.builtin-unknown,
 * policy.locked (a locked built-in in another state), base.json-*. Freed with policy_done. */
bool policy_parse(struct policy *out, struct slice value, struct error *err);

/* Words of the records and of command lines: "builtin", "v2", "enabled", "linux"… The parsers are
 * false for other words. */
const char *policy_kind_name(enum policy_kind kind);
const char *policy_version_name(enum policy_version version);
const char *policy_state_name(enum policy_state state);
const char *policy_profile_name(enum eventlog_profile profile);
bool policy_kind_parse(enum policy_kind *out, const char *word);
bool policy_version_parse(enum policy_version *out, const char *word);
bool policy_state_parse(enum policy_state *out, const char *word);
bool policy_profile_parse(enum eventlog_profile *out, const char *word);
