/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#define LINUX EVENTLOG_PROFILE_LINUX

static void test_take(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    struct policy_baseline baseline;
    testing_log_recorded(&log, "secure-boot-uki");
    assert_ok(baseline_take(&baseline, &log.log, BASELINE_PCRS_DEFAULT, err));
    /* PCR 0: version, two volumes, separator; 2: separator; 4: action, separator, image; 7: five
     * variables, separator, authority. */
    assert_int_equal(baseline.count, 4 + 1 + 3 + 7);
    assert_int_equal(baseline.pcrs, 0x95);
    assert_int_equal(baseline.locality, 0);
    assert_int_equal(baseline.banks, 1u << EVENTLOG_BANK_SHA256);
    assert_int_equal(baseline_digest(&baseline, 0, DIGEST_SHA256).size, 32);
    assert_int_equal(baseline_digest(&baseline, 0, DIGEST_SHA384).size, 0);
    for (uint32_t i = 0; i < baseline.count; i++)
        assert_true(strlen(baseline.events[i].words) > 0);
    baseline_done(&baseline);
}

static void test_banks(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    struct policy_baseline baseline;
    testing_log_recorded(&log, "secure-boot-uki-three-banks");
    assert_ok(baseline_take(&baseline, &log.log, 0xff, err));
    assert_int_equal(baseline_digest(&baseline, 0, DIGEST_SHA256).size, 32);
    assert_int_equal(baseline_digest(&baseline, 0, DIGEST_SHA384).size, 48);
    assert_int_equal(baseline_digest(&baseline, 0, DIGEST_SHA512).size, 0);
    assert_int_equal(baseline_digest(&baseline, 0, DIGEST_SHA1).size, 0);
    baseline_done(&baseline);
}

static void test_take_refuses(void **state)
{
    (void)state;
    static const enum digest_algorithm weak[] = {DIGEST_SHA1};
    _cleanup_testing_log_ struct testing_log log, sha1;
    _cleanup_log_builder_ struct log_builder builder;
    struct log_linux boot;
    struct policy_baseline baseline;
    testing_log_recorded(&log, "secure-boot-uki");
    assert_refused(baseline_take(&baseline, &log.log, 0x15, err), &policy_baseline_pcrs);
    assert_refused(baseline_take(&baseline, &log.log, 0x85, err), &policy_baseline_pcrs);
    assert_refused(baseline_take(&baseline, &log.log, 0x10090, err), &policy_baseline_pcrs);
    assert_refused(baseline_take(&baseline, &log.log, 0x8090, err), &policy_baseline_empty);
    log_builder_init(&builder, weak, 1);
    log_linux_init(&boot);
    log_linux_build(&builder, &boot);
    testing_log_parse(&sha1, log_builder_slice(&builder));
    assert_refused(baseline_take(&baseline, &sha1.log, BASELINE_PCRS_DEFAULT, err),
                   &policy_baseline_empty);
}

static void test_large(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    _cleanup_log_builder_ struct log_builder builder;
    struct log_linux boot;
    struct policy_baseline baseline;
    log_builder_init(&builder, testing_bank, 1);
    log_linux_init(&boot);
    log_linux_build(&builder, &boot);
    for (int i = 0; i < BASELINE_EVENTS_MAX; i++)
        log_builder_text(&builder, 2, EVENTLOG_EFI_ACTION, "again");
    testing_log_parse(&log, log_builder_slice(&builder));
    assert_refused(baseline_take(&baseline, &log.log, BASELINE_PCRS_DEFAULT, err),
                   &policy_baseline_large);
}

static void write(struct buf *out, const struct policy_baseline *baseline)
{
    struct json_writer writer;
    buf_init(out, POLICY_RECORD_MAX);
    json_writer_init(&writer, out);
    baseline_write(&writer, NULL, baseline);
    assert_ok(buf_ok(out, "baseline", err));
}

