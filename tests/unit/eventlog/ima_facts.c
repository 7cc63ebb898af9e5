/* SPDX-License-Identifier: Apache-2.0 */

/* What IMA's list says: the files that it measured, another kernel, the boot that it belongs to. */

#include "ima_builder.h"

static const uint8_t zeros[64];

/* Facts of a list that leads to PCR 10 by the kernel's way, or that of old ones. */
static void evaluate(struct ima_facts *facts, struct ima_list *parsed, struct ima_replay *reached,
                     const struct list *list, bool is_padded, const struct tpm_pcr_bank *bank)
{
    assert_ok(ima_parse(parsed, buf_slice(&list->bytes), err));
    assert_ok(ima_replay(reached, parsed, DIGEST_SHA256, slice_of(zeros, 32),
                         value_of(is_padded ? &list->padded : &list->modern), err));
    ima_facts_evaluate(facts, parsed, reached, bank);
}

static void test_facts(void **state)
{
    (void)state;
    static const struct {
        enum ima_fact_kind kind;
        const char *name, *text;
    } expected[] = {
        {IMA_FACT_DM_TABLE, "dm_table_load", "dm_version=4;target_name=verity"},
        {IMA_FACT_KEXEC_LINE, "kexec-cmdline", "evil"},
        {IMA_FACT_KEYRING, ".builtin_trusted_keys", ""},
        {IMA_FACT_CRITICAL_DATA, "selinux-state", "enforcing=1"},
        {IMA_FACT_POLICY_FILE, "/etc/ima/ima-policy", ""},
    };
    struct list list;
    struct ima_facts facts;
    struct ima_replay reached;
    struct tpm_pcr_bank bank = {.algorithm = DIGEST_SHA256};
    uint8_t digest[32];
    _cleanup_ima_ struct ima_list parsed = {0};
    begin(&list);
    append_file(&list, "sh", "/bin/sh");
    append_buffer(&list, "dm_table_load", "dm_version=4;target_name=verity");
    append_buffer(&list, "kexec-cmdline", "evil");
    append_buffer(&list, ".builtin_trusted_keys", "a key");
    append_buffer(&list, "selinux-state", "enforcing=1");
    append_file(&list, "policy", "/etc/ima/ima-policy");
    append_violation(&list, "/etc/ima/other");
    evaluate(&facts, &parsed, &reached, &list, false, &bank);
    assert_int_equal(facts.count, 5);
    assert_int_equal(facts.violations, 1);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(facts.facts[i].kind, expected[i].kind);
        assert_int_equal(facts.facts[i].entry, i + 1);
        assert_true(slice_equals_text(facts.facts[i].name, expected[i].name));
        assert_true(slice_equals_text(facts.facts[i].text, expected[i].text));
        assert_int_equal(facts.facts[i].algorithm, DIGEST_SHA256);
    }
    digest_sha256(digest, slice_from_text("policy"));
    assert_true(slice_equal(facts.facts[4].digest, slice_of(digest, 32)));
    buf_done(&list.bytes);
}

/* Names of templates are in no digest: a kernel that was loaded is not hidden by another one. */
static void test_relabelled_kexec(void **state)
{
    (void)state;
    struct slice line = slice_from_text("evil");
    struct list list;
    struct ima_facts facts;
    struct ima_replay reached;
    struct tpm_pcr_bank bank = {.algorithm = DIGEST_SHA256};
    _cleanup_ima_ struct ima_list parsed = {0};
    _cleanup_buf_ struct buf fields;
    make_fields(&fields, "sha256:", line, "kexec-cmdline", &line);
    begin(&list);
    append_file(&list, "sh", "/bin/sh");
    append(&list, IMA_PCR, "ima-ng", buf_slice(&fields), buf_slice(&fields), false);
    evaluate(&facts, &parsed, &reached, &list, false, &bank);
    assert_int_equal(facts.count, 1);
    assert_int_equal(facts.facts[0].kind, IMA_FACT_KEXEC_LINE);
    buf_done(&list.bytes);
}

