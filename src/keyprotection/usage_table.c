/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/usage_table.h"

#include "base/memory.h"

#include <stdlib.h>

#define NONE UINT32_MAX /* an entry's number that is none */
#define ENTRIES_LEAST 64
#define LINK 0 /* which of an entry's two links */
#define FORMER 1

struct neighbours {
    uint32_t newer, older; /* by the time when they were seen */
};

struct usage_table {
    int64_t since;
    size_t max;
    struct usage_entry *entries;
    struct neighbours *order;
    size_t count, capacity;
    uint32_t newest, oldest;
    /* Open addressing by the link itself, which is as good as random. 0: free; else 1 + twice the
     * entry's number + which link. */
    uint32_t *slots;
    size_t slot_mask;
    struct usage_key keys[USAGE_KEYS_MAX];
    uint64_t keys_used; /* bits */
    uint8_t *changed;   /* a byte for each page */
    size_t changed_count, changed_next;
};

static size_t page_count(const struct usage_table *table)
{
    return (table->capacity + USAGE_PAGE - 1) / USAGE_PAGE;
}

static uint64_t link_of(const struct usage_table *table, uint32_t slot)
{
    const struct usage_entry *entry = &table->entries[(slot - 1) / 2];
    return (slot - 1) % 2 == FORMER ? entry->former : entry->link;
}

/* Where the link is, or the free place where it would be. */
static size_t place_of(const struct usage_table *table, uint64_t link)
{
    size_t at = link & table->slot_mask;
    while (table->slots[at] != 0 && link_of(table, table->slots[at]) != link)
        at = (at + 1) & table->slot_mask;
    return at;
}

static uint32_t find(const struct usage_table *table, uint64_t link)
{
    uint32_t slot = table->slots[place_of(table, link)];
    return slot == 0 ? NONE : (slot - 1) / 2;
}

static void index_put(struct usage_table *table, uint32_t number, unsigned which)
{
    uint32_t slot = 1 + 2 * number + which;
    uint64_t link = link_of(table, slot);
    if (link != 0)
        table->slots[place_of(table, link)] = slot;
}

/* Those behind it move up, so that no search ends too early at the place that becomes free. */
static void index_remove(struct usage_table *table, uint64_t link)
{
    size_t gap = place_of(table, link), mask = table->slot_mask;
    if (link == 0 || table->slots[gap] == 0)
        return;
    for (size_t at = (gap + 1) & mask; table->slots[at] != 0; at = (at + 1) & mask) {
        size_t home = link_of(table, table->slots[at]) & mask;
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        table->slots[gap] = table->slots[at];
        gap = at;
    }
    table->slots[gap] = 0;
}

/* Room for twice as many links as there are entries, and as much again. */
static void grow(struct usage_table *table)
{
    size_t pages = page_count(table);
    table->capacity = table->capacity > 0 ? 2 * table->capacity : ENTRIES_LEAST;
    table->entries = memory_resize(table->entries, table->capacity, sizeof *table->entries);
    table->order = memory_resize(table->order, table->capacity, sizeof *table->order);
    table->changed = memory_resize(table->changed, page_count(table), 1);
    memset(table->changed + pages, 0, page_count(table) - pages);
    free(table->slots);
    table->slots = memory_allocate_zero(4 * table->capacity, sizeof *table->slots);
    table->slot_mask = 4 * table->capacity - 1;
    for (uint32_t i = 0; i < table->count; i++) {
        index_put(table, i, LINK);
        index_put(table, i, FORMER);
    }
}

struct usage_table *usage_table_new(int64_t since, size_t protectors_max)
{
    struct usage_table *table = memory_allocate_zero(1, sizeof *table);
    table->since = since;
    table->max = protectors_max;
    table->newest = table->oldest = NONE;
    grow(table);
    return table;
}

void usage_table_free(struct usage_table **table_pointer)
{
    struct usage_table *table = memory_steal(table_pointer);
    if (table == NULL)
        return;
    free(table->entries);
    free(table->order);
    free(table->slots);
    free(table->changed);
    free(table);
}

static bool is_used(const struct usage_table *table, size_t number)
{
    return number < USAGE_KEYS_MAX && (table->keys_used >> number & 1) != 0;
}

static bool same_key(const struct usage_key *a, const struct usage_key *b)
{
    return a->type == b->type && memcmp(a->id, b->id, sizeof a->id) == 0;
}

int usage_table_find_key(const struct usage_table *table, const struct usage_key *key)
{
    for (int i = 0; i < USAGE_KEYS_MAX; i++)
        if (is_used(table, (size_t)i) && same_key(&table->keys[i], key))
            return i;
    return -1;
}

bool usage_table_load_key(struct usage_table *table, size_t number, const struct usage_key *key)
{
    if (number >= USAGE_KEYS_MAX || is_used(table, number) || usage_table_find_key(table, key) >= 0)
        return false;
    table->keys[number] = *key;
    table->keys_used |= UINT64_C(1) << number;
    return true;
}

