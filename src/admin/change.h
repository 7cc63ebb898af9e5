/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A change to the fabric: written to the audit trail (who, what, before, after), then to the store,
 * then waited for. The order means that nothing ever changes that the trail does not know; when the
 * store refuses afterwards, a record says so.
 */

#include "admin/operation.h"

struct admin_change {
    const char *event;          /* of the audit record: "host.added" */
    const char *object;         /* what was changed: "host n1" */
    struct slice before, after; /* JSON values, or empty */
    const struct store_change *changes;
    size_t count;
    int64_t wait_ms; /* how long to wait until it is enforced; 0: five seconds */
};

/* Does nothing when the request is a dry run. Errors of audit/ and store/, and admin.not-applied.
 */
bool admin_change_commit(const struct admin_request *request, const struct admin_change *change,
                         struct error *err);
/* Only writes the record: for what happens outside the store, as an export. Not in a dry run. */
bool admin_change_record(const struct admin_request *request, const struct admin_change *change,
                         struct error *err);
/* Waits until this node enforces a revision. admin.not-applied. */
bool admin_change_wait(const struct admin_request *request, int64_t revision, const char *object,
                       struct error *err);
