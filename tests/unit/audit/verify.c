/* SPDX-License-Identifier: Apache-2.0 */

/* Everything that may have happened to the records of a trail is found, and called by its name. */

#include "trail.h"

static void test_whole(void **state)
{
    struct trail *trail = *state;
    trail->options.checkpoint_every = 10;
    trail_make(trail, 35);
    struct audit_report report = trail_verify(trail);
    assert_true(report.whole);
    assert_int_equal(report.first, 1);
    assert_int_equal(report.last, report.records);
    assert_true(report.checkpoints >= 1);
    assert_int_equal(report.records, 35 + report.checkpoints);
    assert_int_equal(report.unsigned_tail, 0);
}

static void test_empty(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 0);
    struct audit_report report = trail_verify(trail);
    assert_true(report.whole);
    assert_int_equal(report.records, 0);
    assert_int_equal(report.last, 0);
}

static void test_no_folder(void **state)
{
    struct trail *trail = *state;
    struct audit_report report = {.records = 77};
    struct error err = {0};
    assert_false(audit_verify(trail->folder, NULL, &(struct audit_known){0}, &report, &err));
    assert_ptr_equal(err.code, &audit_unreadable);
    _cleanup_free_ char *path = trail_path(trail, AUDIT_CURRENT);
    assert_false(audit_verify(NULL, path, &(struct audit_known){0}, &report, &err));
    assert_ptr_equal(err.code, &audit_unreadable);
    assert_int_equal(report.records, 77);
}

/* One bit of every byte of every line, newlines too. */
static void test_every_byte(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 3);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        text[i] ^= 1;
        trail_write(trail, AUDIT_CURRENT, text, size);
        text[i] ^= 1;
        struct audit_report report = trail_verify(trail);
        assert_false(report.whole);
        /* What is wrong with the last line is that it has no end. */
        const struct error_code *expected = i + 1 == size ? &audit_cut : &audit_altered;
        bool checkpoint = text + i >= trail_line(text, 3);
        if (report.problem.code != expected &&
            !(checkpoint && report.problem.code == &audit_checkpoint))
            fail_msg("byte %zu: %s: %s", i, report.problem.code->name, report.problem.message);
    }
    trail_write(trail, AUDIT_CURRENT, text, size);
    trail_assert_whole(trail);
}

static void alter_number(struct trail *trail, const char *name, int line, char to)
{
    _cleanup_free_ char *text = trail_read(trail, name);
    char *number = strstr(trail_line(text, line), "\"number\":");
    number[strlen("\"number\":")] = to;
    trail_write(trail, name, text, strlen(text));
}

static void test_altered_names_the_record(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 10);
    alter_number(trail, AUDIT_CURRENT, 4, '9');
    trail_assert_problem(trail, &audit_altered, "record 5");
    alter_number(trail, AUDIT_CURRENT, 4, '4');
    trail_assert_whole(trail);
    /* Its hash of the record before. */
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    char *hash = strstr(trail_line(text, 6), "\"prev\":\"") + 8;
    *hash = *hash == '0' ? '1' : '0';
    trail_write(trail, AUDIT_CURRENT, text, strlen(text));
    trail_assert_problem(trail, &audit_altered, "record 7");
}

static void test_altered_sequence(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 10);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    char *line = trail_line(text, 3);
    assert_memory_equal(line, "{\"seq\":4", 8);
    line[7] = '7';
    trail_write(trail, AUDIT_CURRENT, text, strlen(text));
    trail_assert_problem(trail, &audit_altered, "record 4");
    line[7] = '2';
    trail_write(trail, AUDIT_CURRENT, text, strlen(text));
    trail_assert_problem(trail, &audit_altered, "record 4");
}

static void test_last_record_altered(void **state)
{
    struct trail *trail = *state;
    trail_open(trail); /* without a signer: the last record is an event */
    trail_append(trail, 5);
    audit_stop(&trail->audit);
    alter_number(trail, AUDIT_CURRENT, 4, '9');
    trail_assert_problem(trail, &audit_altered, "record 5");
}

static void test_missing(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 10);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    char *from = trail_line(text, 5), *to = trail_line(text, 7);
    memmove(from, to, strlen(to) + 1);
    trail_write(trail, AUDIT_CURRENT, text, strlen(text));
    trail_assert_problem(trail, &audit_missing, "record 6");
}

static void test_first_missing(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 10);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    char *rest = trail_line(text, 2);
    trail_write(trail, AUDIT_CURRENT, rest, strlen(rest));
    trail_assert_problem(trail, &audit_missing, "record 2");
}