int usage_table_number(struct usage_table *table, const struct usage_key *key)
{
    int number = usage_table_find_key(table, key);
    for (int i = 0; number < 0 && i < USAGE_KEYS_MAX; i++)
        if (usage_table_load_key(table, (size_t)i, key))
            number = i;
    return number;
}

static bool is_among(const struct usage_key *key, const struct usage_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same_key(key, &keys[i]))
            return true;
    return false;
}

void usage_table_keep_keys(struct usage_table *table, const struct usage_key *keys, size_t count)
{
    uint64_t used = table->keys_used;
    for (size_t i = 0; i < USAGE_KEYS_MAX; i++)
        if (is_used(table, i) && !is_among(&table->keys[i], keys, count))
            table->keys_used &= ~(UINT64_C(1) << i);
    for (size_t i = 0; table->keys_used != used && i < table->count; i++) {
        struct usage_entry *entry = &table->entries[i];
        if ((entry->keys & ~table->keys_used) == 0)
            continue;
        entry->keys &= table->keys_used;
        usage_table_put_changed(table, i / USAGE_PAGE);
    }
}

size_t usage_table_key_count(const struct usage_table *table)
{
    return (size_t)__builtin_popcountll(table->keys_used);
}

const struct usage_key *usage_table_key(const struct usage_table *table, size_t number)
{
    return is_used(table, number) ? &table->keys[number] : NULL;
}

static void leave_order(struct usage_table *table, uint32_t number)
{
    struct neighbours it = table->order[number];
    *(it.newer == NONE ? &table->newest : &table->order[it.newer].older) = it.older;
    *(it.older == NONE ? &table->oldest : &table->order[it.older].newer) = it.newer;
}

static void enter_order(struct usage_table *table, uint32_t number)
{
    table->order[number] = (struct neighbours){.newer = NONE, .older = table->newest};
    if (table->newest == NONE)
        table->oldest = number;
    else
        table->order[table->newest].newer = number;
    table->newest = number;
}

static void leave_index(struct usage_table *table, uint32_t number)
{
    index_remove(table, table->entries[number].link);
    index_remove(table, table->entries[number].former);
}

void usage_table_miss(struct usage_table *table, int64_t now)
{
    if (now > table->since)
        table->since = now;
}

/* A number for a new entry: in no order and no index. */
static uint32_t take_number(struct usage_table *table)
{
    if (table->count == table->max) {
        uint32_t oldest = table->oldest;
        usage_table_miss(table, table->entries[oldest].seen);
        leave_index(table, oldest);
        leave_order(table, oldest);
        return oldest;
    }
    if (table->count == table->capacity)
        grow(table);
    /* Not counted before it has its links: the index is made of those that are. */
    table->entries[table->count] = (struct usage_entry){0};
    return (uint32_t)table->count++;
}

void usage_table_note(struct usage_table *table, uint64_t ingress, uint64_t egress, uint64_t keys,
                      uint32_t now)
{
    uint32_t number = find(table, ingress);
    if (number == NONE) {
        number = take_number(table);
    } else {
        leave_index(table, number);
        leave_order(table, number);
    }
    table->entries[number] =
        (struct usage_entry){.link = egress, .former = ingress, .keys = keys, .seen = now};
    index_put(table, number, LINK);
    index_put(table, number, FORMER);
    enter_order(table, number);
    usage_table_put_changed(table, number / USAGE_PAGE);
}

int64_t usage_table_since(const struct usage_table *table)
{
    return table->since;
}

size_t usage_table_count(const struct usage_table *table)
{
    return table->count;
}

const struct usage_entry *usage_table_entry(const struct usage_table *table, size_t index)
{
    return &table->entries[index];
}

bool usage_table_changed(const struct usage_table *table)
{
    return table->changed_count > 0;
}

void usage_table_put_changed(struct usage_table *table, size_t page)
{
    table->changed_count += !table->changed[page];
    table->changed[page] = true;
}

/* In turn, so that a page that changes all the time does not keep others waiting. */
bool usage_table_take_changed(struct usage_table *table, size_t *page)
{
    size_t pages = page_count(table);
    if (table->changed_count == 0)
        return false;
    while (!table->changed[table->changed_next % pages])
        table->changed_next++;
    *page = table->changed_next++ % pages;
    table->changed[*page] = false;
    table->changed_count--;
    return true;
}

bool usage_table_load(struct usage_table *table, const struct usage_entry *entry)
{
    if (entry->link == 0 || table->count == table->max || find(table, entry->link) != NONE ||
        (entry->former != 0 && find(table, entry->former) != NONE))
        return false;
    uint32_t number = take_number(table);
    table->entries[number] = *entry;
    index_put(table, number, LINK);
    index_put(table, number, FORMER);
    return true;
}

/* Times, each with the entry's number, sort as one integer. */
static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void usage_table_loaded(struct usage_table *table)
{
    _cleanup_free_ uint64_t *times = memory_allocate_zero(table->count, sizeof *times);
    for (size_t i = 0; i < table->count; i++)
        times[i] = (uint64_t)table->entries[i].seen << 32 | i;
    qsort(times, table->count, sizeof *times, compare_times);
    for (size_t i = 0; i < table->count; i++)
        enter_order(table, (uint32_t)times[i]);
}
