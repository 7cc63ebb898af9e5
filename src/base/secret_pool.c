/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNK_SIZE ((size_t)64 * 1024)

/* What stands before each secret. secret_shrink changes the size that its owner knows, so the slot
 * itself remembers where it came from. */
struct slot {
    size_t capacity;   /* bytes behind the header */
    struct slot *next; /* while it is free */
};

static const size_t class_sizes[] = {64, 256, 1024, 4096};
#define CLASS_COUNT (sizeof class_sizes / sizeof class_sizes[0])

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct slot *free_slots[CLASS_COUNT];
static atomic_bool lock_refused;

/* Pages of our own. A refused lock is not fatal: the default limit of a user is small, and a key
 * that may be swapped is better than a program that does not start. */
static void *map_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        fputs("hgs: out of memory\n", stderr);
        abort();
    }
    madvise(pages, size, MADV_DONTDUMP);
    if (mlock(pages, size) != 0)
        atomic_store(&lock_refused, true);
    return pages;
}

/* The class whose slots hold size bytes; CLASS_COUNT when it is larger than all. */
static size_t class_of(size_t size)
{
    size_t class = 0;
    while (class < CLASS_COUNT && class_sizes[class] < size)
        class ++;
    return class;
}

static void refill(size_t class)
{
    size_t step = sizeof(struct slot) + class_sizes[class];
    uint8_t *chunk = map_pages(CHUNK_SIZE);
    for (size_t offset = 0; offset + step <= CHUNK_SIZE; offset += step) {
        struct slot *slot = (struct slot *)(void *)(chunk + offset);
        *slot = (struct slot){class_sizes[class], free_slots[class]};
        free_slots[class] = slot;
    }
}

static size_t large_size(size_t capacity)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (sizeof(struct slot) + capacity + page - 1) / page * page;
}

void *secret_pool_take(size_t size)
{
    size_t class = class_of(size);
    struct slot *slot;
    if (class == CLASS_COUNT) {
        slot = map_pages(large_size(size));
        *slot = (struct slot){size, NULL};
        return slot + 1;
    }
    pthread_mutex_lock(&mutex);
    if (free_slots[class] == NULL)
        refill(class);
    slot = free_slots[class];
    free_slots[class] = slot->next;
    pthread_mutex_unlock(&mutex);
    slot->next = NULL;
    return slot + 1; /* cleared: fresh pages are, and every slot is wiped when it comes back */
}

void secret_pool_give(void *memory)
{
    if (memory == NULL)
        return;
    struct slot *slot = (struct slot *)memory - 1;
    explicit_bzero(memory, slot->capacity);
    size_t class = class_of(slot->capacity);
    if (class == CLASS_COUNT) {
        munmap(slot, large_size(slot->capacity));
        return;
    }
    pthread_mutex_lock(&mutex);
    slot->next = free_slots[class];
    free_slots[class] = slot;
    pthread_mutex_unlock(&mutex);
}

bool secret_pool_locked(void)
{
    return !atomic_load(&lock_refused);
}
