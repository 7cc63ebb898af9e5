/* SPDX-License-Identifier: Apache-2.0 */

/* A trail over several files, one that was written anew, and one that somebody else signed. */

#include "trail.h"

#include "base/hex.h"

static void make_rotated(struct trail *trail)
{
    trail->options.rotate_size = 2000;
    trail_make(trail, 60);
    assert_true(trail_has(trail, "audit-00000000000000000001.log"));
    trail_assert_whole(trail);
}

/* The rotated files' names, in order. */
static size_t rotated_names(struct trail *trail, char names[64][AUDIT_NAME_SIZE])
{
    _cleanup_audit_folder_ struct audit_folder folder = {.fd = -1, .current = -1};
    assert_true(audit_folder_open(&folder, trail->folder, NULL));
    assert_in_range(folder.rotated_count, 4, 64);
    for (size_t i = 0; i < folder.rotated_count; i++)
        audit_folder_name(names[i], folder.rotated[i]);
    return folder.rotated_count;
}

static void test_rotated_file_missing(void **state)
{
    struct trail *trail = *state;
    char names[64][AUDIT_NAME_SIZE];
    make_rotated(trail);
    size_t count = rotated_names(trail, names);
    char expected[32];
    for (size_t i = 0; i < count; i++) {
        _cleanup_free_ char *path = trail_path(trail, names[i]);
        _cleanup_free_ char *aside = memory_format("%s/aside", trail->root);
        assert_int_equal(rename(path, aside), 0);
        uint64_t first = strtoull(names[i] + 6, NULL, 10);
        /* The oldest one is missed because retention says nothing of it. */
        uint64_t next = i + 1 < count ? strtoull(names[i + 1] + 6, NULL, 10) : 0;
        snprintf(expected, sizeof expected, "record %llu",
                 (unsigned long long)(i == 0 ? next - 1 : first));
        trail_assert_problem(trail, &audit_missing, expected);
        assert_int_equal(rename(aside, path), 0);
    }
    trail_assert_whole(trail);
}

static void test_rotated_file_altered(void **state)
{
    struct trail *trail = *state;
    char names[64][AUDIT_NAME_SIZE];
    make_rotated(trail);
    rotated_names(trail, names);
    _cleanup_free_ char *text = trail_read(trail, names[2]);
    strstr(text, "test.event")[0] = 'r';
    trail_write(trail, names[2], text, strlen(text));
    trail_assert_problem(trail, &audit_altered, names[2]);
    /* Cut: what comes next does not follow any more. */
    strstr(text, "rest.event")[0] = 't';
    size_t size = strlen(text);
    trail_write(trail, names[2], text, size - 10);
    trail_assert_problem(trail, &audit_altered, names[2]);
    text[size - 1] = '\0';
    trail_write(trail, names[2], text, (size_t)(strrchr(text, '\n') + 1 - text));
    trail_assert_problem(trail, &audit_missing, "record");
}

static void test_retention(void **state)
{
    struct trail *trail = *state;
    trail->options.retain_files = 4;
    char names[64][AUDIT_NAME_SIZE];
    trail->options.rotate_size = 2000;
    trail_make(trail, 100);
    assert_int_equal(rotated_names(trail, names), 4);
    struct audit_report report = trail_verify(trail);
    if (!report.whole)
        fail_msg("%s: %s", report.problem.object, report.problem.message);
    assert_true(report.first > 1);
    assert_int_equal(report.records, report.last - report.first + 1);
    assert_int_equal(report.unsigned_tail, 0);
    /* One more than retention took. */
    _cleanup_free_ char *path = trail_path(trail, names[0]);
    assert_int_equal(unlink(path), 0);
    trail_assert_problem(trail, &audit_missing, "record");
}

/* Writes lines from number `from` on anew, as somebody would who holds the machine: the chain is
 * without a fault. drop: without the checkpoints. */
static void rewrite(struct trail *trail, int from, bool drop)
{
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    _cleanup_buf_ struct buf out;
    buf_init(&out, 1 << 20);
    struct audit_place place = {0};
    bool altered = false;
    char *line = text;
    for (int n = 0; *line != '\0'; n++) {
        char *end = strchr(line, '\n');
        struct audit_record record;
        assert_true(audit_record_parse(&record, slice_of(line, (size_t)(end - line))));
        bool checkpoint = slice_equals_text(record.event, AUDIT_CHECKPOINT_EVENT);
        _cleanup_free_ char *fields =
            memory_format("%.*s", (int)record.fields.size, (const char *)record.fields.data);
        if (n >= from && !checkpoint && !altered) {
            strstr(fields, "\"number\":")[9] = '7';
            altered = true;
        }
        if (!(drop && checkpoint && n >= from))
            audit_record_append(&out, &place, record.time, record.event, slice_from_text(fields));
        line = end + 1;
    }
    trail_write(trail, AUDIT_CURRENT, (const char *)out.data, out.size);
}

/* What stands before is passed over, whatever it is; what stands behind is not. */
static void test_from(void **state)
{
    struct trail *trail = *state;
    trail->options.checkpoint_every = 1000; /* one at the end: record n stands in line n */
    trail_make(trail, 20);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    strstr(trail_line(text, 7), "test.event")[0] = 'r';
    text[2] = 'x'; /* the first line is no record any more */
    trail_write(trail, AUDIT_CURRENT, text, strlen(text));
    trail_assert_problem(trail, &audit_altered, "record 1");
    struct audit_report report = trail_verify_from(trail, 8);
    assert_ptr_equal(report.problem.code, &audit_altered);
    report = trail_verify_from(trail, 9);
    assert_true(report.whole);
    assert_int_equal(report.first, 9);
    assert_int_equal(report.records, report.last - 8);
    report = trail_verify_from(trail, 1000);
    assert_false(report.whole);
    assert_ptr_equal(report.problem.code, &audit_missing);
}

