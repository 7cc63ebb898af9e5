/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/refused_pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "process/errors.h"

#define KEY_SIZE 32
#define DIGEST_SIZE 32

/* What is shared. A process that a module has taken over may have written anything into it. */
struct page {
    uint8_t key[KEY_SIZE];
    struct {
        uint8_t digest[DIGEST_SIZE];
        uint8_t used; /* written last, so that a process that dies here leaves no half of one */
    } slots[REFUSED_PINS_MAX];
    uint32_t next;
};

struct refused_pins {
    struct page *page;
    bool made; /* here */
};

static bool fail(struct error *err, int number)
{
    return error_set_errno(err, &process_spawn, number, "token",
                           "no memory can be had for what its processes share");
}

/* Never to be swapped out or dumped; a system that cannot do that keeps it all the same. */
static bool map(struct refused_pins **out, int fd, bool made, struct error *err)
{
    void *page = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return fail(err, errno);
    mlock(page, sizeof(struct page));
    madvise(page, sizeof(struct page), MADV_DONTDUMP);
    *out = memory_allocate_zero(1, sizeof **out);
    (*out)->page = page;
    (*out)->made = made;
    return true;
}

/* Nobody whom it is handed to can make it shorter: whoever looks behind the end dies. */
bool refused_pins_make(struct refused_pins **out, int *fd, struct error *err)
{
    _cleanup_fd_ int memory = memfd_create("refused-pins", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory < 0 || ftruncate(memory, sizeof(struct page)) != 0 ||
        fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return fail(err, errno);
    if (!map(out, memory, true, err))
        return false;
    random_bytes((*out)->page->key, KEY_SIZE);
    *fd = memory;
    memory = -1;
    return true;
}

bool refused_pins_open(struct refused_pins **out, int fd, struct error *err)
{
    _cleanup_fd_ int memory = fd;
    return map(out, memory, false, err);
}

void refused_pins_free(struct refused_pins **pins)
{
    struct refused_pins *list = memory_steal(pins);
    if (list == NULL)
        return;
    if (list->made)
        explicit_bzero(list->page, sizeof *list->page);
    munmap(list->page, sizeof *list->page);
    free(list);
}

/* The slot with this digest; REFUSED_PINS_MAX: none. */
static size_t find(const struct page *page, struct slice digest)
{
    size_t found = REFUSED_PINS_MAX;
    for (size_t i = 0; i < REFUSED_PINS_MAX; i++)
        if (secret_equal(slice_of(page->slots[i].digest, DIGEST_SIZE), digest) &&
            page->slots[i].used != 0)
            found = i;
    return found;
}

static void compute(struct digest *out, const struct page *page, struct slice pin)
{
    digest_hmac(out, DIGEST_SHA256, slice_of(page->key, KEY_SIZE), pin);
}

bool refused_pins_has(const struct refused_pins *list, struct slice pin)
{
    struct digest digest;
    if (list == NULL)
        return false;
    compute(&digest, list->page, pin);
    return find(list->page, digest_slice(&digest)) < REFUSED_PINS_MAX;
}

void refused_pins_add(struct refused_pins *list, struct slice pin)
{
    struct digest digest;
    if (list == NULL)
        return;
    compute(&digest, list->page, pin);
    if (find(list->page, digest_slice(&digest)) < REFUSED_PINS_MAX)
        return;
    size_t slot = list->page->next++ % REFUSED_PINS_MAX;
    list->page->slots[slot].used = 0;
    memcpy(list->page->slots[slot].digest, digest.value, DIGEST_SIZE);
    list->page->slots[slot].used = 1;
}

void refused_pins_remove(struct refused_pins *list, struct slice pin)
{
    struct digest digest;
    if (list == NULL)
        return;
    compute(&digest, list->page, pin);
    size_t slot = find(list->page, digest_slice(&digest));
    if (slot < REFUSED_PINS_MAX)
        list->page->slots[slot].used = 0;
}
