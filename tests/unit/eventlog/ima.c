/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing and replaying IMA's list, and where it disagrees with the PCR. */

#include "ima_builder.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