/* Somebody who holds the store as well. */
static struct audit_report verify_without_head(struct trail *trail)
{
    struct audit_report report = {0};
    assert_true(audit_verify(trail->folder, NULL,
                             &(struct audit_known){.key = private_key_public(trail->key)}, &report,
                             NULL));
    return report;
}

static void test_rewritten(void **state)
{
    struct trail *trail = *state;
    trail->options.checkpoint_every = 5;
    trail_make(trail, 20);
    trail_assert_whole(trail);
    rewrite(trail, 1, false);
    struct audit_report report = verify_without_head(trail);
    assert_false(report.whole);
    assert_ptr_equal(report.problem.code, &audit_checkpoint);
    /* The checkpoints before it still hold; they show from where on. */
    rewrite(trail, 1, true);
    report = verify_without_head(trail);
    assert_true(report.whole);
    assert_int_equal(report.checkpoints, 0);
    assert_int_equal(report.unsigned_tail, report.records);
    /* The store's head tells at once. */
    struct audit_report with_head = trail_verify(trail);
    assert_false(with_head.whole);
}

static void test_rewritten_under_the_head(void **state)
{
    struct trail *trail = *state;
    trail_open(trail);
    trail_append(trail, 10);
    audit_stop(&trail->audit);
    rewrite(trail, 5, false);
    trail_assert_problem(trail, &audit_altered, "record 10");
    assert_true(verify_without_head(trail).whole);
    assert_int_equal(verify_without_head(trail).unsigned_tail, 10);
}

/* A checkpoint that claims the rewritten chain, with the signature of the old one. */
static void test_forged_checkpoint(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 3);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    _cleanup_buf_ struct buf out;
    buf_init(&out, 1 << 20);
    struct audit_place place = {0};
    char *line = text;
    for (int n = 0; n < 4; n++) {
        char *end = strchr(line, '\n');
        struct audit_record record;
        assert_true(audit_record_parse(&record, slice_of(line, (size_t)(end - line))));
        _cleanup_free_ char *fields =
            memory_format("%.*s", (int)record.fields.size, (const char *)record.fields.data);
        if (n == 1)
            strstr(fields, "\"number\":")[9] = '7';
        if (n == 3)
            hex_format(slice_of(place.hash, sizeof place.hash),
                       strstr(fields, "\"head\":\"") + 8)[64] = '"';
        audit_record_append(&out, &place, record.time, record.event, slice_from_text(fields));
        line = end + 1;
    }
    trail_write(trail, AUDIT_CURRENT, (const char *)out.data, out.size);
    struct audit_report report = verify_without_head(trail);
    assert_false(report.whole);
    assert_ptr_equal(report.problem.code, &audit_checkpoint);
    assert_non_null(strstr(report.problem.message, "signature"));
}

static void test_other_key(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 3);
    private_key_free(&trail->key);
    assert_true(private_key_generate(&trail->key, PRIVATE_KEY_P256, NULL));
    trail_assert_problem(trail, &audit_checkpoint, "record 4");
}

static void test_single_file(void **state)
{
    struct trail *trail = *state;
    char names[64][AUDIT_NAME_SIZE];
    make_rotated(trail);
    rotated_names(trail, names);
    _cleanup_free_ char *path = trail_path(trail, names[1]);
    struct audit_report report = {0};
    assert_true(audit_verify(
        NULL, path, &(struct audit_known){.key = private_key_public(trail->key)}, &report, NULL));
    assert_true(report.whole);
    assert_int_equal(report.first, strtoull(names[1] + 6, NULL, 10));
    _cleanup_free_ char *text = trail_read(trail, names[1]);
    strstr(trail_line(text, 1), "Z")[0] = 'z';
    trail_write(trail, names[1], text, strlen(text));
    assert_true(audit_verify(
        NULL, path, &(struct audit_known){.key = private_key_public(trail->key)}, &report, NULL));
    assert_false(report.whole);
    assert_ptr_equal(report.problem.code, &audit_altered);
}

/* What is empty, or nothing that has an end, is not said to be whole. */
static void test_no_trail(void **state)
{
    struct trail *trail = *state;
    char names[64][AUDIT_NAME_SIZE];
    make_rotated(trail);
    rotated_names(trail, names);
    _cleanup_free_ char *path = trail_path(trail, names[1]);
    trail_write(trail, names[1], "", 0);
    struct audit_report report = {0};
    struct error err = {0};
    assert_true(audit_verify(NULL, path, &(struct audit_known){0}, &report, &err));
    assert_false(report.whole);
    assert_ptr_equal(report.problem.code, &audit_missing);
    assert_false(audit_verify(NULL, "/dev/zero", &(struct audit_known){0}, &report, &err));
    assert_ptr_equal(err.code, &audit_unreadable);
    assert_false(audit_verify(NULL, trail->folder, &(struct audit_known){0}, &report, &err));
    assert_ptr_equal(err.code, &audit_unreadable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRAIL_TEST(test_from),
        TRAIL_TEST(test_rotated_file_missing),
        TRAIL_TEST(test_rotated_file_altered),
        TRAIL_TEST(test_retention),
        TRAIL_TEST(test_rewritten),
        TRAIL_TEST(test_rewritten_under_the_head),
        TRAIL_TEST(test_forged_checkpoint),
        TRAIL_TEST(test_other_key),
        TRAIL_TEST(test_single_file),
        TRAIL_TEST(test_no_trail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
