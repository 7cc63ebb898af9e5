/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/difference.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "eventlog/variable.h"
#include "tpm/pcr.h"

/* The events of one PCR of one log. */
struct side {
    const struct eventlog *log;
    uint32_t *events; /* indexes, by digest */
    uint32_t count;
    uint32_t left[EVENTLOG_DIFFERENCES_MAX]; /* those that the other side has not, in log order */
    uint32_t left_count;
};

struct comparison {
    struct eventlog_differences *out;
    enum digest_algorithm bank;
    uint32_t pcr;
    struct side now, was;
};

/* Sorting wants to know the log and the bank. */
struct order {
    const struct eventlog *log;
    enum digest_algorithm bank;
};

static int compare_slices(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return a.size < b.size ? -1 : 1;
    return a.size == 0 ? 0 : memcmp(a.data, b.data, a.size);
}

static int compare_events(const void *left, const void *right, void *context)
{
    const struct order *order = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int result = compare_slices(eventlog_event_digest(&order->log->events[a], order->bank),
                                eventlog_event_digest(&order->log->events[b], order->bank));
    return result != 0 ? result : (a > b) - (a < b);
}

static int compare_indexes(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void collect(struct side *side, const struct eventlog *log, const struct comparison *by)
{
    struct order order = {log, by->bank};
    side->log = log;
    side->events = memory_allocate_zero(log->event_count + 1, sizeof *side->events);
    for (uint32_t i = 0; i < log->event_count; i++)
        if (log->events[i].pcr == by->pcr && log->events[i].type != EVENTLOG_NO_ACTION)
            side->events[side->count++] = i;
    qsort_r(side->events, side->count, sizeof *side->events, compare_events, &order);
}

/* Keeps as many as there is room for. */
static void add_left(struct side *side, uint32_t index, struct eventlog_differences *out)
{
    if (side->left_count < EVENTLOG_DIFFERENCES_MAX)
        side->left[side->left_count++] = index;
    else
        out->is_cut = true;
}

static struct slice digest_at(const struct side *side, uint32_t place, enum digest_algorithm bank)
{
    return eventlog_event_digest(&side->log->events[side->events[place]], bank);
}

/* Events that only one side has, counting how often. */
static void subtract(struct comparison *by)
{
    uint32_t i = 0, j = 0;
    while (i < by->now.count || j < by->was.count) {
        int order = i == by->now.count   ? 1
                    : j == by->was.count ? -1
                                         : compare_slices(digest_at(&by->now, i, by->bank),
                                                          digest_at(&by->was, j, by->bank));
        if (order < 0)
            add_left(&by->now, by->now.events[i], by->out);
        if (order > 0)
            add_left(&by->was, by->was.events[j], by->out);
        i += order <= 0;
        j += order >= 0;
    }
    qsort(by->now.left, by->now.left_count, sizeof(uint32_t), compare_indexes);
    qsort(by->was.left, by->was.left_count, sizeof(uint32_t), compare_indexes);
}

/* Two sides with the same events. */
static bool is_reordered(struct comparison *by)
{
    qsort(by->now.events, by->now.count, sizeof(uint32_t), compare_indexes);
    qsort(by->was.events, by->was.count, sizeof(uint32_t), compare_indexes);
    for (uint32_t i = 0; i < by->now.count; i++)
        if (!slice_equal(digest_at(&by->now, i, by->bank), digest_at(&by->was, i, by->bank)))
            return true;
    return false;
}

/* Whether one replaced the other: the same type, and of variables the same one. */
static bool is_about_the_same(const struct eventlog_event *a, const struct eventlog_event *b)
{
    struct uefi_variable of_a, of_b;
    if (a->type != b->type)
        return false;
    bool is_a = uefi_variable_parse(&of_a, a->data);
    bool is_b = uefi_variable_parse(&of_b, b->data);
    if (!is_a || !is_b)
        return is_a == is_b;
    return memcmp(&of_a.vendor, &of_b.vendor, sizeof of_a.vendor) == 0 &&
           slice_equal(of_a.name, of_b.name);
}

/* Where b differs from a, from a word's beginning on: of "Secure Boot on", "on". */
static const char *find_other_end(const char *a, const char *b)
{
    size_t same = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == ' ')
            same = i + 1;
    return b + same;
}