/* A command line of the right length, told as a file of the legacy template. Entries of another PCR
 * prove nothing, and do not make it a legacy list. */
static void test_legacy_among_others(void **state)
{
    (void)state;
    struct ima_list parsed;
    for (int with_other = 0; with_other < 2; with_other++) {
        struct list list;
        begin(&list);
        if (with_other != 0)
            append(&list, 11, "ima", slice_of(zeros, 24), SLICE_EMPTY, false);
        append_file(&list, "sh", "/bin/sh");
        append_legacy(&list, "/bin/true");
        assert_refused(ima_parse(&parsed, buf_slice(&list.bytes), err), eventlog_ima_malformed);
        buf_done(&list.bytes);
    }
}

/* In padded mode only SHA-1 covers the entries: they prove nothing. */
static void test_padded_facts(void **state)
{
    (void)state;
    struct list list;
    struct ima_facts facts;
    struct ima_replay reached;
    uint32_t entry;
    uint8_t digest[32];
    struct tpm_pcr_bank bank = {.algorithm = DIGEST_SHA256, .present = TESTING_ALL_PCRS};
    _cleanup_ima_ struct ima_list parsed = {0};
    begin(&list);
    append_file(&list, "x", "boot_aggregate");
    append_buffer(&list, "dm_table_load", "dm_version=4;target_name=verity");
    evaluate(&facts, &parsed, &reached, &list, true, &bank);
    assert_true(reached.is_padded);
    assert_int_equal(facts.count, 0);
    assert_int_equal(facts.aggregate, IMA_AGGREGATE_UNKNOWN);
    digest_sha256(digest, slice_from_text("x"));
    assert_false(
        ima_find_file(&entry, &parsed, &reached, DIGEST_SHA256, slice_of(digest, 32), NULL));
    buf_done(&list.bytes);
}

static void test_many_facts(void **state)
{
    (void)state;
    struct list list;
    struct ima_facts facts;
    struct ima_replay reached;
    struct tpm_pcr_bank bank = {.algorithm = DIGEST_SHA256};
    _cleanup_ima_ struct ima_list parsed = {0};
    begin(&list);
    for (int i = 0; i <= IMA_FACTS_MAX; i++)
        append_buffer(&list, "dm_table_load", "x");
    evaluate(&facts, &parsed, &reached, &list, false, &bank);
    assert_int_equal(facts.count, IMA_FACTS_MAX);
    assert_true(facts.is_cut);
    assert_int_equal(facts.facts[IMA_FACTS_MAX - 1].kind, IMA_FACT_DM_TABLE);
    ima_done(&parsed);
    append_buffer(&list, "kexec-cmdline", "evil"); /* not lost among them */
    evaluate(&facts, &parsed, &reached, &list, false, &bank);
    assert_int_equal(facts.count, IMA_FACTS_MAX);
    assert_int_equal(facts.facts[IMA_FACTS_MAX - 1].kind, IMA_FACT_KEXEC_LINE);
    buf_done(&list.bytes);
}

