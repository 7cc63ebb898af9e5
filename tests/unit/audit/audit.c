/* SPDX-License-Identifier: Apache-2.0 */

/* Writing a trail: what waits is written in order and told to its waiters; and what happens when
 * that fails, or when the process ends in the middle. */

#include "trail.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

/* Waits for something that another thread brings about; a test fails that waits in vain. */
#define WAIT_UNTIL(condition)                                                \
    do {                                                                     \
        int64_t end_ = clock_monotonic_ms() + 60000;                         \
        while (!(condition)) {                                               \
            assert_true(clock_monotonic_ms() < end_);                        \
            nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL); \
        }                                                                    \
    } while (0)

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
    struct stat status;
    _cleanup_free_ char *path = trail_path(trail, AUDIT_CURRENT);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(trail->folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
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

/* What completions saw. */
struct told {
    int count;
    int failed;
    struct error err;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool hold; /* the audit thread is to wait in the next completion */
    bool held; /* it does */
};

static void tell(void *context, bool ok, const struct error *err)
{
    struct told *told = context;
    pthread_mutex_lock(&told->mutex);
    told->count++;
    told->failed += !ok;
    if (!ok)
        told->err = *err;
    told->held = told->hold;
    pthread_cond_broadcast(&told->changed);
    while (told->hold)
        pthread_cond_wait(&told->changed, &told->mutex);
    pthread_mutex_unlock(&told->mutex);
}

static int told_count(struct told *told)
{
    pthread_mutex_lock(&told->mutex);
    int count = told->count;
    pthread_mutex_unlock(&told->mutex);
    return count;
}

#define TOLD_INIT                                                               \
    {                                                                           \
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
    }

/* Holds the audit thread in a completion. */
static void hold_writer(struct trail *trail, struct told *told)
{
    told->hold = true;
    assert_true(audit_append(trail->audit, "hold", SLICE_EMPTY, tell, told, NULL));
    pthread_mutex_lock(&told->mutex);
    while (!told->held)
        pthread_cond_wait(&told->changed, &told->mutex);
    pthread_mutex_unlock(&told->mutex);
}

static void release_writer(struct told *told)
{
    pthread_mutex_lock(&told->mutex);
    told->hold = false;
    pthread_cond_broadcast(&told->changed);
    pthread_mutex_unlock(&told->mutex);
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

/* A crash in the middle of a write leaves a line without its end. */
static void test_cut_line_is_repaired(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 3);
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    _cleanup_free_ char *cut = memory_format("%s{\"seq\":4,\"time\":\"2026-", text);
    trail_write(trail, AUDIT_CURRENT, cut, strlen(cut));
    trail_assert_problem(trail, &audit_cut, "record 4");
    trail_open(trail);
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
    _cleanup_free_ char *repaired = trail_read(trail, AUDIT_CURRENT);
    assert_memory_equal(repaired, text, strlen(text));
    char *line = trail_line(repaired, 3);
    assert_non_null(strstr(line, "\"event\":\"audit.repaired\",\"cut_bytes\":22,"));
    assert_int_equal(trail_count(repaired, "\n"), 5);
}

/* Whole lines that never counted: behind what the head in the store knows. */
static void test_garbage_behind_the_head_is_repaired(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 3);
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    size_t size = strlen(text);
    _cleanup_free_ char *more = memory_format("%s%s", text, text);
    memset(more + size, 0, 30);
    trail_write(trail, AUDIT_CURRENT, more, 2 * size);
    trail_open(trail);
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
    _cleanup_free_ char *repaired = trail_read(trail, AUDIT_CURRENT);
    assert_int_equal(trail_count(repaired, "audit.repaired"), 1);
}

