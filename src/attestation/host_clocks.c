/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/host_clocks.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>

#define HOUR_MS (INT64_C(3600) * 1000)
#define TOLD_AN_HOUR 4
#define FARTHEST 8
/* Whatever a Date says: no sum of two overflows. */
#define OFFSET_MAX (INT64_C(1) << 40)

struct entry {
    struct entry *previous, *next; /* of its list, the one that was heard of last first */
    char *host;
    struct attestation_host_clock clock;
    int64_t hour_began; /* of told */
    unsigned told;      /* changes in this hour */
    bool told_off;      /* what was told last; at first that it is right */
};

struct list {
    struct entry *first, *last;
    size_t count;
};

struct attestation_host_clocks {
    pthread_mutex_t lock;
    size_t limit;
    struct map *entries;  /* host -> struct entry */
    struct list lists[2]; /* [is_off] */
};

static void free_entry(void *value)
{
    struct entry *entry = value;
    free(entry->host);
    free(entry);
}

struct attestation_host_clocks *attestation_host_clocks_new(size_t entries)
{
    struct attestation_host_clocks *clocks = memory_allocate_zero(1, sizeof *clocks);
    pthread_mutex_init(&clocks->lock, NULL);
    clocks->limit = entries;
    clocks->entries = map_new(free_entry);
    return clocks;
}

void attestation_host_clocks_free(struct attestation_host_clocks **clocks)
{
    struct attestation_host_clocks *gone = memory_steal(clocks);
    if (gone == NULL)
        return;
    map_free(gone->entries);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
}

static void take_out(struct attestation_host_clocks *clocks, struct entry *entry)
{
    struct list *list = &clocks->lists[entry->clock.is_off];
    *(entry->previous != NULL ? &entry->previous->next : &list->first) = entry->next;
    *(entry->next != NULL ? &entry->next->previous : &list->last) = entry->previous;
    list->count--;
}

static void put_first(struct attestation_host_clocks *clocks, struct entry *entry)
{
    struct list *list = &clocks->lists[entry->clock.is_off];
    entry->previous = NULL;
    entry->next = list->first;
    *(list->first != NULL ? &list->first->previous : &list->last) = entry;
    list->first = entry;
    list->count++;
}

static void forget(struct attestation_host_clocks *clocks, struct entry *entry)
{
    take_out(clocks, entry);
    map_remove(clocks->entries, slice_from_text(entry->host));
}

/* The host's entry, in no list. */
static struct entry *take(struct attestation_host_clocks *clocks, const char *host,
                          int64_t monotonic_ms)
{
    struct entry *entry = map_get(clocks->entries, slice_from_text(host));
    if (entry != NULL) {
        take_out(clocks, entry);
        return entry;
    }
    if (map_count(clocks->entries) >= clocks->limit)
        forget(clocks, clocks->lists[false].last != NULL ? clocks->lists[false].last
                                                         : clocks->lists[true].last);
    entry = memory_allocate_zero(1, sizeof *entry);
    entry->host = memory_copy_text(host);
    entry->hour_began = monotonic_ms;
    map_put(clocks->entries, slice_from_text(host), entry);
    return entry;
}

static bool is_off(int64_t offset, int64_t bound, bool was_off)
{
    int64_t distance = offset < 0 ? -offset : offset;
    return distance > (was_off ? bound - bound / 4 : bound);
}

static bool should_tell(struct entry *entry, int64_t monotonic_ms)
{
    if (monotonic_ms - entry->hour_began >= HOUR_MS) {
        entry->hour_began = monotonic_ms;
        entry->told = 0;
    }
    if (entry->clock.is_off == entry->told_off || entry->told == TOLD_AN_HOUR)
        return false;
    entry->told_off = entry->clock.is_off;
    entry->told++;
    return true;
}

bool attestation_host_clocks_note(struct attestation_host_clocks *clocks, const char *host,
                                  const struct attestation_host_clock *measured, int64_t bound,
                                  int64_t monotonic_ms)
{
    int64_t offset = measured->offset;
    if (offset > OFFSET_MAX)
        offset = OFFSET_MAX;
    if (offset < -OFFSET_MAX)
        offset = -OFFSET_MAX;
    pthread_mutex_lock(&clocks->lock);
    struct entry *entry = take(clocks, host, monotonic_ms);
    entry->clock = (struct attestation_host_clock){
        .offset = offset,
        .time = measured->time,
        .is_off = is_off(offset, bound, entry->clock.is_off),
    };
    put_first(clocks, entry);
    bool tells = should_tell(entry, monotonic_ms);
    pthread_mutex_unlock(&clocks->lock);
    return tells;
}

bool attestation_host_clocks_find(struct attestation_host_clocks *clocks, const char *host,
                                  struct attestation_host_clock *out)
{
    pthread_mutex_lock(&clocks->lock);
    const struct entry *entry = map_get(clocks->entries, slice_from_text(host));
    if (entry != NULL)
        *out = entry->clock;
    pthread_mutex_unlock(&clocks->lock);
    return entry != NULL;
}

size_t attestation_host_clocks_off(struct attestation_host_clocks *clocks)
{
    pthread_mutex_lock(&clocks->lock);
    size_t count = clocks->lists[true].count;
    pthread_mutex_unlock(&clocks->lock);
    return count;
}

void attestation_host_clocks_forget(struct attestation_host_clocks *clocks, const char *host)
{
    pthread_mutex_lock(&clocks->lock);
    struct entry *entry = map_get(clocks->entries, slice_from_text(host));
    if (entry != NULL)
        forget(clocks, entry);
    pthread_mutex_unlock(&clocks->lock);
}

static int64_t distance_of(const struct entry *entry)
{
    return entry->clock.offset < 0 ? -entry->clock.offset : entry->clock.offset;
}

/* Those that are off the most, the most first. Returns how many. */
static size_t find_farthest(const struct entry *found[FARTHEST], const struct list *list)
{
    size_t count = 0;
    for (const struct entry *entry = list->first; entry != NULL; entry = entry->next) {
        size_t at = count < FARTHEST ? count++ : FARTHEST;
        for (; at > 0 && distance_of(found[at - 1]) < distance_of(entry); at--)
            if (at < FARTHEST)
                found[at] = found[at - 1];
        if (at < FARTHEST)
            found[at] = entry;
    }
    return count;
}

void attestation_host_clocks_write(struct attestation_host_clocks *clocks,
                                   struct json_writer *writer, const char *name)
{
    const struct entry *farthest[FARTHEST];
    char time[CLOCK_TEXT_SIZE];
    pthread_mutex_lock(&clocks->lock);
    size_t count = find_farthest(farthest, &clocks->lists[true]);
    json_write_object(writer, name);
    json_write_integer(writer, "measured", (int64_t)map_count(clocks->entries));
    json_write_integer(writer, "off", (int64_t)clocks->lists[true].count);
    json_write_array(writer, "farthest");
    for (size_t i = 0; i < count; i++) {
        json_write_object(writer, NULL);
        json_write_text(writer, "host", farthest[i]->host);
        json_write_integer(writer, "offset", farthest[i]->clock.offset);
        json_write_text(writer, "measured_at", clock_format(farthest[i]->clock.time, time));
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    json_write_object_end(writer);
    pthread_mutex_unlock(&clocks->lock);
}
