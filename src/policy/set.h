/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All policies of the service at one revision: the stored ones, and the built-ins of both profiles
 * in the state that a record gives them, or their own. Built once, then immutable and read by all
 * threads.
 */

#include "policy/builtin.h"

struct policy_set;

/* A policy that several sets share, counted by references: reading a record costs, and each change
 * of one makes a new set of all. */
struct policy_shared;

/* Takes what *policy owns, which is then empty. One reference, of the caller. */
struct policy_shared *policy_shared_new(struct policy *policy);
/* NULL is allowed. */
void policy_shared_release(struct policy_shared **policy);

/* Who is judged. Texts are borrowed. */
struct policy_subject {
    const char *host;        /* name */
    const char *const *sets; /* names of the sets that the host is in */
    size_t set_count;
    enum eventlog_profile profile;
    enum policy_version version;
};

/* functional_level: the service's. Built-ins of a higher level than that are staged, unless a
 * record says otherwise. */
struct policy_set *policy_set_new(uint32_t functional_level);
void policy_set_free(struct policy_set *set);
/* Takes what *policy owns, which is then empty. policy.conflict when there is one of that key,
 * policy.builtin-unknown, policy.locked: a built-in that is locked stays so, whatever a record
 * says. */
bool policy_set_add(struct policy_set *set, struct policy *policy, struct error *err);
/* The same of one that others have, too: a reference is taken. */
bool policy_set_add_shared(struct policy_set *set, struct policy_shared *policy, struct error *err);

/* The stored policies but built-ins' records, in no particular order. */
size_t policy_set_count(const struct policy_set *set);
const struct policy *policy_set_at(const struct policy_set *set, size_t index);
/* By name, of any kind but built-ins; NULL when there is none. */
const struct policy *policy_set_find(const struct policy_set *set, const char *name);
/* A built-in's state now. */
enum policy_state policy_set_builtin_state(const struct policy_set *set,
                                           enum eventlog_profile profile,
                                           enum builtin_policy policy);

/*
 * The policies that are for this host by profile and scope, in whatever state: an array of *count
 * borrowed pointers that the caller frees with free(). NULL: none.
 */
const struct policy **policy_set_select(const struct policy_set *set,
                                        const struct policy_subject *subject, size_t *count);
/* Whether a policy that was selected for the host counts: enabled, of the host's version, and not
 * at its end. */
bool policy_counts(const struct policy *policy, const struct policy_subject *subject, int64_t now);

/* Whether any of the host's policies has an end to come, so that time may change a verdict. */
bool policy_set_has_ends(const struct policy_set *set, const struct policy_subject *subject,
                         int64_t now);

/*
 * Bit i: PCR i is read to judge this host: those of its profile's claims, of its baselines, and 10
 * where an IMA policy is among its policies. User space of a Linux host extends 10 and 11 further:
 * who seals to PCRs leaves those out. pcrs.c.
 */
uint32_t policy_pcrs(const struct policy_set *set, const struct policy_subject *subject);
/* Those that every baseline looks at that counts for this host now; 0: there is none. */
uint32_t policy_pcrs_compared(const struct policy_set *set, const struct policy_subject *subject,
                              int64_t now);