/* Records that the store remembers are gone: the trail goes on, and can never look whole again. */
static void test_lost_tail_is_never_whole_again(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 6);
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    trail_write(trail, AUDIT_CURRENT, text, (size_t)(trail_line(text, 4) - text));
    trail_open(trail);
    trail_assert_damaged(trail, "ends with record 4; 6 were written");
    trail_assert_problem(trail, &audit_cut, "record 4");
    trail_acknowledge(trail);
    trail_append(trail, 2);
    assert_int_equal(audit_sequence(trail->audit), 9);
    audit_stop(&trail->audit);
    trail_assert_problem(trail, &audit_missing, "record 5");
    _cleanup_free_ char *after = trail_read(trail, AUDIT_CURRENT);
    assert_non_null(strstr(after, "\"seq\":7,"));
    assert_non_null(strstr(after, "\"event\":\"audit.damaged\",\"lost\":1,"));
    assert_non_null(strstr(after, "\"damage\":\"cut\",\"known\":6,"));
    assert_non_null(strstr(after, "\"found\":4,\"user\":\"root\",\"prev\""));
    assert_true(trail_verify_from(trail, 7).whole);
    assert_false(trail_verify_from(trail, 4).whole);
    /* The same when all is gone. */
    _cleanup_free_ char *command = memory_format("rm -r %s", trail->folder);
    assert_int_equal(system(command), 0);
    trail_open(trail);
    trail_assert_damaged(trail, "ends with record 0; 9 were written");
    trail_acknowledge(trail);
    audit_stop(&trail->audit);
    trail_assert_problem(trail, &audit_missing, "record 9");
}

static void test_changed_while_away(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 6);
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    /* The last record: the file looks well, but the store remembers another one. */
    char *number = strstr(trail_line(text, 5), "\"number\":5") + 9;
    *number = '7';
    trail_write(trail, AUDIT_CURRENT, text, strlen(text));
    trail_open(trail);
    trail_assert_damaged(trail, "record 6 is not the one that was written");
    trail_assert_problem(trail, &audit_altered, "record 6");
    trail_acknowledge(trail);
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    trail_assert_problem(trail, &audit_altered, "record 6");
    _cleanup_free_ char *after = trail_read(trail, AUDIT_CURRENT);
    assert_int_equal(trail_count(after, "audit.damaged"), 1);
}

static void test_damaged_middle_is_kept(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 6);
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    strstr(trail_line(text, 2), "test.event")[0] = 'r';
    trail_write(trail, AUDIT_CURRENT, text, strlen(text));
    for (int i = 0; i < 2; i++) { /* as often as it is started */
        trail_open(trail);
        trail_assert_damaged(trail, "breaks behind record 3 of 6");
        trail_assert_problem(trail, &audit_altered, "record 3");
        audit_stop(&trail->audit);
        _cleanup_free_ char *left = trail_read(trail, AUDIT_CURRENT);
        assert_string_equal(left, text);
    }
    trail_open(trail);
    trail_acknowledge(trail);
    trail_append(trail, 2);
    assert_int_equal(audit_sequence(trail->audit), 9);
    audit_stop(&trail->audit);
    _cleanup_free_ char *kept = trail_read(trail, "audit-00000000000000000001.log");
    assert_string_equal(kept, text);
    trail_assert_problem(trail, &audit_altered, "record 3");
    /* Opening it again adds no further complaint. */
    trail_open(trail);
    audit_stop(&trail->audit);
    _cleanup_free_ char *after = trail_read(trail, AUDIT_CURRENT);
    assert_int_equal(trail_count(after, "audit.damaged"), 1);
}

/* An older copy of audit.log beside files that were closed since. */
static void test_older_copy(void **state)
{
    struct trail *trail = *state;
    struct error err = {0};
    trail->options.rotate_size = 700;
    trail_open(trail);
    trail_append(trail, 2);
    _cleanup_free_ char *old = trail_read(trail, AUDIT_CURRENT);
    trail_append(trail, 10);
    audit_stop(&trail->audit);
    _cleanup_free_ char *right = trail_read(trail, AUDIT_CURRENT);
    trail_write(trail, AUDIT_CURRENT, old, strlen(old));
    trail_open(trail);
    trail_assert_damaged(trail, "begins with record 1 and does not follow");
    /* It is left as it is, and goes when the right one is back. */
    _cleanup_free_ char *left = trail_read(trail, AUDIT_CURRENT);
    assert_string_equal(left, old);
    trail_write(trail, AUDIT_CURRENT, right, strlen(right));
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    trail_append(trail, 1);
    trail_assert_whole(trail);
    assert_false(audit_acknowledge(trail->audit, slice_from_text("\"user\":\"x\""), &err));
    assert_ptr_equal(err.code, &audit_undamaged);
    audit_stop(&trail->audit);
    /* Or it is accepted, and kept under a name that is not taken. */
    trail_write(trail, AUDIT_CURRENT, old, strlen(old));
    trail_open(trail);
    trail_acknowledge(trail);
    trail_append(trail, 10);
    audit_stop(&trail->audit);
    _cleanup_free_ char *kept = trail_read(trail, "audit-00000000000000000001.kept-1.log");
    assert_string_equal(kept, old);
    trail_assert_problem(trail, &audit_missing, "record");
}

