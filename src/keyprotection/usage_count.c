/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/usage_count.h"

/* What is counted for the keys of the table, whose certificates may be several or none. */
struct tally {
    uint64_t types[KEYPROTECTION_ENCRYPTION + 1]; /* the keys of a type that an enabled one has */
    struct usage_figures only[USAGE_KEYS_MAX], also[USAGE_KEYS_MAX];
};

static void add(struct usage_figures *figures, int64_t seen, int64_t lately)
{
    figures->count++;
    figures->lately += seen >= lately;
    if (seen > figures->newest)
        figures->newest = seen;
    if (figures->oldest == 0 || seen < figures->oldest)
        figures->oldest = seen;
}

static void add_entry(struct tally *tally, const struct usage_table *table,
                      const struct usage_entry *entry, int64_t lately)
{
    for (uint64_t rest = entry->keys; rest != 0; rest &= rest - 1) {
        size_t number = (size_t)__builtin_ctzll(rest);
        const struct usage_key *key = usage_table_key(table, number);
        if (key == NULL)
            continue;
        uint64_t others = entry->keys & tally->types[key->type] & ~(UINT64_C(1) << number);
        add(others != 0 ? &tally->also[number] : &tally->only[number], entry->seen, lately);
    }
}

static bool has_enabled_twin(const struct usage_certificate *certificates, size_t count, size_t of)
{
    const struct usage_key *key = &certificates[of].key;
    for (size_t i = 0; i < count; i++)
        if (i != of && certificates[i].enabled && certificates[i].key.type == key->type &&
            memcmp(certificates[i].key.id, key->id, sizeof key->id) == 0)
            return true;
    return false;
}

static void merge(struct usage_figures *into, const struct usage_figures *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->oldest < into->oldest)
        into->oldest = from->oldest;
    if (from->newest > into->newest)
        into->newest = from->newest;
    into->count += from->count;
    into->lately += from->lately;
}

void usage_count(const struct usage_table *table, struct usage_certificate *certificates,
                 size_t count, int64_t lately)
{
    struct tally tally = {0};
    for (size_t i = 0; i < count; i++) {
        int number = usage_table_find_key(table, &certificates[i].key);
        if (number >= 0 && certificates[i].enabled)
            tally.types[certificates[i].key.type] |= UINT64_C(1) << number;
    }
    for (size_t i = 0; i < usage_table_count(table); i++)
        add_entry(&tally, table, usage_table_entry(table, i), lately);
    for (size_t i = 0; i < count; i++) {
        struct usage_certificate *it = &certificates[i];
        int number = usage_table_find_key(table, &it->key);
        it->only = it->also = (struct usage_figures){0};
        if (number < 0)
            continue;
        it->also = tally.also[number];
        /* Another certificate over the same key opens all that this one does. */
        merge(has_enabled_twin(certificates, count, i) ? &it->also : &it->only,
              &tally.only[number]);
    }
}
