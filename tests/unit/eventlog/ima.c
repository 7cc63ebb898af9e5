/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/ima.h"

#include "base/memory.h"
#include "testing.h"

/* A list under construction, and the PCR 10 that it leads to. */
struct list {
    struct buf bytes;
    struct tpm_pcr_bank modern, padded;
};

static void begin(struct list *list)
{
    *list = (struct list){.modern = {.algorithm = DIGEST_SHA256, .present = 1u << IMA_PCR},
                          .padded = {.algorithm = DIGEST_SHA256, .present = 1u << IMA_PCR}};
    buf_init(&list->bytes, 64u << 20);
}

static void extend(struct tpm_pcr_bank *bank, const uint8_t digest[32])
{
    tpm_pcr_extend(bank, IMA_PCR, slice_of(digest, 32));
}

/* An entry whose fields the digests cover; hashed is what the kernel hashes. */
static void append(struct list *list, uint32_t pcr, const char *template, struct slice fields,
                   struct slice hashed, bool is_violation)
{
    struct digest sha1 = {.size = 20}, sha256 = {.size = 32};
    uint8_t padded[32] = {0};
    digest_compute(&sha1, DIGEST_SHA1, hashed);
    digest_compute(&sha256, DIGEST_SHA256, hashed);
    memcpy(padded, sha1.value, 20);
    if (is_violation) {
        memset(sha1.value, 0, 20);
        memset(sha256.value, 0xFF, 32);
        memset(padded, 0xFF, 20);
    }
    buf_append_u32_le(&list->bytes, pcr);
    buf_append_bytes(&list->bytes, sha1.value, 20);
    buf_append_u32_le(&list->bytes, (uint32_t)strlen(template));
    buf_append_text(&list->bytes, template);
    if (strcmp(template, "ima") != 0)
        buf_append_u32_le(&list->bytes, (uint32_t)fields.size);
    buf_append(&list->bytes, fields);
    if (pcr != IMA_PCR)
        return;
    extend(&list->modern, sha256.value);
    extend(&list->padded, padded);
}

static void append_field(struct buf *out, struct slice field)
{
    buf_append_u32_le(out, (uint32_t)field.size);
    buf_append(out, field);
}

/* "sha256:" NUL digest of content, then the name with its NUL, then more unless NULL. */
static void make_fields(struct buf *out, const char *word, struct slice content, const char *name,
                        const struct slice *more)
{
    uint8_t digest[64] = {0};
    size_t word_size = strlen(word) + 1;
    buf_init(out, 65536);
    memcpy(digest, word, word_size);
    digest_sha256(digest + word_size, content);
    append_field(out, slice_of(digest, word_size + 32));
    append_field(out, slice_of(name, strlen(name) + 1));
    if (more != NULL)
        append_field(out, *more);
}

static void append_file(struct list *list, const char *content, const char *name)
{
    _cleanup_buf_ struct buf fields;
    make_fields(&fields, "sha256:", slice_from_text(content), name, NULL);
    append(list, IMA_PCR, "ima-ng", buf_slice(&fields), buf_slice(&fields), false);
}

static void append_buffer(struct list *list, const char *name, const char *text)
{
    _cleanup_buf_ struct buf fields;
    struct slice bytes = slice_from_text(text);
    make_fields(&fields, "sha256:", bytes, name, &bytes);
    append(list, IMA_PCR, "ima-buf", buf_slice(&fields), buf_slice(&fields), false);
}

static void append_violation(struct list *list, const char *name)
{
    _cleanup_buf_ struct buf fields;
    make_fields(&fields, "sha256:", SLICE_EMPTY, name, NULL);
    append(list, IMA_PCR, "ima-ng", buf_slice(&fields), buf_slice(&fields), true);
}

/* The first template: SHA-1 of the file, its name, which is padded when it is hashed. */
static void append_legacy(struct list *list, const char *name)
{
    uint8_t hashed[20 + 256] = {0};
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, 1024);
    memset(hashed, 0x5A, 20);
    memcpy(hashed + 20, name, strlen(name));
    buf_append_bytes(&fields, hashed, 20);
    append_field(&fields, slice_from_text(name));
    append(list, IMA_PCR, "ima", buf_slice(&fields), slice_of(hashed, sizeof hashed), false);
}

static struct slice value_of(const struct tpm_pcr_bank *bank)
{
    return slice_of(bank->values[IMA_PCR], 32);
}

static const uint8_t zeros[64];