/* A trail of another's making that begins right behind the head: nothing leads up to it. */
static void test_forged_beginning(void **state)
{
    struct trail *trail = *state;
    struct audit_place head;
    char time[CLOCK_TEXT_SIZE];
    _cleanup_buf_ struct buf line;
    buf_init(&line, 4096);
    trail_open(trail);
    trail_append(trail, 6);
    audit_stop(&trail->audit);
    assert_true(audit_head_load(&head, trail->store, "node-1", NULL));
    audit_record_append(&line, &head, clock_format(0, time), slice_from_text("audit.damaged"),
                        slice_from_text("\"known\":6"));
    trail_write(trail, AUDIT_CURRENT, buf_text(&line), line.size);
    trail_open(trail);
    trail_assert_damaged(trail, "begins with record 7");
    audit_stop(&trail->audit);
}

static void test_crash_during_rotation(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 4);
    audit_stop(&trail->audit);
    _cleanup_free_ char *from = trail_path(trail, AUDIT_CURRENT);
    _cleanup_free_ char *to = trail_path(trail, "audit-00000000000000000001.log");
    assert_int_equal(rename(from, to), 0);
    trail_assert_whole(trail);
    trail_open(trail);
    assert_int_equal(audit_sequence(trail->audit), 4);
    trail_append(trail, 2);
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
    /* And with the new file made, but empty. */
    _cleanup_free_ char *next = trail_path(trail, "audit-00000000000000000005.log");
    assert_int_equal(rename(from, next), 0);
    trail_write(trail, AUDIT_CURRENT, "", 0);
    trail_assert_whole(trail);
    trail_open(trail);
    trail_append(trail, 1);
    assert_int_equal(audit_sequence(trail->audit), 7);
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
}

static void test_rotation(void **state)
{
    struct trail *trail = *state;
    trail->options.rotate_size = 1500;
    trail_open(trail);
    trail_signer(trail);
    trail_append(trail, 50);
    audit_stop(&trail->audit);
    _cleanup_audit_folder_ struct audit_folder folder = {.fd = -1, .current = -1};
    assert_true(audit_folder_open(&folder, trail->folder, NULL));
    assert_true(folder.rotated_count > 4);
    for (size_t i = 0; i < folder.rotated_count; i++) {
        char name[AUDIT_NAME_SIZE], first[40];
        audit_folder_name(name, folder.rotated[i]);
        _cleanup_free_ char *text = trail_read(trail, name);
        assert_in_range(strlen(text), 1000, 1500);
        snprintf(first, sizeof first, "{\"seq\":%llu,", (unsigned long long)folder.rotated[i]);
        assert_memory_equal(text, first, strlen(first));
    }
    /* Every rotation asked for a checkpoint, long before 1000 records. */
    struct audit_report report = trail_verify(trail);
    assert_true(report.whole);
    assert_true(report.checkpoints > 2);
}

static void test_retention(void **state)
{
    struct trail *trail = *state;
    trail->options.rotate_size = 1500;
    trail->options.retain_files = 2;
    trail_open(trail);
    trail_append(trail, 60);
    audit_stop(&trail->audit);
    struct audit_folder folder;
    assert_true(audit_folder_open(&folder, trail->folder, NULL));
    assert_int_equal(folder.rotated_count, 2);
    audit_folder_done(&folder);
    trail_assert_whole(trail);
    /* A crash between the record and the removal leaves a file more. */
    trail->options.retain_files = 0;
    trail_open(trail);
    trail_append(trail, 30);
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
    assert_true(audit_folder_open(&folder, trail->folder, NULL));
    assert_true(folder.rotated_count > 2);
    audit_folder_done(&folder);
}

