/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Many changes as few commits, each as full as the store takes and each with its audit record. A
 * commit that fails leaves those before it in force: whoever calls orders the changes so that this
 * does no harm, and can call again.
 */

#include "admin/change.h"

struct admin_batch {
    const struct admin_request *request;
    const char *event, *object; /* of the audit records, which name what is in the commit */
    struct store_change changes[STORE_CHANGES_MAX]; /* keys and values are owned here */
    size_t count, bytes;
};

/* Takes a copy of the change; commits those before it when they fill a commit. As
 * admin_change_commit. */
bool admin_batch_add(struct admin_batch *batch, const struct store_change *change,
                     struct error *err);
/* Commits what is left. */
bool admin_batch_flush(struct admin_batch *batch, struct error *err);
/* Forgets what was not committed. */
void admin_batch_done(struct admin_batch *batch);
#define _cleanup_admin_batch_ __attribute__((cleanup(admin_batch_done)))