static struct eventlog_difference *add(struct comparison *by, uint32_t now, uint32_t was)
{
    struct eventlog_differences *out = by->out;
    if (out->count == EVENTLOG_DIFFERENCES_MAX) {
        out->is_cut = true;
        return NULL;
    }
    if ((out->count & (out->count - 1)) == 0)
        out->list =
            memory_resize(out->list, out->count == 0 ? 1 : 2 * out->count, sizeof *out->list);
    struct eventlog_difference *difference = &out->list[out->count++];
    *difference = (struct eventlog_difference){.pcr = by->pcr, .now = now, .was = was};
    return difference;
}

static void add_pair(struct comparison *by, uint32_t now, uint32_t was)
{
    char now_words[EVENTLOG_WORDS_SIZE] = "", was_words[EVENTLOG_WORDS_SIZE] = "";
    struct eventlog_difference *difference = add(by, now, was);
    if (difference == NULL)
        return;
    if (now != EVENTLOG_NO_EVENT)
        eventlog_words(now_words, by->now.log, now, by->bank);
    if (was != EVENTLOG_NO_EVENT)
        eventlog_words(was_words, by->was.log, was, by->bank);
    if (was == EVENTLOG_NO_EVENT)
        snprintf(difference->text, sizeof difference->text, "new: %s", now_words);
    else if (now == EVENTLOG_NO_EVENT)
        snprintf(difference->text, sizeof difference->text, "gone: %s", was_words);
    else
        snprintf(difference->text, sizeof difference->text, "%s; was %s", now_words,
                 find_other_end(now_words, was_words));
}

/* Pairs what replaced something, in the order of the new log; then what is gone. */
static void pair(struct comparison *by)
{
    bool is_taken[EVENTLOG_DIFFERENCES_MAX] = {false};
    for (uint32_t i = 0; i < by->now.left_count; i++) {
        uint32_t j = 0;
        const struct eventlog_event *event = &by->now.log->events[by->now.left[i]];
        while (j < by->was.left_count &&
               (is_taken[j] || !is_about_the_same(event, &by->was.log->events[by->was.left[j]])))
            j++;
        bool has_pair = j < by->was.left_count;
        if (has_pair)
            is_taken[j] = true;
        add_pair(by, by->now.left[i], has_pair ? by->was.left[j] : EVENTLOG_NO_EVENT);
    }
    for (uint32_t j = 0; j < by->was.left_count; j++)
        if (!is_taken[j])
            add_pair(by, EVENTLOG_NO_EVENT, by->was.left[j]);
}

static void compare_pcr(struct comparison *by, const struct eventlog *now,
                        const struct eventlog *was)
{
    collect(&by->now, now, by);
    collect(&by->was, was, by);
    subtract(by);
    if (by->now.left_count + by->was.left_count > 0) {
        by->out->pcrs |= 1u << by->pcr;
        pair(by);
    } else if (is_reordered(by)) {
        by->out->pcrs |= 1u << by->pcr;
        struct eventlog_difference *difference = add(by, EVENTLOG_NO_EVENT, EVENTLOG_NO_EVENT);
        if (difference != NULL)
            snprintf(difference->text, sizeof difference->text, "the same events in another order");
    }
    free(by->now.events);
    free(by->was.events);
}

void eventlog_compare(struct eventlog_differences *out, const struct eventlog *now,
                      const struct eventlog *was, enum digest_algorithm algorithm, uint32_t pcrs)
{
    *out = (struct eventlog_differences){0};
    for (uint32_t pcr = 0; pcr < TPM_PCR_COUNT; pcr++) {
        if ((pcrs & 1u << pcr) == 0)
            continue;
        struct comparison by = {.out = out, .bank = algorithm, .pcr = pcr};
        compare_pcr(&by, now, was);
    }
}

void eventlog_differences_done(struct eventlog_differences *differences)
{
    if (differences == NULL)
        return;
    free(differences->list);
    *differences = (struct eventlog_differences){0};
}