static void limit_file_size(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As on a full disk: writes fail after some bytes, until there is room again. */
static void test_disk_full(void **state)
{
    struct trail *trail = *state;
    struct told told = TOLD_INIT;
    struct error err = {0};
    char fields[600] = "\"a\":\"";
    memset(fields + 5, 'x', 590);
    strcpy(fields + 595, "\"");
    signal(SIGXFSZ, SIG_IGN);
    trail->options.store = NULL; /* its writes would fail as well, which is another test */
    trail_open(trail);
    trail_append(trail, 5);
    limit_file_size(10000);
    int appended = 0;
    while (appended < 1000 &&
           audit_append_wait(trail->audit, "fill", slice_from_text(fields), &err))
        appended++;
    struct error first = err, reason = {0};
    bool healthy = audit_healthy(trail->audit, &reason);
    bool refused = !audit_append(trail->audit, "more", SLICE_EMPTY, tell, &told, &err);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    limit_file_size(RLIM_INFINITY);
    assert_ptr_equal(first.code, &audit_unwritable);
    assert_true(appended > 2 && appended < 20);
    assert_false(healthy);
    assert_ptr_equal(reason.code, &audit_unwritable);
    assert_true(refused);
    assert_ptr_equal(err.code, &audit_unwritable);
    assert_int_equal(told.count, 0);
    /* Nothing of the line that did not fit is left. */
    assert_int_equal(trail_count(text, "\n"), 5 + appended);
    assert_int_equal(text[strlen(text) - 1], '\n');
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    struct audit_report report = {0};
    assert_true(audit_verify(trail->folder, NULL, &(struct audit_known){0}, &report, NULL));
    assert_true(report.whole);
    assert_int_equal(report.records, 5 + appended + 2);
    _cleanup_free_ char *after = trail_read(trail, AUDIT_CURRENT);
    assert_non_null(strstr(after, "\"event\":\"audit.recovered\",\"lost\":2,"));
}

/* All that wait when the disk is full are told. */
static void test_disk_full_tells_everybody(void **state)
{
    struct trail *trail = *state;
    struct told hold = TOLD_INIT, told = TOLD_INIT;
    signal(SIGXFSZ, SIG_IGN);
    trail->options.store = NULL;
    trail_open(trail);
    hold_writer(trail, &hold);
    for (int i = 0; i < 5000; i++)
        assert_true(
            audit_append(trail->audit, "wait", slice_from_text("\"a\":1"), tell, &told, NULL));
    limit_file_size(4096);
    release_writer(&hold);
    WAIT_UNTIL(told_count(&told) == 5000);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(told.failed, 5000);
    assert_ptr_equal(told.err.code, &audit_unwritable);
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    audit_stop(&trail->audit);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    assert_int_equal(trail_count(text, "\n"), 2); /* hold, audit.recovered */
}

static void test_closed_while_unwritable(void **state)
{
    struct trail *trail = *state;
    signal(SIGXFSZ, SIG_IGN);
    trail_open(trail);
    trail_signer(trail);
    trail_append(trail, 3);
    limit_file_size(700);
    while (audit_append_wait(trail->audit, "fill", SLICE_EMPTY, NULL))
        continue;
    audit_stop(&trail->audit);
    limit_file_size(RLIM_INFINITY);
    struct audit_report report = {0};
    assert_true(audit_verify(trail->folder, NULL, &(struct audit_known){0}, &report, NULL));
    assert_true(report.whole);
}

static bool damage_is_known(struct trail *trail)
{
    struct error err = {0};
    return !audit_healthy(trail->audit, &err) && err.code == &audit_damaged;
}

static void lose_one(struct trail *trail)
{
    struct error err = {0};
    assert_false(audit_append_wait(trail->audit, "lost", SLICE_EMPTY, &err));
    assert_ptr_equal(err.code, &audit_unwritable);
}

static void accept_after(struct trail *trail)
{
    lose_one(trail);
    WAIT_UNTIL(damage_is_known(trail));
    trail_acknowledge(trail);
    trail_append(trail, 2);
}

struct troubles {
    pthread_mutex_t mutex;
    const struct error_code *codes[8];
    int count;
};

static void note_trouble(void *context, const struct error *err)
{
    struct troubles *troubles = context;
    pthread_mutex_lock(&troubles->mutex);
    if (troubles->count < 8)
        troubles->codes[troubles->count] = err != NULL ? err->code : NULL;
    troubles->count++;
    pthread_mutex_unlock(&troubles->mutex);
}

/* Once for each change, however often it is tried meanwhile. */
static void test_trouble_is_told(void **state)
{
    struct trail *trail = *state;
    struct troubles troubles = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    signal(SIGXFSZ, SIG_IGN);
    trail->options.trouble = note_trouble;
    trail->options.context = &troubles;
    trail_open(trail);
    trail_append(trail, 4);
    limit_file_size(1);
    lose_one(trail);
    limit_file_size(RLIM_INFINITY);
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    _cleanup_free_ char *path = trail_path(trail, AUDIT_CURRENT);
    assert_int_equal(truncate(path, 0), 0);
    accept_after(trail);
    audit_stop(&trail->audit);
    assert_int_equal(troubles.count, 5);
    assert_ptr_equal(troubles.codes[0], &audit_unwritable);
    assert_null(troubles.codes[1]);
    assert_ptr_equal(troubles.codes[2], &audit_unwritable);
    assert_ptr_equal(troubles.codes[3], &audit_damaged);
    assert_null(troubles.codes[4]);
}

/* A file is full, and the name that it should be closed under is taken: nothing goes into it. */
static void test_full_file_of_a_taken_name(void **state)
{
    struct trail *trail = *state;
    trail->options.rotate_size = 700;
    trail_open(trail);
    trail_append(trail, 2);
    trail_write(trail, "audit-00000000000000000001.log", "", 0);
    while (audit_append_wait(trail->audit, "fill", SLICE_EMPTY, NULL))
        continue;
    uint64_t before = audit_sequence(trail->audit);
    for (int i = 0; i < 2; i++) /* some time of the writer's passes */
        lose_one(trail);
    _cleanup_free_ char *path = trail_path(trail, "audit-00000000000000000001.log");
    assert_int_equal(unlink(path), 0);
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    assert_int_equal(audit_sequence(trail->audit), before + 1);
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
}

/* Somebody takes the file from under the service, or empties it: that stays visible. */
static void test_file_taken_away(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 4);
    _cleanup_free_ char *path = trail_path(trail, AUDIT_CURRENT);
    assert_int_equal(unlink(path), 0);
    accept_after(trail);
    assert_int_equal(truncate(path, 0), 0);
    accept_after(trail);
    audit_stop(&trail->audit);
    trail_assert_problem(trail, &audit_missing, "record");
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    assert_int_equal(trail_count(text, "audit.damaged"), 1);
    assert_non_null(strstr(text, "{\"seq\":8,"));
}

