/* SPDX-License-Identifier: Apache-2.0 */

/* Listing a trail, over rotated files and while it grows. */

#include "trail.h"

#include "base/errors.h"

struct listing {
    uint64_t sequences[4096];
    size_t count;
    size_t stop_after; /* 0: never */
    bool fail;
};

static bool collect(void *context, struct slice line, struct error *err)
{
    struct listing *listing = context;
    struct audit_record record;
    assert_true(audit_record_parse(&record, line));
    if (listing->fail)
        return error_set(err, &base_buffer_full, NULL, "list", "as asked");
    listing->sequences[listing->count++] = record.sequence;
    return listing->count != listing->stop_after;
}

static struct listing list(struct trail *trail, struct audit_filter filter)
{
    struct listing listing = {.count = 0};
    struct error err = {.code = &base_buffer_full}; /* an old one is no failure of this list */
    assert_true(audit_list(trail->folder, &filter, collect, &listing, &err));
    return listing;
}

/* The sequences from first to last, in steps. */
static void assert_listed(struct trail *trail, struct audit_filter filter, uint64_t first,
                          uint64_t last, uint64_t step)
{
    struct listing listing = list(trail, filter);
    size_t n = 0;
    for (uint64_t sequence = first; sequence <= last; sequence += step)
        assert_int_equal(listing.sequences[n++], sequence);
    assert_int_equal(listing.count, n);
}

static void assert_nothing(struct trail *trail, struct audit_filter filter)
{
    assert_int_equal(list(trail, filter).count, 0);
}

/* 120 records of three hosts in several files; the last one is of another event. */
static void make(struct trail *trail)
{
    trail->options.rotate_size = 3000;
    trail_open(trail);
    trail_append(trail, 119);
    assert_true(audit_append_wait(trail->audit, "host.added",
                                  slice_from_text("\"inner\":{\"host\":\"n0\"}"), NULL));
}

static void test_all(void **state)
{
    struct trail *trail = *state;
    make(trail);
    assert_listed(trail, (struct audit_filter){0}, 1, 120, 1);
}

static void test_limit(void **state)
{
    struct trail *trail = *state;
    make(trail);
    for (size_t limit = 1; limit < 130; limit++)
        assert_listed(trail, (struct audit_filter){.limit = limit}, limit < 120 ? 121 - limit : 1,
                      120, 1);
}

static void test_after(void **state)
{
    struct trail *trail = *state;
    make(trail);
    for (uint64_t after = 1; after < 120; after++)
        assert_listed(trail, (struct audit_filter){.after = after}, after + 1, 120, 1);
    assert_nothing(trail, (struct audit_filter){.after = 120});
    assert_nothing(trail, (struct audit_filter){.after = 5000});
    assert_listed(trail, (struct audit_filter){.after = 50, .limit = 10}, 111, 120, 1);
    assert_listed(trail, (struct audit_filter){.after = 115, .limit = 10}, 116, 120, 1);
    /* Following: what comes, and nothing twice. */
    trail_append(trail, 4);
    assert_listed(trail, (struct audit_filter){.after = 120}, 121, 124, 1);
}

static void test_host(void **state)
{
    struct trail *trail = *state;
    make(trail);
    assert_listed(trail, (struct audit_filter){.host = "n0"}, 1, 118, 3);
    assert_listed(trail, (struct audit_filter){.host = "n1", .limit = 4}, 110, 119, 3);
    assert_listed(trail, (struct audit_filter){.host = "n2", .after = 60}, 63, 117, 3);
    assert_nothing(trail, (struct audit_filter){.host = "n"});
    assert_nothing(trail, (struct audit_filter){.host = "n1", .event = "host.*"});
}

static void test_event(void **state)
{
    struct trail *trail = *state;
    make(trail);
    assert_listed(trail, (struct audit_filter){.event = "host.added"}, 120, 120, 1);
    assert_listed(trail, (struct audit_filter){.event = "h*"}, 120, 120, 1);
    assert_listed(trail, (struct audit_filter){.event = "test.[de]vent"}, 1, 119, 1);
    assert_listed(trail, (struct audit_filter){.event = "test.*", .limit = 2}, 118, 119, 1);
    assert_nothing(trail, (struct audit_filter){.event = "test"});
}

