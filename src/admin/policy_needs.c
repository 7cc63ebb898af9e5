/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/policy_needs.h"

#include "admin/errors.h"
#include "tpm/pcr.h"

#include <string.h>

#define PCR_IMAGES 4

/* Whether both can be for one host. */
static bool may_meet(const struct policy *a, const struct policy *b)
{
    return a->profile == b->profile &&
           (a->scope != POLICY_FOR_HOST || b->scope != POLICY_FOR_HOST ||
            strcmp(a->scope_name, b->scope_name) == 0);
}

/* Whether it knows all images of removed, and for all of its hosts. */
static bool stands_in(const struct policy *other, const struct policy *removed)
{
    bool same_hosts =
        other->scope == POLICY_FOR_ALL ||
        (other->scope == removed->scope && strcmp(other->scope_name, removed->scope_name) == 0);
    return other->kind == POLICY_CI && other->profile == removed->profile && same_hosts &&
           strcmp(other->name, removed->name) != 0;
}

static bool is_known_besides(const struct policy_set *set, const struct policy *removed,
                             enum digest_algorithm bank, struct slice digest)
{
    for (size_t i = 0; i < policy_set_count(set); i++) {
        const struct policy *other = policy_set_at(set, i);
        if (stands_in(other, removed) && code_integrity_names_image(&other->ci, bank, digest))
            return true;
    }
    return false;
}

/* Whether the baseline has an image that only removed knows. */
static bool needs(const struct policy *baseline, const struct policy_set *set,
                  const struct policy *removed)
{
    for (uint32_t i = 0; i < baseline->baseline.count; i++) {
        const struct baseline_event *event = &baseline->baseline.events[i];
        if (event->pcr != PCR_IMAGES || event->type != EVENTLOG_EFI_BOOT_SERVICES_APPLICATION)
            continue;
        for (size_t bank = 0; bank < DIGESTS_BANKS; bank++) {
            enum digest_algorithm algorithm = digests_algorithms[bank];
            struct slice digest = baseline_digest(&baseline->baseline, i, algorithm);
            if (digest.size > 0 && code_integrity_names_image(&removed->ci, algorithm, digest) &&
                !is_known_besides(set, removed, algorithm, digest))
                return true;
        }
    }
    return false;
}

bool policy_needs_check(const struct policy_set *set, const struct policy *removed, int64_t now,
                        struct error *err)
{
    for (size_t i = 0; removed->kind == POLICY_CI && i < policy_set_count(set); i++) {
        const struct policy *it = policy_set_at(set, i);
        bool counts = it->kind == POLICY_BASELINE && it->state != POLICY_DISABLED &&
                      (it->until == 0 || now < it->until) && may_meet(it, removed);
        if (counts && needs(it, set, removed))
            return error_set(err, &admin_policy_needed, NULL, removed->name,
                             "the reference host of baseline %s booted its image, so that hosts "
                             "which boot another would fail that baseline without it",
                             it->name);
    }
    return true;
}