static bool read(struct policy_baseline *out, const char *text, struct error *err)
{
    _cleanup_json_ struct json *document = NULL;
    return json_parse(&document, slice_from_text(text), err) && baseline_read(out, document, err);
}

static void test_write_and_read(void **state)
{
    (void)state;
    static const char *const boots[] = {"secure-boot-uki", "secure-boot-uki-three-banks"};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_testing_log_ struct testing_log log;
        _cleanup_buf_ struct buf first, second;
        struct policy_baseline baseline, again;
        testing_log_recorded(&log, boots[i]);
        assert_ok(baseline_take(&baseline, &log.log, BASELINE_PCRS_DEFAULT, err));
        write(&first, &baseline);
        assert_ok(read(&again, buf_text(&first), err));
        write(&second, &again);
        assert_string_equal(buf_text(&first), buf_text(&second));
        assert_int_equal(again.banks, baseline.banks);
        for (size_t bank = 0; bank < EVENTLOG_BANKS; bank++) {
            assert_int_equal(again.sorted[bank] == NULL, baseline.sorted[bank] == NULL);
            if (again.sorted[bank] != NULL)
                assert_memory_equal(again.sorted[bank], baseline.sorted[bank],
                                    again.count * sizeof *again.sorted[bank]);
        }
        baseline_done(&baseline);
        baseline_done(&again);
    }
}

#define D "00000000000000000000000000000000000000000000000000000000000000"
#define EVENT(pcr) "{\"pcr\":" pcr ",\"type\":4,\"sha256\":\"00" D "\",\"words\":\"w\"}"

static void test_read_refuses(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "{\"pcrs\":[4],\"locality\":0,\"events\":[" EVENT("4") "]}",
        "{\"pcrs\":[4,7,16],\"locality\":0,\"events\":[]}",
        "{\"pcrs\":[4,7.5],\"locality\":0,\"events\":[]}",
        "{\"pcrs\":[4,\"7\"],\"locality\":0,\"events\":[]}",
        "{\"pcrs\":[4,7],\"locality\":5,\"events\":[" EVENT("4") "," EVENT("7") "]}",
        "{\"pcrs\":[4,7],\"locality\":0,\"events\":[" EVENT("4") "]}",
        "{\"pcrs\":[4,7],\"locality\":0,\"events\":[" EVENT("4") "," EVENT("0") "]}",
        "{\"pcrs\":[4,7],\"locality\":0,\"events\":[" EVENT(
            "4") ","
                 "{\"pcr\":7,\"type\":4,\"sha256\":\"00\",\"words\":\"w\"}]}",
        "{\"pcrs\":[4,7],\"locality\":0,\"events\":[" EVENT(
            "4") ","
                 "{\"pcr\":7,\"type\":-1,\"sha256\":\"00" D "\",\"words\":\"w\"}]}",
        /* no bank has both */
        "{\"pcrs\":[4,7],\"locality\":0,\"events\":[" EVENT(
            "4") ","
                 "{\"pcr\":7,\"type\":4,\"sha384\":\"0000000000000000000000000000000000" D
                 "\",\"words\":\"w\"}]}",
    };
    struct policy_baseline baseline;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        print_message("%s\n", malformed[i]);
        assert_refused(read(&baseline, malformed[i], err), &policy_record_malformed);
    }
    assert_refused(read(&baseline, "{\"pcrs\":[4,7]}", err), &base_json_malformed);
    assert_refused(read(&baseline, "{\"pcrs\":[4,7],\"locality\":0,\"events\":[{}]}", err),
                   &base_json_malformed);
    assert_refused(
        read(&baseline,
             "{\"pcrs\":[4,7],\"locality\":0,\"events\":[{\"pcr\":4,\"type\":4,\"sha256\":\"x\","
             "\"words\":\"\"}]}",
             err),
        &base_hex_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take),           cmocka_unit_test(test_banks),
        cmocka_unit_test(test_take_refuses),   cmocka_unit_test(test_large),
        cmocka_unit_test(test_write_and_read), cmocka_unit_test(test_read_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