static void test_file_written_by_others(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 4);
    _cleanup_free_ char *path = trail_path(trail, AUDIT_CURRENT);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "hello\n", 6), 6);
    close(fd);
    lose_one(trail);
    WAIT_UNTIL(audit_healthy(trail->audit, NULL));
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    assert_null(strstr(text, "hello"));
    assert_non_null(strstr(text, "\"cut_bytes\":6,"));
}

static void test_checkpoints(void **state)
{
    struct trail *trail = *state;
    trail->options.checkpoint_every = 10;
    trail_open(trail);
    trail_append(trail, 15);
    assert_int_equal(trail->signatures, 0);
    trail_signer(trail);
    WAIT_UNTIL(audit_sequence(trail->audit) == 16); /* at once: 15 are not covered */
    trail_append(trail, 9);
    assert_int_equal(audit_sequence(trail->audit), 25);
    trail_append(trail, 1);
    WAIT_UNTIL(audit_sequence(trail->audit) == 27);
    audit_stop(&trail->audit);
    /* Nothing is left to cover at the end. */
    struct audit_report report = trail_verify(trail);
    assert_true(report.whole);
    assert_int_equal(report.checkpoints, 2);
    assert_int_equal(report.records, 27);
    assert_int_equal(report.unsigned_tail, 0);
    /* What a session left without is covered by the next one. */
    trail_open(trail);
    trail_append(trail, 1);
    audit_stop(&trail->audit);
    assert_int_equal(trail_verify(trail).unsigned_tail, 1);
    trail_open(trail);
    trail_signer(trail);
    audit_stop(&trail->audit);
    assert_int_equal(trail_verify(trail).unsigned_tail, 0);
    assert_int_equal(trail_verify(trail).records, 29);
}

static void test_signer_away(void **state)
{
    struct trail *trail = *state;
    trail->options.checkpoint_every = 2;
    trail->away = true;
    trail_open(trail);
    trail_signer(trail);
    trail_append(trail, 10);
    WAIT_UNTIL(__atomic_load_n(&trail->signatures, __ATOMIC_SEQ_CST) >= 1);
    assert_int_equal(audit_sequence(trail->audit), 10);
    assert_true(audit_healthy(trail->audit, NULL));
    __atomic_store_n(&trail->away, false, __ATOMIC_SEQ_CST);
    WAIT_UNTIL(audit_sequence(trail->audit) == 11); /* it is asked again by itself */
    audit_stop(&trail->audit);
    assert_int_equal(trail_verify(trail).checkpoints, 1);
    assert_int_equal(trail_verify(trail).unsigned_tail, 0);
}

/* A signer that takes as long as the test wants. */
struct slow {
    struct trail *trail;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool asked, go_on;
};

