/* SPDX-License-Identifier: Apache-2.0 */

/* Opening the files of a trail that were cut, altered, exchanged or taken away meanwhile: what a
 * crash left is repaired, and what looks like tampering stays visible. */

#include "told.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRAIL_TEST(test_cut_line_is_repaired),
        TRAIL_TEST(test_garbage_behind_the_head_is_repaired),
        TRAIL_TEST(test_lost_tail_is_never_whole_again),
        TRAIL_TEST(test_changed_while_away),
        TRAIL_TEST(test_damaged_middle_is_kept),
        TRAIL_TEST(test_older_copy),
        TRAIL_TEST(test_forged_beginning),
        TRAIL_TEST(test_crash_during_rotation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
