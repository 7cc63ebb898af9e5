/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "policy/baseline_compare.h"

static const struct baseline_images none;

/* Compares the log with a baseline of the other. */
static bool compare(struct baseline_result *out, const struct testing_log *log,
                    const struct testing_log *reference, const struct baseline_images *images,
                    enum digest_algorithm bank)
{
    struct policy_baseline baseline;
    _cleanup_baseline_boot_ struct baseline_boot boot;
    assert_ok(baseline_take(&baseline, &reference->log, BASELINE_PCRS_DEFAULT, err));
    baseline_boot_init(&boot, &log->log, bank);
    bool equal = baseline_compare(out, &baseline, &boot, images);
    baseline_done(&baseline);
    return equal;
}

static void test_same(void **state)
{
    (void)state;
    static const char *const boots[] = {"secure-boot-uki", "no-secure-boot-uki", "direct-kernel",
                                        "secure-boot-uki-three-banks"};
    for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
        _cleanup_testing_log_ struct testing_log log;
        struct baseline_result result;
        testing_log_recorded(&log, boots[i]);
        assert_true(compare(&result, &log, &log, &none, DIGEST_SHA256));
        assert_int_equal(result.count, 0);
    }
}

static void test_banks(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log one, three;
    struct baseline_result result;
    testing_log_recorded(&one, "secure-boot-uki");
    testing_log_recorded(&three, "secure-boot-uki-three-banks");
    assert_true(compare(&result, &three, &three, &none, DIGEST_SHA384));
    assert_false(compare(&result, &three, &one, &none, DIGEST_SHA384));
    assert_true(result.bank_missing);
    assert_false(compare(&result, &one, &one, &none, DIGEST_SHA384));
    assert_true(result.bank_missing);
    assert_false(compare(&result, &three, &three, &none, DIGEST_SHA1));
    assert_true(result.bank_missing);
}

/* Another firmware, and another state of Secure Boot: both directions. */
static void test_differs(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log on, off;
    struct baseline_result result;
    testing_log_recorded(&on, "secure-boot-uki");
    testing_log_recorded(&off, "no-secure-boot-uki");
    assert_false(compare(&result, &off, &on, &none, DIGEST_SHA256));
    assert_false(result.bank_missing);
    bool extra = false, missing = false;
    for (uint32_t i = 0; i < result.count && i < BASELINE_DIFFERENCES_MAX; i++) {
        extra = extra || result.differences[i].is_extra;
        missing = missing || !result.differences[i].is_extra;
    }
    assert_true(extra && missing);
}

static void build(struct testing_log *out, const char *more, uint32_t pcr, int times)
{
    _cleanup_log_builder_ struct log_builder builder;
    struct log_linux boot;
    log_builder_init(&builder, testing_bank, 1);
    log_linux_init(&boot);
    log_linux_build(&builder, &boot);
    for (int i = 0; i < times; i++)
        log_builder_hashed(&builder, pcr, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION,
                           slice_from_text(more), SLICE_EMPTY);
    testing_log_parse(out, log_builder_slice(&builder));
}

static void test_extra_and_missing(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log plain, once, twice, elsewhere;
    struct baseline_result result;
    build(&plain, "", 4, 0);
    build(&once, "image", 4, 1);
    build(&twice, "image", 4, 2);
    build(&elsewhere, "image", 5, 1);
    assert_false(compare(&result, &once, &plain, &none, DIGEST_SHA256));
    assert_int_equal(result.count, 1);
    assert_true(result.differences[0].is_extra);
    assert_int_equal(result.differences[0].event, once.log.event_count - 1);
    assert_false(compare(&result, &plain, &once, &none, DIGEST_SHA256));
    assert_int_equal(result.count, 1);
    assert_false(result.differences[0].is_extra);
    assert_false(compare(&result, &twice, &once, &none, DIGEST_SHA256)); /* how often counts */
    assert_int_equal(result.count, 1);
    assert_true(compare(&result, &elsewhere, &plain, &none, DIGEST_SHA256)); /* not selected */
}

/* A boot image that a ci policy names is neither extra nor missing in PCR 4; elsewhere it is. */
static void test_images(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log plain, once, in_two;
    struct baseline_result result;
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, slice_from_text("image"));
    struct slice images[] = {digest_slice(&digest)};
    struct baseline_images allowed = {.allowed = images, .allowed_count = 1};
    struct baseline_images known = {.known = images, .known_count = 1};
    build(&plain, "", 4, 0);
    build(&once, "image", 4, 1);
    build(&in_two, "image", 2, 1);
    assert_true(compare(&result, &once, &plain, &allowed, DIGEST_SHA256));
    assert_false(compare(&result, &once, &plain, &known, DIGEST_SHA256));
    assert_true(compare(&result, &plain, &once, &known, DIGEST_SHA256));
    assert_false(compare(&result, &plain, &once, &allowed, DIGEST_SHA256));
    assert_false(compare(&result, &in_two, &plain, &allowed, DIGEST_SHA256));
}

static void test_locality(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    struct policy_baseline baseline;
    struct baseline_result result;
    _cleanup_baseline_boot_ struct baseline_boot boot;
    testing_log_recorded(&log, "secure-boot-uki");
    baseline_boot_init(&boot, &log.log, DIGEST_SHA256);
    assert_ok(baseline_take(&baseline, &log.log, BASELINE_PCRS_DEFAULT, err));
    log.log.locality = 3;
    assert_false(baseline_compare(&result, &baseline, &boot, &none));
    assert_true(result.locality_differs);
    baseline.pcrs &= ~1u; /* PCR 0 is not compared, so neither is its start */
    assert_false(baseline_compare(&result, &baseline, &boot, &none));
    assert_false(result.locality_differs);
    baseline_done(&baseline);
}

/* The same events of a PCR in another order are the same events. */
static void test_order(void **state)
{
    (void)state;
    _cleanup_log_builder_ struct log_builder forth, back;
    _cleanup_testing_log_ struct testing_log first, second;
    struct baseline_result result;
    struct log_linux boot;
    log_linux_init(&boot);
    log_builder_init(&forth, testing_bank, 1);
    log_builder_init(&back, testing_bank, 1);
    log_linux_build(&forth, &boot);
    log_linux_build(&back, &boot);
    log_builder_text(&forth, 2, EVENTLOG_EFI_ACTION, "a");
    log_builder_text(&forth, 2, EVENTLOG_EFI_ACTION, "b");
    log_builder_text(&back, 2, EVENTLOG_EFI_ACTION, "b");
    log_builder_text(&back, 2, EVENTLOG_EFI_ACTION, "a");
    testing_log_parse(&first, log_builder_slice(&forth));
    testing_log_parse(&second, log_builder_slice(&back));
    assert_true(compare(&result, &first, &second, &none, DIGEST_SHA256));
}

static void test_many(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log plain, many;
    struct baseline_result result;
    build(&plain, "", 4, 0);
    build(&many, "image", 4, 3 * BASELINE_DIFFERENCES_MAX);
    assert_false(compare(&result, &many, &plain, &none, DIGEST_SHA256));
    assert_int_equal(result.count, BASELINE_DIFFERENCES_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),    cmocka_unit_test(test_banks),
        cmocka_unit_test(test_differs), cmocka_unit_test(test_extra_and_missing),
        cmocka_unit_test(test_images),  cmocka_unit_test(test_locality),
        cmocka_unit_test(test_order),   cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
