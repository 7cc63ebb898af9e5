/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Counts which key protectors ask for which of our certificates (usage_table.h), while they are
 * rolled: nobody waits for the store. A thread of its own writes what changed every
 * USAGE_WRITE_SECONDS, in commits of a bounded size; what a crash loses of it is counted again when
 * the protector comes again.
 *
 * The links by which protectors are known again are made under a key that the keyholder derives
 * from the cluster key. So the store says nothing of protectors, and nothing is counted twice on
 * several nodes.
 */

#include "base/clock.h"
#include "keyholder/keyholder.h"
#include "keyprotection/snapshot.h"
#include "keyprotection/usage_count.h"
#include "protector/protector.h"

#define USAGE_WRITE_SECONDS 5
#define USAGE_PREPARE_SECONDS 1 /* between tries to have the key derived */

struct usage; /* thread-safe */

struct usage_options {
    struct store *store;
    struct keyholder *keyholder;
    const struct clock *clock;
    const char *node;
    size_t protectors_max;
};

/* From what the store remembers; when that is unreadable, counting begins anew, which is logged.
 * Errors of store/; keyprotection.record when there is no thread to be had. */
bool usage_new(struct usage **out, const struct usage_options *options, struct error *err);
/* Writes what is not written yet. */
void usage_free(struct usage **usage);

/* Has the keyholder derive the key; the thread tries it, too. Errors of keyholder_derive. */
bool usage_prepare(struct usage *usage, struct error *err);

/* A roll of this protector, from one transport key to the next. It waits for nobody: while there is
 * no key yet it is not counted, and what is known begins later. */
void usage_note(struct usage *usage, const struct keyprotection_snapshot *snapshot,
                const struct protector *protector, struct slice ingress_key,
                struct slice egress_key);
/* The store's changes: counting begins anew when this node's records were removed. */
void usage_apply(struct usage *usage, const struct store_change *changes, size_t count);

/* As usage_count. since: who was rolled after it is counted; full: some had to be forgotten. */
struct usage_totals {
    size_t protectors;
    int64_t since;
    bool full;
};
void usage_report(struct usage *usage, struct usage_certificate *certificates, size_t count,
                  int64_t lately, struct usage_totals *totals);
/* Writes all that is not written. Errors of store/. */
bool usage_write(struct usage *usage, struct error *err);
