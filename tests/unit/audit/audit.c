/* SPDX-License-Identifier: Apache-2.0 */

/* Appending to a trail: what is taken is on the disk in order, and who waits is told; also of many
 * threads, and when the process is killed. */

#include "told.h"

#include <signal.h>
#include <sys/wait.h>

static void test_line(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    assert_int_equal(audit_sequence(trail->audit), 0);
    assert_true(audit_append_wait(trail->audit, "key.released",
                                  slice_from_text("\"host\":\"n1\",\"x\":{\"seq\":2}"), NULL));
    assert_true(audit_append_wait(trail->audit, "service.started", SLICE_EMPTY, NULL));
    assert_int_equal(audit_sequence(trail->audit), 2);
    assert_true(audit_healthy(trail->audit, NULL));
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    char time[32];
    char *second = trail_line(text, 1);
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    assert_int_equal(sscanf(text, "{\"seq\":1,\"time\":\"%20s\"", time), 1);
    int64_t when = 0;
    assert_true(clock_parse(&when, time, NULL));
    assert_in_range(when, clock_now(&trail->clock) - 60, clock_now(&trail->clock));
    _cleanup_free_ char *expected = memory_format(
        "{\"seq\":1,\"time\":\"%s\",\"event\":\"key.released\",\"host\":\"n1\",\"x\":{"
        "\"seq\":2},\"prev\":\"%s\"}\n",
        time, zeros);
    assert_int_equal(second - text, strlen(expected));
    assert_memory_equal(text, expected, strlen(expected));
    assert_non_null(strstr(second, "\"event\":\"service.started\",\"prev\":\""));
    assert_int_equal(mode_of(folder_at(trail->folder, AUDIT_CURRENT)), 0600);
    assert_int_equal(mode_of(trail->folder), 0700);
}

static void test_bad_records(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    _cleanup_free_ char *large = memory_allocate(AUDIT_RECORD_FIELDS_MAX + 1);
    memset(large, ' ', AUDIT_RECORD_FIELDS_MAX + 1);
    const struct {
        const char *event;
        struct slice fields;
    } bad[] = {
        {"", SLICE_EMPTY},
        {"Key", SLICE_EMPTY},
        {"key\"", SLICE_EMPTY},
        {"key released", SLICE_EMPTY},
        {"a2345678901234567890123456789012345678901234567890123456789012345", SLICE_EMPTY},
        {"key", slice_from_text("\"a\":\"\n\"")},
        {"key", slice_of("\"a\":\0", 5)},
        {"key", slice_of(large, AUDIT_RECORD_FIELDS_MAX + 1)},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};
        assert_false(audit_append_wait(trail->audit, bad[i].event, bad[i].fields, &err));
        assert_ptr_equal(err.code, &audit_record_invalid);
    }
    memcpy(large, "\"a\":", 4);
    assert_true(
        audit_append_wait(trail->audit, "large", slice_of(large, AUDIT_RECORD_FIELDS_MAX), NULL));
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
}

static void test_queue_is_bounded(void **state)
{
    struct trail *trail = *state;
    struct told told = TOLD_INIT;
    struct error err = {0};
    int waiting = 0;
    trail_open(trail);
    hold_writer(trail, &told);
    while (audit_append(trail->audit, "wait", slice_from_text("\"a\":1"), tell, &told, &err))
        waiting++;
    assert_ptr_equal(err.code, &audit_busy);
    assert_in_range(waiting, 65000, 65536);
    assert_true(audit_healthy(trail->audit, NULL));
    release_writer(&told);
    WAIT_UNTIL(told_count(&told) == waiting + 1);
    assert_int_equal(told.failed, 0);
    assert_int_equal(audit_sequence(trail->audit), waiting + 1);
    assert_true(audit_append_wait(trail->audit, "again", SLICE_EMPTY, &err));
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
}

static void test_queue_is_bounded_in_bytes(void **state)
{
    struct trail *trail = *state;
    struct told told = TOLD_INIT;
    struct error err = {0};
    _cleanup_free_ char *large = memory_allocate(AUDIT_RECORD_FIELDS_MAX);
    memset(large, ' ', AUDIT_RECORD_FIELDS_MAX);
    int waiting = 0;
    trail_open(trail);
    hold_writer(trail, &told);
    while (audit_append(trail->audit, "wait", slice_of(large, AUDIT_RECORD_FIELDS_MAX), tell, &told,
                        &err))
        waiting++;
    assert_ptr_equal(err.code, &audit_busy);
    assert_in_range(waiting, 200, 256);
    release_writer(&told);
    audit_stop(&trail->audit);
    assert_int_equal(told.count, waiting + 1);
    assert_int_equal(told.failed, 0);
    trail_assert_whole(trail);
}

struct appender {
    pthread_t thread;
    struct trail *trail;
    int number;
    int failed;
};

