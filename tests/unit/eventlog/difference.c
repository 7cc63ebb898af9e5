/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/difference.h"

#include "testing.h"

struct pair {
    struct eventlog now, was;
    struct eventlog_differences differences;
};

static void compare(struct pair *pair, struct slice now, struct slice was, uint32_t pcrs)
{
    *pair = (struct pair){0};
    assert_ok(eventlog_parse(&pair->now, now, err));
    assert_ok(eventlog_parse(&pair->was, was, err));
    eventlog_compare(&pair->differences, &pair->now, &pair->was, DIGEST_SHA256, pcrs);
}

static void done(struct pair *pair)
{
    eventlog_differences_done(&pair->differences);
    eventlog_done(&pair->now);
    eventlog_done(&pair->was);
}

static bool has(const struct pair *pair, uint32_t pcr, const char *text)
{
    for (uint32_t i = 0; i < pair->differences.count; i++)
        if (pair->differences.list[i].pcr == pcr &&
            strcmp(pair->differences.list[i].text, text) == 0)
            return true;
    return false;
}

static void test_equal(void **state)
{
    (void)state;
    struct pair pair;
    _cleanup_buf_ struct buf bytes;
    testing_read(&bytes, "secure-boot-uki", "bios.bin");
    compare(&pair, buf_slice(&bytes), buf_slice(&bytes), TESTING_ALL_PCRS);
    assert_int_equal(pair.differences.count, 0);
    assert_int_equal(pair.differences.pcrs, 0);
    done(&pair);
}

static void test_secure_boot(void **state)
{
    (void)state;
    struct pair pair;
    _cleanup_buf_ struct buf now, was;
    testing_read(&now, "no-secure-boot-uki", "bios.bin");
    testing_read(&was, "secure-boot-uki", "bios.bin");
    compare(&pair, buf_slice(&now), buf_slice(&was), 1u << 4 | 1u << 7);
    assert_int_equal(pair.differences.pcrs, 1u << 4 | 1u << 7);
    assert_true(has(&pair, 7, "Secure Boot off; was on"));
    done(&pair);
    compare(&pair, buf_slice(&now), buf_slice(&was), 1u << 4);
    assert_int_equal(pair.differences.pcrs, 1u << 4);
    assert_false(has(&pair, 7, "Secure Boot off; was on"));
    done(&pair);
}

static void test_new_gone_changed(void **state)
{
    (void)state;
    struct pair pair;
    _cleanup_log_builder_ struct log_builder now, was;
    testing_log(&now);
    testing_log(&was);
    log_builder_text(&now, 5, EVENTLOG_EFI_ACTION, "same");
    log_builder_text(&now, 5, EVENTLOG_EFI_ACTION, "same");
    log_builder_text(&now, 2, EVENTLOG_SEPARATOR, "WBCL");
    log_builder_text(&was, 5, EVENTLOG_EFI_ACTION, "same");
    log_builder_text(&was, 6, EVENTLOG_EFI_ACTION, "old");
    log_builder_note(&was, 3, slice_from_text("a note does not count"));
    compare(&pair, log_builder_slice(&now), log_builder_slice(&was), TESTING_ALL_PCRS);
    assert_int_equal(pair.differences.count, 3);
    assert_true(has(&pair, 5, "new: \"same\""));
    assert_true(has(&pair, 2, "new: Windows closed this PCR"));
    assert_true(has(&pair, 6, "gone: \"old\""));
    assert_int_equal(pair.differences.list[0].was, EVENTLOG_NO_EVENT);
    assert_int_equal(pair.differences.list[2].now, EVENTLOG_NO_EVENT);
    done(&pair);
}

static void test_another_order(void **state)
{
    (void)state;
    struct pair pair;
    _cleanup_log_builder_ struct log_builder now, was;
    testing_log(&now);
    testing_log(&was);
    log_builder_text(&now, 5, EVENTLOG_EFI_ACTION, "a");
    log_builder_text(&now, 5, EVENTLOG_EFI_ACTION, "b");
    log_builder_text(&was, 5, EVENTLOG_EFI_ACTION, "b");
    log_builder_text(&was, 5, EVENTLOG_EFI_ACTION, "a");
    compare(&pair, log_builder_slice(&now), log_builder_slice(&was), TESTING_ALL_PCRS);
    assert_int_equal(pair.differences.count, 1);
    assert_true(has(&pair, 5, "the same events in another order"));
    done(&pair);
}

static void test_many(void **state)
{
    (void)state;
    struct pair pair;
    _cleanup_log_builder_ struct log_builder now, was;
    testing_log(&now);
    testing_log(&was);
    for (int i = 0; i < 3000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        log_builder_text(&now, 5, EVENTLOG_EFI_ACTION, text);
        log_builder_text(&was, (uint32_t)(6 + i % 2), EVENTLOG_EFI_ACTION, text);
    }
    compare(&pair, log_builder_slice(&now), log_builder_slice(&was), TESTING_ALL_PCRS);
    assert_int_equal(pair.differences.count, EVENTLOG_DIFFERENCES_MAX);
    assert_true(pair.differences.is_cut);
    assert_int_equal(pair.differences.pcrs, 1u << 5 | 1u << 6 | 1u << 7);
    done(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_secure_boot),
        cmocka_unit_test(test_new_gone_changed),
        cmocka_unit_test(test_another_order),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
