/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/node_clock.h"

#include <pthread.h>
#include <stdlib.h>

#include "admin/hgsd_errors.h"
#include "base/clock_watch.h"
#include "base/memory.h"

struct node_clock {
    pthread_mutex_t lock;
    const struct clock *clock;
    struct clock_watch watch;
    int64_t record; /* of the trail, at the start */
    int64_t offset;
    int64_t told;         /* the offset that was told last */
    bool looked;          /* at least once */
    int64_t steady;       /* since then, of clock_monotonic_ms */
    struct error problem; /* what was told last; code NULL: nothing, or that all is well */
    int64_t problem_at;
};

struct node_clock *node_clock_new(const struct clock *clock, int64_t record)
{
    struct node_clock *made = memory_allocate_zero(1, sizeof *made);
    int64_t now = clock_now(clock);
    pthread_mutex_init(&made->lock, NULL);
    made->clock = clock;
    made->record = record;
    made->offset = record > now ? now - record : 0;
    made->steady = clock_monotonic_ms();
    clock_watch_init(&made->watch, clock);
    return made;
}

void node_clock_free(struct node_clock **clock)
{
    struct node_clock *gone = memory_steal(clock);
    if (gone == NULL)
        return;
    pthread_mutex_destroy(&gone->lock);
    free(gone);
}

static bool further(int64_t a, int64_t b, int64_t bound)
{
    return a - b > bound || b - a > bound;
}

/* What the first look finds. */
static bool began_behind(struct node_clock *clock, int64_t bound, int64_t *seconds,
                         struct error *what)
{
    char record[CLOCK_TEXT_SIZE], offset[CLOCK_OFFSET_SIZE];
    clock->looked = true;
    *seconds = clock->told = clock->offset;
    if (!further(clock->offset, 0, bound))
        return false;
    error_set(what, &hgsd_clock_back, "hgsd(8)", "clock",
              "it began at %s against the newest record of the audit trail, which is of %s",
              clock_format_offset(clock->offset, offset), clock_format(clock->record, record));
    return true;
}

static bool was_set(struct node_clock *clock, int64_t bound, int64_t *seconds, struct error *what)
{
    char step[CLOCK_OFFSET_SIZE], offset[CLOCK_OFFSET_SIZE];
    *seconds = clock->offset - clock->told;
    if (!further(clock->offset, clock->told, bound))
        return false;
    bool right = !further(clock->offset, 0, bound);
    clock->told = clock->offset;
    clock->steady = clock_monotonic_ms();
    error_set(what, &hgsd_clock_set, "hgsd(8)", "clock", "it was set by %s and is now %s%s",
              clock_format_offset(*seconds, step),
              right ? "as it was at first" : clock_format_offset(clock->offset, offset),
              right ? "" : " against the time that has run since hgsd started");
    return true;
}

bool node_clock_look(struct node_clock *clock, int64_t bound, int64_t *seconds, struct error *what)
{
    pthread_mutex_lock(&clock->lock);
    bool first = !clock->looked;
    bool tells = first && began_behind(clock, bound, seconds, what);
    clock->offset += clock_watch_look(&clock->watch);
    if (!first)
        tells = was_set(clock, bound, seconds, what);
    if (tells) {
        clock->problem = further(clock->offset, 0, bound) ? *what : (struct error){0};
        clock->problem_at = clock_now(clock->clock);
    }
    pthread_mutex_unlock(&clock->lock);
    return tells;
}

int64_t node_clock_offset(struct node_clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    clock->offset += clock_watch_look(&clock->watch);
    int64_t offset = clock->offset;
    pthread_mutex_unlock(&clock->lock);
    return offset;
}

int64_t node_clock_steady_ms(struct node_clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    int64_t steady = clock_monotonic_ms() - clock->steady;
    pthread_mutex_unlock(&clock->lock);
    return steady;
}

void node_clock_write(struct node_clock *clock, struct json_writer *writer, const char *name,
                      int64_t bound, int64_t tolerance)
{
    char at[CLOCK_TEXT_SIZE];
    int64_t offset = node_clock_offset(clock);
    pthread_mutex_lock(&clock->lock);
    json_write_object(writer, name);
    json_write_integer(writer, "offset", offset);
    json_write_integer(writer, "bound", bound);
    json_write_integer(writer, "tolerance", tolerance);
    if (clock->problem.code != NULL) {
        json_write_text(writer, "at", clock_format(clock->problem_at, at));
        json_write_error(writer, "problem", &clock->problem);
    }
    json_write_object_end(writer);
    pthread_mutex_unlock(&clock->lock);
}