static bool sign_slowly(void *context, const uint8_t key_id[KEY_ID_SIZE], uint64_t sequence,
                        const uint8_t head[AUDIT_HASH_SIZE], int64_t time, struct buf *out,
                        struct error *err)
{
    struct slow *slow = context;
    pthread_mutex_lock(&slow->mutex);
    slow->asked = true;
    pthread_cond_broadcast(&slow->changed);
    while (!slow->go_on)
        pthread_cond_wait(&slow->changed, &slow->mutex);
    pthread_mutex_unlock(&slow->mutex);
    return trail_sign(slow->trail, key_id, sequence, head, time, out, err);
}

static void test_slow_signer_holds_nobody_up(void **state)
{
    struct trail *trail = *state;
    struct slow slow = {
        .trail = trail, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct audit_checkpoint_signer signer = {.sign = sign_slowly, .context = &slow};
    memcpy(signer.key_id, public_key_digest(private_key_public(trail->key)), KEY_ID_SIZE);
    trail->options.checkpoint_every = 5;
    trail_open(trail);
    audit_set_checkpoint_signer(trail->audit, &signer);
    trail_append(trail, 5);
    pthread_mutex_lock(&slow.mutex);
    while (!slow.asked)
        pthread_cond_wait(&slow.changed, &slow.mutex);
    pthread_mutex_unlock(&slow.mutex);
    trail_append(trail, 100);
    assert_int_equal(audit_sequence(trail->audit), 105);
    audit_set_checkpoint_signer(trail->audit, &signer); /* does not wait either */
    pthread_mutex_lock(&slow.mutex);
    slow.go_on = true;
    pthread_cond_broadcast(&slow.changed);
    pthread_mutex_unlock(&slow.mutex);
    WAIT_UNTIL(audit_sequence(trail->audit) >= 107); /* the late one, and one for the rest */
    audit_stop(&trail->audit);
    trail_assert_whole(trail);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    assert_non_null(strstr(trail_line(text, 105), "audit.checkpoint\",\"sequence\":5,"));
}

static void test_head_follows(void **state)
{
    struct trail *trail = *state;
    struct audit_place head = {0};
    trail_open(trail);
    trail_append(trail, 3);
    WAIT_UNTIL(audit_head_load(&head, trail->store, "node-1", NULL) && head.sequence == 3);
    trail_append(trail, 3);
    WAIT_UNTIL(audit_head_load(&head, trail->store, "node-1", NULL) && head.sequence == 6);
    trail_assert_whole(trail);
}

static void test_bad_head(void **state)
{
    struct trail *trail = *state;
    static const char *const bad[] = {
        "", "{}", "{\"seq\":1}", "{\"seq\":1,\"hash\":\"00\"}",
        "{\"seq\":-1,\"hash\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store_change change = {.kind = STORE_AUDIT_HEAD,
                                      .key = "node-1",
                                      .value = slice_from_text(bad[i]),
                                      .expected = STORE_ANY};
        assert_true(store_commit(trail->store, &change, 1, NULL, NULL));
        struct error err = {0};
        assert_false(audit_start(&trail->audit, &trail->options, &err));
        assert_int_equal(error_kind(&err), ERROR_MALFORMED);
    }
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
        TRAIL_TEST(test_cut_line_is_repaired),
        TRAIL_TEST(test_garbage_behind_the_head_is_repaired),
        TRAIL_TEST(test_lost_tail_is_never_whole_again),
        TRAIL_TEST(test_changed_while_away),
        TRAIL_TEST(test_damaged_middle_is_kept),
        TRAIL_TEST(test_older_copy),
        TRAIL_TEST(test_forged_beginning),
        TRAIL_TEST(test_trouble_is_told),
        TRAIL_TEST(test_full_file_of_a_taken_name),
        TRAIL_TEST(test_crash_during_rotation),
        TRAIL_TEST(test_rotation),
        TRAIL_TEST(test_retention),
        TRAIL_TEST(test_disk_full),
        TRAIL_TEST(test_disk_full_tells_everybody),
        TRAIL_TEST(test_closed_while_unwritable),
        TRAIL_TEST(test_file_taken_away),
        TRAIL_TEST(test_file_written_by_others),
        TRAIL_TEST(test_checkpoints),
        TRAIL_TEST(test_signer_away),
        TRAIL_TEST(test_slow_signer_holds_nobody_up),
        TRAIL_TEST(test_head_follows),
        TRAIL_TEST(test_bad_head),
        TRAIL_TEST(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