static void *append_often(void *argument)
{
    struct appender *appender = argument;
    for (int i = 0; i < 200; i++) {
        char fields[64];
        snprintf(fields, sizeof fields, "\"thread\":%d,\"number\":%d", appender->number, i);
        appender->failed += !audit_append_wait(appender->trail->audit, "test.thread",
                                               slice_from_text(fields), NULL);
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    struct trail *trail = *state;
    struct appender appenders[8] = {0};
    trail->options.checkpoint_every = 50;
    trail->options.rotate_size = 100000;
    trail_open(trail);
    trail_signer(trail);
    for (int i = 0; i < 8; i++) {
        appenders[i].trail = trail;
        appenders[i].number = i;
        assert_int_equal(pthread_create(&appenders[i].thread, NULL, append_often, &appenders[i]),
                         0);
    }
    /* Others look while it is being written. */
    for (int i = 0; i < 5; i++) {
        audit_flush(trail->audit);
        trail_assert_whole(trail);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(appenders[i].thread, NULL);
        assert_int_equal(appenders[i].failed, 0);
    }
    trail_assert_whole(trail);
    audit_stop(&trail->audit);
    struct audit_report report = trail_verify(trail);
    assert_true(report.whole);
    assert_int_equal(report.records, 1600 + report.checkpoints);
    assert_int_equal(report.unsigned_tail, 0);
}

/* Records that nobody waits for are on disk in a moment, and after audit_flush at once. */
static void test_nobody_waits(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    assert_true(audit_append(trail->audit, "test.event", SLICE_EMPTY, NULL, NULL, NULL));
    WAIT_UNTIL(audit_sequence(trail->audit) == 1);
    for (int i = 0; i < 100; i++)
        assert_true(audit_append(trail->audit, "test.event", SLICE_EMPTY, NULL, NULL, NULL));
    audit_flush(trail->audit);
    assert_int_equal(audit_sequence(trail->audit), 101);
    audit_flush(trail->audit);
    assert_true(audit_append(trail->audit, "test.event", SLICE_EMPTY, NULL, NULL, NULL));
    audit_stop(&trail->audit);
    assert_int_equal(trail_verify(trail).records, 102);
}

static void test_reopen(void **state)
{
    struct trail *trail = *state;
    for (int i = 1; i <= 4; i++) {
        trail_open(trail);
        assert_int_equal(audit_sequence(trail->audit), (i - 1) * 3);
        trail_append(trail, 3);
        audit_stop(&trail->audit);
        struct audit_place head = {0};
        assert_true(audit_head_load(&head, trail->store, "node-1", NULL));
        assert_int_equal(head.sequence, 3 * i);
        trail_assert_whole(trail);
    }
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    assert_int_equal(trail_count(text, "audit."), 0); /* nothing was amiss */
}

static void test_one_writer(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    struct audit *other = NULL;
    struct error err = {0};
    assert_false(audit_start(&other, &trail->options, &err));
    assert_ptr_equal(err.code, &audit_unwritable);
    assert_null(other);
}

static void test_not_a_file(void **state)
{
    struct trail *trail = *state;
    struct error err = {0};
    assert_int_equal(mkdir(trail->folder, 0700), 0);
    _cleanup_free_ char *path = trail_path(trail, AUDIT_CURRENT);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(audit_start(&trail->audit, &trail->options, &err));
    assert_ptr_equal(err.code, &audit_unwritable);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_false(audit_start(&trail->audit, &trail->options, &err));
    assert_ptr_equal(err.code, &audit_unwritable);
    trail->options.folder = "/proc/none/audit";
    assert_false(audit_start(&trail->audit, &trail->options, &err));
    assert_int_equal(error_kind(&err), ERROR_IO);
}

/* Appends until it is killed; tells each sequence once it is on disk. */
static void append_until_killed(struct trail *trail, int to)
{
    trail->options.store = NULL;
    trail->options.rotate_size = 5000;
    trail_open(trail);
    for (int i = 0;; i++) {
        char fields[40];
        snprintf(fields, sizeof fields, "\"number\":%d", i);
        if (!audit_append_wait(trail->audit, "test.kill", slice_from_text(fields), NULL) ||
            write(to, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static void test_killed(void **state)
{
    struct trail *trail = *state;
    int reported = -1, ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        append_until_killed(trail, ends[1]);
    close(ends[1]);
    for (int wanted = 40 + getpid() % 60; wanted > 0; wanted--)
        assert_int_equal(read(ends[0], &reported, sizeof reported), sizeof reported);
    kill(child, SIGKILL);
    while (read(ends[0], &reported, sizeof reported) == sizeof reported)
        continue;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    trail_open(trail);
    assert_true(audit_sequence(trail->audit) >= (uint64_t)reported + 1);
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
    assert_true(trail_verify(trail).records >= (uint64_t)reported + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRAIL_TEST(test_line),
        TRAIL_TEST(test_bad_records),
        TRAIL_TEST(test_queue_is_bounded),
        TRAIL_TEST(test_queue_is_bounded_in_bytes),
        TRAIL_TEST(test_many_threads),
        TRAIL_TEST(test_nobody_waits),
        TRAIL_TEST(test_reopen),
        TRAIL_TEST(test_one_writer),
        TRAIL_TEST(test_not_a_file),
        TRAIL_TEST(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