static void test_find_file(void **state)
{
    (void)state;
    struct list list;
    struct ima_facts facts;
    struct ima_replay reached;
    struct tpm_pcr_bank bank = {.algorithm = DIGEST_SHA256};
    uint32_t entry;
    uint8_t digest[32], late[32], buffer[32];
    struct slice wanted = slice_of(digest, 32);
    _cleanup_ima_ struct ima_list parsed = {0};
    begin(&list);
    append_file(&list, "sh", "/bin/sh");
    append_file(&list, "policy", "/etc/ima/ima-policy");
    append_buffer(&list, "dm_table_load", "table");
    struct tpm_pcr_bank early = list.modern;
    append_file(&list, "late", "/late");
    list.modern = early;
    evaluate(&facts, &parsed, &reached, &list, false, &bank);
    digest_sha256(digest, slice_from_text("policy"));
    digest_sha256(late, slice_from_text("late"));
    digest_sha256(buffer, slice_from_text("table"));
    assert_true(ima_find_file(&entry, &parsed, &reached, DIGEST_SHA256, wanted, NULL));
    assert_int_equal(entry, 1);
    assert_true(
        ima_find_file(&entry, &parsed, &reached, DIGEST_SHA256, wanted, "/etc/ima/ima-policy"));
    assert_false(ima_find_file(&entry, &parsed, &reached, DIGEST_SHA256, wanted, "/bin/sh"));
    assert_false(ima_find_file(&entry, &parsed, &reached, DIGEST_SHA384, wanted, NULL));
    assert_false(ima_find_file(&entry, &parsed, &reached, DIGEST_SHA256, slice_of(late, 32), NULL));
    assert_false(
        ima_find_file(&entry, &parsed, &reached, DIGEST_SHA256, slice_of(buffer, 32), NULL));
    assert_false(ima_find_file(&entry, &parsed, &reached, DIGEST_SHA256, SLICE_EMPTY, NULL));
    buf_done(&list.bytes);
}

/* Templates with "v2" name what the digest is of. */
static void test_v2(void **state)
{
    (void)state;
    struct list list;
    struct ima_facts facts;
    struct ima_replay reached;
    struct tpm_pcr_bank bank = {.algorithm = DIGEST_SHA256};
    uint32_t entry;
    uint8_t digest[32];
    _cleanup_ima_ struct ima_list parsed = {0};
    _cleanup_buf_ struct buf fields;
    begin(&list);
    make_fields(&fields, "verity:sha256:", slice_from_text("x"), "/x", NULL);
    append(&list, IMA_PCR, "ima-ngv2", buf_slice(&fields), buf_slice(&fields), false);
    evaluate(&facts, &parsed, &reached, &list, false, &bank);
    digest_sha256(digest, slice_from_text("x"));
    assert_true(
        ima_find_file(&entry, &parsed, &reached, DIGEST_SHA256, slice_of(digest, 32), "/x"));
    buf_done(&list.bytes);
}

/* boot_aggregate of the recorded boots, and of one with another PCR 4. */
static void test_aggregate(void **state)
{
    (void)state;
    for (size_t i = 0; i < TESTING_BOOTS; i++) {
        _cleanup_buf_ struct buf bytes;
        _cleanup_ima_ struct ima_list parsed = {0};
        struct tpm_pcr_bank bank;
        struct ima_replay reached;
        struct ima_facts facts;
        testing_read(&bytes, testing_boots[i], "ima.bin");
        testing_read_pcrs(&bank, testing_boots[i], DIGEST_SHA256);
        assert_ok(ima_parse(&parsed, buf_slice(&bytes), err));
        assert_ok(ima_replay(&reached, &parsed, DIGEST_SHA256, slice_of(zeros, 32),
                             tpm_pcr_value(&bank, IMA_PCR), err));
        ima_facts_evaluate(&facts, &parsed, &reached, &bank);
        assert_int_equal(facts.aggregate, IMA_AGGREGATE_GOOD);
        assert_int_equal(facts.violations, 0);
        bank.values[4][0] ^= 1;
        ima_facts_evaluate(&facts, &parsed, &reached, &bank);
        assert_int_equal(facts.aggregate, IMA_AGGREGATE_BAD);
        bank.present &= ~(1u << 4);
        ima_facts_evaluate(&facts, &parsed, &reached, &bank);
        assert_int_equal(facts.aggregate, IMA_AGGREGATE_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_relabelled_kexec),
        cmocka_unit_test(test_legacy_among_others),
        cmocka_unit_test(test_padded_facts),
        cmocka_unit_test(test_many_facts),
        cmocka_unit_test(test_find_file),
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_aggregate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