static void test_time(void **state)
{
    struct trail *trail = *state;
    int64_t now = clock_now(&trail->clock);
    trail->clock.offset = 1000000000 - now;
    trail_open(trail);
    trail_append(trail, 3);
    trail->clock.offset = 1100000000 - now;
    trail_append(trail, 3);
    assert_listed(trail, (struct audit_filter){.since = 1050000000}, 4, 6, 1);
    assert_listed(trail, (struct audit_filter){.until = 1050000000}, 1, 3, 1);
    assert_nothing(trail, (struct audit_filter){.since = 1200000000});
    assert_listed(trail, (struct audit_filter){.until = 1050000000, .limit = 2}, 2, 3, 1);
}

static void test_callback(void **state)
{
    struct trail *trail = *state;
    struct listing stopping = {.stop_after = 5}, failing = {.fail = true};
    struct audit_filter filter = {.after = 100};
    struct error err = {0};
    make(trail);
    assert_true(audit_list(trail->folder, &filter, collect, &stopping, &err));
    assert_int_equal(stopping.count, 5);
    assert_int_equal(stopping.sequences[4], 105);
    assert_false(audit_list(trail->folder, &filter, collect, &failing, &err));
    assert_ptr_equal(err.code, &base_buffer_full);
}

static void test_no_folder(void **state)
{
    struct trail *trail = *state;
    struct listing listing = {.count = 0};
    struct audit_filter filter = {0};
    struct error err = {0};
    assert_false(audit_list(trail->folder, &filter, collect, &listing, &err));
    assert_ptr_equal(err.code, &audit_unreadable);
    trail_open(trail);
    assert_nothing(trail, filter);
    assert_nothing(trail, (struct audit_filter){.limit = 3});
}

/* What is no record is passed over, whatever its size: a line of 2 MiB, zeros, half a line. */
static void test_garbage(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 6);
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, 8 << 20);
    _cleanup_free_ char *garbage = memory_allocate(2 << 20);
    memset(garbage, 'x', 2 << 20);
    size_t half = (size_t)(trail_line(text, 3) - text);
    buf_append_bytes(&bytes, text, half);
    buf_append_bytes(&bytes, garbage, 2 << 20);
    buf_append_text(&bytes, "\n");
    buf_append_bytes(&bytes, "\0\0\0\n\n", 5);
    buf_append_text(&bytes, text + half);
    buf_append_text(&bytes, "{\"seq\":7,");
    trail_write(trail, AUDIT_CURRENT, (const char *)bytes.data, bytes.size);
    assert_listed(trail, (struct audit_filter){0}, 1, 6, 1);
    for (size_t limit = 1; limit < 8; limit++)
        assert_listed(trail, (struct audit_filter){.limit = limit}, limit < 6 ? 7 - limit : 1, 6,
                      1);
    assert_listed(trail, (struct audit_filter){.after = 2}, 3, 6, 1);
}

struct reader_thread {
    struct trail *trail;
    bool stop;
    int wrong;
};

/* Follows as `event list --follow` does. */
static bool check_next(void *context, struct slice line, struct error *err)
{
    (void)err;
    struct audit_record record;
    uint64_t *last = context;
    if (!audit_record_parse(&record, line) || record.sequence != *last + 1)
        return error_set(err, &base_buffer_full, NULL, "follow", "not the next one");
    *last = record.sequence;
    return true;
}

static void *follow(void *argument)
{
    struct reader_thread *reader = argument;
    uint64_t last = 0;
    while (!__atomic_load_n(&reader->stop, __ATOMIC_SEQ_CST)) {
        struct audit_filter filter = {.after = last};
        reader->wrong += !audit_list(reader->trail->folder, &filter, check_next, &last, NULL);
    }
    struct audit_filter filter = {.after = last};
    reader->wrong += !audit_list(reader->trail->folder, &filter, check_next, &last, NULL);
    reader->wrong += last != audit_sequence(reader->trail->audit);
    return NULL;
}

static void test_follow_while_rotating(void **state)
{
    struct trail *trail = *state;
    struct reader_thread reader = {.trail = trail};
    pthread_t thread;
    trail->options.rotate_size = 1000;
    trail_open(trail);
    assert_int_equal(pthread_create(&thread, NULL, follow, &reader), 0);
    trail_append(trail, 400);
    __atomic_store_n(&reader.stop, true, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    assert_int_equal(reader.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRAIL_TEST(test_all),      TRAIL_TEST(test_limit),
        TRAIL_TEST(test_after),    TRAIL_TEST(test_host),
        TRAIL_TEST(test_event),    TRAIL_TEST(test_time),
        TRAIL_TEST(test_callback), TRAIL_TEST(test_no_folder),
        TRAIL_TEST(test_garbage),  TRAIL_TEST(test_follow_while_rotating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
