/* SPDX-License-Identifier: Apache-2.0 */

/* The writer on a disk that is full, and over files that somebody changes under it; and when it
 * begins a new file and removes the oldest. */

#include "told.h"

#include <signal.h>
#include <sys/resource.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRAIL_TEST(test_trouble_is_told),
        TRAIL_TEST(test_full_file_of_a_taken_name),
        TRAIL_TEST(test_rotation),
        TRAIL_TEST(test_retention),
        TRAIL_TEST(test_disk_full),
        TRAIL_TEST(test_disk_full_tells_everybody),
        TRAIL_TEST(test_closed_while_unwritable),
        TRAIL_TEST(test_file_taken_away),
        TRAIL_TEST(test_file_written_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