static void swap(struct trail *trail, int a, int b)
{
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    char *first = trail_line(text, a), *behind_first = trail_line(text, a + 1);
    char *second = trail_line(text, b), *behind_second = trail_line(text, b + 1);
    _cleanup_free_ char *swapped =
        memory_format("%.*s%.*s%.*s%.*s%s", (int)(first - text), text,
                      (int)(behind_second - second), second, (int)(second - behind_first),
                      behind_first, (int)(behind_first - first), first, behind_second);
    assert_int_equal(strlen(swapped), strlen(text));
    trail_write(trail, AUDIT_CURRENT, swapped, strlen(swapped));
}

static void test_reordered(void **state)
{
    struct trail *trail = *state;
    static const int pairs[][2] = {{4, 5}, {2, 8}, {0, 1}, {9, 10}, {0, 10}};
    trail_make(trail, 10);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        swap(trail, pairs[i][0], pairs[i][1]);
        trail_assert_problem(trail, &audit_reordered, "record");
        swap(trail, pairs[i][0], pairs[i][1]);
        trail_assert_whole(trail);
    }
}

static void test_record_twice(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 5);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    char *third = trail_line(text, 2), *fourth = trail_line(text, 3);
    _cleanup_free_ char *twice = memory_format("%.*s%.*s%s", (int)(fourth - text), text,
                                               (int)(fourth - third), third, fourth);
    trail_write(trail, AUDIT_CURRENT, twice, strlen(twice));
    trail_assert_problem(trail, &audit_reordered, "record 3");
}

static void test_cut_tail(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 10);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    trail_write(trail, AUDIT_CURRENT, text, (size_t)(trail_line(text, 7) - text));
    trail_assert_problem(trail, &audit_cut, "record 7");
    trail_write(trail, AUDIT_CURRENT, text, 0);
    trail_assert_problem(trail, &audit_cut, "record 0");
    _cleanup_free_ char *path = trail_path(trail, AUDIT_CURRENT);
    assert_int_equal(unlink(path), 0);
    trail_assert_problem(trail, &audit_cut, "record 0");
}

static void test_cut_last_line(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 4);
    _cleanup_free_ char *text = trail_read(trail, AUDIT_CURRENT);
    char *last = trail_line(text, 4);
    for (size_t left = 1; left < strlen(last); left += 7) {
        trail_write(trail, AUDIT_CURRENT, text, (size_t)(last - text) + left);
        if (left == 1 || left > strlen(last) - 7)
            trail_assert_problem(trail, &audit_cut, "record 5");
    }
}

/* The chain and a signature as others see them: python3 and openssl. */
static void test_verified_by_others(void **state)
{
    struct trail *trail = *state;
    trail_make(trail, 7);
    _cleanup_free_ char *key = memory_format("%s/key.der", trail->root);
    assert_true(file_create(key, public_key_spki(private_key_public(trail->key)), 0600, NULL));
    static const char script[] =
        "import base64, hashlib, json, struct, sys\n"
        "root = sys.argv[1]\n"
        "prev, n = '0' * 64, 0\n"
        "for line in open(root + '/audit/audit.log', 'rb').read().split(b'\\n')[:-1]:\n"
        "    record = json.loads(line)\n"
        "    n += 1\n"
        "    assert record['seq'] == n and record['prev'] == prev, n\n"
        "    if record['event'] == 'audit.checkpoint':\n"
        "        assert record['sequence'] == n - 1 and record['head'] == prev\n"
        "        key = hashlib.sha256(open(root + '/key.der', 'rb').read()).hexdigest()\n"
        "        assert record['key'] == key\n"
        "        message = (b'HGS-AUDIT-CHECKPOINT-1' + struct.pack('<Q', n - 1)\n"
        "                   + bytes.fromhex(prev) + struct.pack('<q', record['at']))\n"
        "        open(root + '/message', 'wb').write(message)\n"
        "        open(root + '/signature', 'wb').write(base64.b64decode(record['signature']))\n"
        "    prev = hashlib.sha256(line).hexdigest()\n"
        "assert n == 8\n";
    _cleanup_free_ char *path = memory_format("%s/check.py", trail->root);
    assert_true(file_create(path, slice_from_text(script), 0600, NULL));
    _cleanup_free_ char *command = memory_format(
        "python3 %s %s && openssl dgst -sha256 -keyform DER -verify %s -signature %s/signature"
        " %s/message",
        path, trail->root, key, trail->root, trail->root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRAIL_TEST(test_whole),
        TRAIL_TEST(test_empty),
        TRAIL_TEST(test_no_folder),
        TRAIL_TEST(test_every_byte),
        TRAIL_TEST(test_altered_names_the_record),
        TRAIL_TEST(test_altered_sequence),
        TRAIL_TEST(test_last_record_altered),
        TRAIL_TEST(test_missing),
        TRAIL_TEST(test_first_missing),
        TRAIL_TEST(test_reordered),
        TRAIL_TEST(test_record_twice),
        TRAIL_TEST(test_cut_tail),
        TRAIL_TEST(test_cut_last_line),
        TRAIL_TEST(test_verified_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
