/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How many key protectors need each signing and encryption certificate of the service, and whether
 * one can go: what `certificate usage` shows and `certificate remove` asks about.
 */

#include "admin/certificate_list.h"
#include "admin/operation.h"
#include "keyprotection/usage.h"

#define CERTIFICATE_NEEDS_DAYS 30 /* what counts as lately, unless somebody says otherwise */

struct certificate_needs {
    struct usage_certificate *items; /* in the order of the list; communications ones are empty */
    size_t count;
    struct usage_totals totals;
    int64_t now, lately;
};

/* days: what counts as lately. Freed with certificate_needs_done. */
void certificate_needs_load(struct certificate_needs *out, const struct certificate_list *list,
                            const struct admin_services *services, int64_t days);
void certificate_needs_done(struct certificate_needs *needs);

/*
 * Whether the list's item at index can go, in a word:
 *   primary   it signs, or owners encrypt to it
 *   needed    protectors that came lately need it
 *   counting  that none does was not watched for long enough
 *   idle      protectors need it, but none came lately
 *   unneeded  nothing needs it
 */
const char *certificate_needs_verdict(const struct certificate_needs *needs,
                                      const struct certificate_list *list, size_t index);
/* One certificate as an object of an array. */
void certificate_needs_write(struct json_writer *writer, const struct certificate_needs *needs,
                             const struct certificate_list *list, size_t index);
/* Refuses, with the numbers, when protectors need the item at index: admin.certificate-needed. */
bool certificate_needs_check(const struct certificate_needs *needs,
                             const struct certificate_list *list, size_t index, struct error *err);