#define assert_reaches(list_, value_, count_, is_padded_)                                      \
    do {                                                                                       \
        _cleanup_ima_ struct ima_list parsed_ = {0};                                           \
        struct ima_replay reached_;                                                            \
        assert_ok(ima_parse(&parsed_, buf_slice(&(list_)->bytes), err));                       \
        assert_ok(                                                                             \
            ima_replay(&reached_, &parsed_, DIGEST_SHA256, slice_of(zeros, 32), value_, err)); \
        assert_int_equal(reached_.count, count_);                                              \
        assert_int_equal(reached_.is_padded, is_padded_);                                      \
    } while (0)

static void test_replay(void **state)
{
    (void)state;
    struct list list;
    struct tpm_pcr_bank early;
    begin(&list);
    append_legacy(&list, "/init");
    append_violation(&list, "/var/log/messages");
    append_file(&list, "sh", "/bin/sh");
    early = list.modern;
    append_buffer(&list, "dm_table_load", "dm_version=4;");
    append_file(&list, "late", "/late");
    assert_reaches(&list, value_of(&list.modern), 5, false);
    assert_reaches(&list, value_of(&early), 3, false); /* entries behind the value are ignored */
    assert_reaches(&list, value_of(&list.padded), 5, true);
    assert_reaches(&list, slice_of(zeros, 32), 0, false);
    buf_done(&list.bytes);
}

/* A policy may send entries to another PCR: they are no part of this one. */
static void test_other_pcr(void **state)
{
    (void)state;
    struct list list;
    struct ima_facts facts;
    struct ima_replay reached;
    struct tpm_pcr_bank bank = {.algorithm = DIGEST_SHA256};
    _cleanup_ima_ struct ima_list parsed = {0};
    _cleanup_buf_ struct buf fields;
    struct slice text = slice_from_text("evil");
    begin(&list);
    make_fields(&fields, "sha256:", text, "dm_table_load", &text);
    append_file(&list, "init", "/init");
    append(&list, 11, "ima-buf", buf_slice(&fields), buf_slice(&fields), false);
    append_file(&list, "sh", "/bin/sh");
    assert_reaches(&list, value_of(&list.modern), 3, false);
    assert_ok(ima_parse(&parsed, buf_slice(&list.bytes), err));
    assert_ok(ima_replay(&reached, &parsed, DIGEST_SHA256, slice_of(zeros, 32),
                         value_of(&list.modern), err));
    ima_facts_evaluate(&facts, &parsed, &reached, &bank);
    assert_int_equal(facts.count, 0);
    buf_done(&list.bytes);
}

static void test_start(void **state)
{
    (void)state;
    struct list list;
    struct ima_replay reached;
    _cleanup_ima_ struct ima_list parsed = {0};
    uint8_t start[32];
    memset(start, 0x33, sizeof start);
    begin(&list);
    tpm_pcr_set(&list.modern, IMA_PCR, slice_of(start, 32));
    append_file(&list, "init", "/init");
    assert_ok(ima_parse(&parsed, buf_slice(&list.bytes), err));
    assert_ok(ima_replay(&reached, &parsed, DIGEST_SHA256, slice_of(start, 32),
                         value_of(&list.modern), err));
    assert_refused(ima_replay(&reached, &parsed, DIGEST_SHA256, slice_of(zeros, 32),
                              value_of(&list.modern), err),
                   eventlog_ima_mismatch);
    assert_refused(ima_replay(&reached, &parsed, DIGEST_SHA256, slice_of(start, 31),
                              value_of(&list.modern), err),
                   eventlog_ima_mismatch);
    assert_refused(
        ima_replay(&reached, &parsed, DIGEST_SHA1, slice_of(start, 20), slice_of(start, 20), err),
        eventlog_bank_weak);
    buf_done(&list.bytes);
}

/* Dropped, swapped, altered: no prefix leads to the value. */
static void test_mismatch(void **state)
{
    (void)state;
    struct list whole, other;
    struct ima_replay reached;
    for (int i = 0; i < 3; i++) {
        _cleanup_ima_ struct ima_list parsed = {0};
        begin(&whole);
        begin(&other);
        append_file(&whole, "a", "/a");
        append_file(&whole, "b", "/b");
        if (i == 0) {
            append_file(&other, "b", "/b");
        } else if (i == 1) {
            append_file(&other, "b", "/b");
            append_file(&other, "a", "/a");
        } else {
            append_file(&other, "a", "/a");
            append_file(&other, "b", "/c");
        }
        assert_ok(ima_parse(&parsed, buf_slice(&other.bytes), err));
        assert_refused(ima_replay(&reached, &parsed, DIGEST_SHA256, slice_of(zeros, 32),
                                  value_of(&whole.modern), err),
                       eventlog_ima_mismatch);
        buf_done(&whole.bytes);
        buf_done(&other.bytes);
    }
}

