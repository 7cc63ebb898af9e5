/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/set.h"

#include "base/map.h"
#include "base/memory.h"
#include "policy/errors.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define PROFILES 2
/* "h/" or "s/", and a name. */
#define SCOPE_KEY_SIZE (POLICY_NAME_SIZE + 2)

/* A hundred hosts may have policies of their own and ten thousand others not: a host's policies are
 * found by who they are for. */
struct list {
    const struct policy **items;
    size_t count, capacity;
};

struct policy_shared {
    atomic_uint references;
    struct policy policy;
};

struct policy_set {
    struct policy_shared **owned; /* a reference to each */
    size_t count, capacity;
    struct list for_all[PROFILES];
    struct map *for_one; /* scope key -> struct list, of either profile */
    struct map *by_name; /* name -> policy, borrowed */
    enum policy_state states[PROFILES][BUILTIN_POLICY_COUNT];
    uint32_t recorded[PROFILES]; /* bit i: built-in i has a record */
};

static void list_add(struct list *list, const struct policy *policy)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 4 : 2 * list->capacity;
        list->items = memory_resize(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = policy;
}

static void list_free(void *value)
{
    struct list *list = value;
    free(list->items);
    free(list);
}

struct policy_shared *policy_shared_new(struct policy *policy)
{
    struct policy_shared *shared = memory_allocate(sizeof *shared);
    atomic_init(&shared->references, 1);
    shared->policy = *policy;
    *policy = (struct policy){.kind = POLICY_BUILTIN}; /* owns nothing now */
    return shared;
}

void policy_shared_release(struct policy_shared **policy)
{
    struct policy_shared *last = memory_steal(policy);
    if (last == NULL || atomic_fetch_sub(&last->references, 1) != 1)
        return;
    policy_done(&last->policy);
    free(last);
}

struct policy_set *policy_set_new(uint32_t functional_level)
{
    struct policy_set *set = memory_allocate_zero(1, sizeof *set);
    set->for_one = map_new(list_free);
    set->by_name = map_new(NULL);
    for (int profile = 0; profile < PROFILES; profile++) {
        size_t count;
        const struct builtin *table = builtin_table((enum eventlog_profile)profile, &count);
        for (size_t i = 0; i < count; i++) {
            bool is_new = table[i].level > functional_level && table[i].state != POLICY_LOCKED;
            set->states[profile][table[i].policy] = is_new ? POLICY_STAGED : table[i].state;
        }
    }
    return set;
}

void policy_set_free(struct policy_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        policy_shared_release(&set->owned[i]);
    free(set->owned);
    for (int profile = 0; profile < PROFILES; profile++)
        free(set->for_all[profile].items);
    map_free(set->for_one);
    map_free(set->by_name);
    free(set);
}

static struct slice scope_key(char text[SCOPE_KEY_SIZE], enum policy_scope scope, const char *name)
{
    snprintf(text, SCOPE_KEY_SIZE, "%c/%s", scope == POLICY_FOR_HOST ? 'h' : 's', name);
    return slice_from_text(text);
}

static struct list *list_for(struct policy_set *set, const struct policy *policy)
{
    char text[SCOPE_KEY_SIZE];
    if (policy->scope == POLICY_FOR_ALL)
        return &set->for_all[policy->profile];
    struct slice key = scope_key(text, policy->scope, policy->scope_name);
    struct list *list = map_get(set->for_one, key);
    if (list == NULL) {
        list = memory_allocate_zero(1, sizeof *list);
        map_put(set->for_one, key, list);
    }
    return list;
}

static bool add_builtin(struct policy_set *set, const struct policy *policy, struct error *err)
{
    const struct builtin *builtin = builtin_find(policy->profile, policy->name);
    if (builtin == NULL)
        return error_set(err, &policy_builtin_unknown, NULL, policy->name,
                         "%s hosts have no such policy", policy_profile_name(policy->profile));
    if (builtin->state == POLICY_LOCKED && policy->state != POLICY_LOCKED)
        return error_set(err, &policy_locked, NULL, policy->name,
                         "its record says that it is %s; it stays locked",
                         policy_state_name(policy->state));
    if (set->recorded[policy->profile] & 1u << builtin->policy)
        return error_set(err, &policy_conflict, NULL, policy->name, "it has two records");
    set->recorded[policy->profile] |= 1u << builtin->policy;
    set->states[policy->profile][builtin->policy] = policy->state;
    return true;
}

static void own(struct policy_set *set, struct policy_shared *policy)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity == 0 ? 16 : 2 * set->capacity;
        set->owned = memory_resize(set->owned, set->capacity, sizeof *set->owned);
    }
    atomic_fetch_add(&policy->references, 1);
    set->owned[set->count++] = policy;
}

bool policy_set_add_shared(struct policy_set *set, struct policy_shared *shared, struct error *err)
{
    const struct policy *policy = &shared->policy;
    if (policy->kind == POLICY_BUILTIN)
        return add_builtin(set, policy, err);
    if (policy_set_find(set, policy->name) != NULL)
        return error_set(err, &policy_conflict, NULL, policy->name, "it is there already");
    own(set, shared);
    list_add(list_for(set, policy), policy);
    map_put(set->by_name, slice_from_text(policy->name), &shared->policy);
    return true;
}

bool policy_set_add(struct policy_set *set, struct policy *policy, struct error *err)
{
    struct policy_shared *shared = policy_shared_new(policy);
    bool added = policy_set_add_shared(set, shared, err);
    if (!added) { /* it is the caller's still */
        *policy = shared->policy;
        shared->policy = (struct policy){.kind = POLICY_BUILTIN};
    }
    policy_shared_release(&shared);
    return added;
}

size_t policy_set_count(const struct policy_set *set)
{
    return set->count;
}

const struct policy *policy_set_at(const struct policy_set *set, size_t index)
{
    return &set->owned[index]->policy;
}

const struct policy *policy_set_find(const struct policy_set *set, const char *name)
{
    return map_get(set->by_name, slice_from_text(name));
}

enum policy_state policy_set_builtin_state(const struct policy_set *set,
                                           enum eventlog_profile profile,
                                           enum builtin_policy policy)
{
    return set->states[profile][policy];
}

static void collect(struct list *out, const struct list *from, enum eventlog_profile profile)
{
    for (size_t i = 0; from != NULL && i < from->count; i++) {
        if (from->items[i]->profile == profile)
            list_add(out, from->items[i]);
    }
}

const struct policy **policy_set_select(const struct policy_set *set,
                                        const struct policy_subject *subject, size_t *count)
{
    char text[SCOPE_KEY_SIZE];
    struct list found = {0};
    collect(&found, &set->for_all[subject->profile], subject->profile);
    collect(&found, map_get(set->for_one, scope_key(text, POLICY_FOR_HOST, subject->host)),
            subject->profile);
    for (size_t i = 0; i < subject->set_count; i++)
        collect(&found, map_get(set->for_one, scope_key(text, POLICY_FOR_SET, subject->sets[i])),
                subject->profile);
    *count = found.count;
    return found.items;
}

bool policy_counts(const struct policy *policy, const struct policy_subject *subject, int64_t now)
{
    return policy->state == POLICY_ENABLED && policy->version == subject->version &&
           (policy->until == 0 || now < policy->until);
}

bool policy_set_has_ends(const struct policy_set *set, const struct policy_subject *subject,
                         int64_t now)
{
    size_t count;
    bool some = false;
    const struct policy **policies = policy_set_select(set, subject, &count);
    for (size_t i = 0; i < count; i++)
        some = some || policies[i]->until > now;
    free(policies);
    return some;
}
