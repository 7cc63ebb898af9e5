/* SPDX-License-Identifier: Apache-2.0 */
/* Signers of other services: their records, and which certificates can be one. */
#include "world.h"

#include "keyprotection/trusted_signer.h"

static void write_record(struct buf *value, char key[KEYPROTECTION_THUMBPRINT_SIZE],
                         int64_t deny_before)
{
    struct keyprotection_trusted_signer signer = {
        .certificate = world.signer, .added = NOW, .added_by = "admin", .deny_before = deny_before};
    buf_init(value, 65536);
    keyprotection_trusted_signer_format(value, &signer);
    keyprotection_trusted_signer_key(world.signer, key);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (int64_t deny_before = 0; deny_before <= NOW; deny_before += NOW) {
        char key[KEYPROTECTION_THUMBPRINT_SIZE];
        _cleanup_buf_ struct buf value;
        _cleanup_keyprotection_trusted_signer_ struct keyprotection_trusted_signer read = {0};
        write_record(&value, key, deny_before);
        assert_ok(keyprotection_trusted_signer_parse(&read, key, buf_slice(&value), err));
        assert_true(slice_equal(certificate_der(read.certificate), certificate_der(world.signer)));
        assert_int_equal(read.added, NOW);
        assert_string_equal(read.added_by, "admin");
        assert_int_equal(read.deny_before, deny_before);
    }
}

/* The snapshot, which decides, reads what the administrator's commands write. */
static void releases_obey_the_record(void **state)
{
    (void)state;
    char key[KEYPROTECTION_THUMBPRINT_SIZE];
    _cleanup_buf_ struct buf value, all;
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *empty = NULL;
    buf_init(&all, 128);
    write_record(&value, key, NOW - 5);
    keyprotection_deny_all_format(&all, NOW - 7);
    assert_ok(keyprotection_snapshot_load(&empty, world.store, err));
    size_t before = empty->signer_count;
    struct store_change changes[] = {
        {.kind = STORE_TRUSTED_SIGNER, .key = key, .value = buf_slice(&value)},
        {.kind = STORE_TRUSTED_SIGNER, .key = KEYPROTECTION_ALL_SIGNERS, .value = buf_slice(&all)},
    };
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *next =
        keyprotection_snapshot_next(empty, changes, 2);
    assert_int_equal(next->signer_count, before + 1);
    assert_int_equal(next->signers[before].deny_before, NOW - 5);
    assert_int_equal(next->deny_all_before, NOW - 7);
    assert_null(next->problem.code);
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    static const char *const edits[][2] = {
        {"\"certificate\":\"", "\"certificate\":\"AAAA"},
        {"\"added\":\"20", "\"added\":\"xx"},
        {"\"added_by\":", "\"by\":"},
        {"\"deny_before\":", "\"deny_before\":\"x\",\"y\":"},
        {"{", "["},
    };
    char key[KEYPROTECTION_THUMBPRINT_SIZE];
    _cleanup_buf_ struct buf value;
    write_record(&value, key, NOW);
    const char *good = buf_text(&value);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        _cleanup_keyprotection_trusted_signer_ struct keyprotection_trusted_signer read = {0};
        struct error err = {0};
        const char *at = strstr(good, edits[i][0]);
        assert_non_null(at);
        _cleanup_free_ char *text = memory_format("%.*s%s%s", (int)(at - good), good, edits[i][1],
                                                  at + strlen(edits[i][0]));
        assert_false(keyprotection_trusted_signer_parse(&read, key, slice_from_text(text), &err));
        assert_non_null(err.code);
    }
    _cleanup_keyprotection_trusted_signer_ struct keyprotection_trusted_signer read = {0};
    key[10] = key[10] == '0' ? '1' : '0';
    assert_refused(keyprotection_trusted_signer_parse(&read, key, buf_slice(&value), err),
                   "keyprotection.record");
}

static void only_signers_are_let_in(void **state)
{
    (void)state;
    assert_ok(keyprotection_trusted_signer_check(world.signer, NOW, err));
    assert_refused(keyprotection_trusted_signer_check(
                       world.signer, certificate_facts(world.signer)->not_after + 1, err),
                   "signer.unfit");
    assert_refused(keyprotection_trusted_signer_check(world.service.guardian.signing, NOW, err),
                   "signer.unfit");
    struct signer signer = signer_of_key(world.signer_key);
    struct certificate_template form = {.subject_cn = "x",
                                        .subject_key = signer.public_key,
                                        .not_before = NOW - HOUR,
                                        .not_after = NOW + HOUR,
                                        .authority = true};
    for (int i = 0; i < 2; i++) {
        form.usage = i == 0 ? 0 : CERTIFICATE_DIGITAL_SIGNATURE;
        _cleanup_certificate_ struct certificate *other = issue(&form, &signer);
        assert_refused(keyprotection_trusted_signer_check(other, NOW, err), "signer.unfit");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(releases_obey_the_record),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(only_signers_are_let_in),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