static void test_truncated_at_every_byte(void **state)
{
    (void)state;
    struct list list;
    begin(&list);
    append_legacy(&list, "/init");
    append_file(&list, "sh", "/bin/sh");
    append_buffer(&list, "dm_table_load", "dm_version=4;");
    size_t good = 0;
    for (size_t size = 0; size < list.bytes.size; size++) {
        struct ima_list parsed = {0};
        struct error err = {0};
        uint8_t *copy = memory_allocate(size + 1);
        memcpy(copy, list.bytes.data, size);
        if (ima_parse(&parsed, slice_of(copy, size), &err))
            good++;
        else
            assert_string_equal(err.code->name, eventlog_ima_truncated.name);
        ima_done(&parsed);
        free(copy);
    }
    assert_int_equal(good, 3); /* with 0, 1 and 2 entries */
    buf_done(&list.bytes);
}

/* pcr, length of the template's name, name, length of the fields. */
static void append_raw(struct buf *out, uint32_t pcr, uint32_t name_size, const char *name,
                       uint32_t size)
{
    buf_append_u32_le(out, pcr);
    buf_append(out, slice_of(zeros, 20));
    buf_append_u32_le(out, name_size);
    buf_append_text(out, name);
    buf_append_u32_le(out, size);
    buf_append(out, slice_of(zeros, 64));
}

static void test_damaged(void **state)
{
    (void)state;
    static const struct {
        uint32_t pcr, name_size;
        const char *name;
        uint32_t size;
        const struct error_code *code;
    } cases[] = {
        {10, 6, "ima-ng", UINT32_MAX, &eventlog_ima_too_large},
        {10, 6, "ima-ng", IMA_ENTRY_DATA_MAX + 1, &eventlog_ima_too_large},
        {10, UINT32_MAX, "ima-ng", 64, &eventlog_ima_too_large},
        {10, 256, "ima-ng", 64, &eventlog_ima_too_large},
        {10, 0, "", 64, &eventlog_ima_malformed},
        {24, 6, "ima-ng", 64, &eventlog_ima_malformed},
        {10, 6, "ima-ng", 65, &eventlog_ima_truncated},
        {10, 3, "ima", 0, &eventlog_ima_malformed},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ima_list parsed;
        _cleanup_buf_ struct buf bytes;
        buf_init(&bytes, 4096);
        append_raw(&bytes, cases[i].pcr, cases[i].name_size, cases[i].name, cases[i].size);
        assert_refused(ima_parse(&parsed, buf_slice(&bytes), err), *cases[i].code);
    }
}

/* A name that does not fit the padding of the legacy template. */
static void test_legacy_name(void **state)
{
    (void)state;
    struct ima_list parsed;
    for (uint32_t size = 255; size <= 256; size++) {
        _cleanup_buf_ struct buf bytes;
        buf_init(&bytes, 4096);
        buf_append_u32_le(&bytes, IMA_PCR);
        buf_append(&bytes, slice_of(zeros, 20));
        buf_append_u32_le(&bytes, 3);
        buf_append_text(&bytes, "ima");
        buf_append(&bytes, slice_of(zeros, 20));
        buf_append_u32_le(&bytes, size);
        memset(buf_reserve(&bytes, size), 'a', size);
        buf_added(&bytes, size);
        if (size == 256) {
            assert_refused(ima_parse(&parsed, buf_slice(&bytes), err), eventlog_ima_malformed);
        } else {
            assert_ok(ima_parse(&parsed, buf_slice(&bytes), err));
            ima_done(&parsed);
        }
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct ima_list parsed;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, 64u << 20);
    for (int i = 0; i <= IMA_ENTRIES_MAX; i++)
        append_raw(&bytes, IMA_PCR, 1, "x", 64);
    assert_refused(ima_parse(&parsed, buf_slice(&bytes), err), eventlog_ima_too_large);
    while (bytes.size <= IMA_SIZE_MAX)
        append_raw(&bytes, IMA_PCR, 1, "x", 64);
    assert_refused(ima_parse(&parsed, buf_slice(&bytes), err), eventlog_ima_too_large);
}

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
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_other_pcr),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_truncated_at_every_byte),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_legacy_name),
        cmocka_unit_test(test_too_many),
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
