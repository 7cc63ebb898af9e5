/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/words.h"

#include "eventlog/event_type.h"
#include "eventlog/variable.h"
#include "testing.h"

static void assert_words(const struct log_builder *builder, const char *expected)
{
    char text[EVENTLOG_WORDS_SIZE];
    _cleanup_eventlog_ struct eventlog log = {0};
    assert_ok(eventlog_parse(&log, log_builder_slice(builder), err));
    assert_string_equal(eventlog_words(text, &log, log.event_count - 1, DIGEST_SHA256), expected);
}

static void test_variables(void **state)
{
    (void)state;
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    log_builder_variable(&builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_global_variable,
                         "SecureBoot", slice_of("\1", 1));
    assert_words(&builder, "Secure Boot on");
    log_builder_variable(&builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_global_variable,
                         "SecureBoot", slice_of("\0", 1));
    assert_words(&builder, "Secure Boot off");
    log_builder_variable(&builder, 7, EVENTLOG_EFI_VARIABLE_DRIVER_CONFIG, &uefi_global_variable,
                         "PK", SLICE_EMPTY);
    assert_words(&builder, "variable PK, 0 bytes, sha256 dea7b80ab53a3daa...");
    log_builder_variable(&builder, 1, EVENTLOG_EFI_VARIABLE_BOOT, &uefi_global_variable, "Boot0000",
                         slice_of("x", 1));
    assert_words(&builder, "variable Boot0000, 1 bytes, sha256 95b372b9ae2ff46f...");
}

static void test_authority(void **state)
{
    (void)state;
    char text[EVENTLOG_WORDS_SIZE];
    struct log_windows windows;
    _cleanup_log_builder_ struct log_builder builder;
    _cleanup_eventlog_ struct eventlog log = {0};
    testing_log(&builder);
    log_windows_init(&windows);
    log_windows_firmware(&builder, &windows);
    assert_ok(eventlog_parse(&log, log_builder_slice(&builder), err));
    eventlog_words(text, &log, log.event_count - 2, DIGEST_SHA256);
    assert_non_null(strstr(text, "verified by db: "));
    assert_non_null(strstr(text, "Microsoft Windows Production PCA 2011"));
}

static void test_texts(void **state)
{
    (void)state;
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    log_builder_text(&builder, 7, EVENTLOG_EFI_ACTION, "UEFI Debug Mode");
    assert_words(&builder, "\"UEFI Debug Mode\"");
    log_builder_hashed(&builder, 7, EVENTLOG_EFI_ACTION, slice_from_text("x"),
                       slice_from_text("good\x1b[31m\n"));
    assert_words(&builder, "claims to be \"good?[31m?\"");
    log_builder_event(&builder, 7, EVENTLOG_SEPARATOR, slice_of("\0\0\0\0", 4));
    assert_words(&builder, "separator");
    log_builder_event(&builder, 7, EVENTLOG_SEPARATOR, slice_of("\xff\xff\xff\xff", 4));
    assert_words(&builder, "separator by which firmware reports an error");
    log_builder_text(&builder, 12, EVENTLOG_SEPARATOR, "WBCL");
    assert_words(&builder, "Windows closed this PCR");
    log_builder_note(&builder, 0, slice_of("StartupLocality\0\3", 17));
    assert_words(&builder, "note, not measured: StartupLocality 3");
    log_builder_text(&builder, 3, 0x12345678, "x");
    assert_words(&builder, "an event of type 0x12345678, sha256 2d711642b726b044...");
}

static void test_images(void **state)
{
    (void)state;
    static const char path[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\x0e\0\0\0\0\0\0\0"
                               "\4\4\x0a\0a\0.\0\0\0"
                               "\x7f\xff\4\0";
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    log_builder_hashed(&builder, 4, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION, slice_from_text("x"),
                       slice_of(path, sizeof path - 1));
    assert_words(&builder, "started an image, sha256 2d711642b726b044..., claims to be a.");
}

static void test_loaders(void **state)
{
    (void)state;
    _cleanup_log_builder_ struct log_builder builder;
    testing_log(&builder);
    log_builder_hashed(&builder, 8, EVENTLOG_IPL, slice_from_text("/vmlinuz quiet"),
                       slice_of("kernel_cmdline: /vmlinuz quiet", 31));
    assert_words(&builder, "boot loader: kernel_cmdline: /vmlinuz quiet");
    log_builder_hashed(&builder, 8, EVENTLOG_IPL, slice_from_text("evil"),
                       slice_of("grub_cmd: set a=b", 18));
    assert_words(&builder, "boot loader, claims to be: grub_cmd: set a=b");
    log_builder_wide(&builder, 12, "quiet");
    assert_words(&builder, "kernel command line: quiet");
    log_builder_hashed(&builder, 9, EVENTLOG_TAG, slice_from_text("x"),
                       slice_of("\xed\x22\x3b\x8f\2\0\0\0ab", 10));
    assert_words(&builder, "the kernel's command line, sha256 2d711642b726b044...");
}

static void test_windows(void **state)
{
    (void)state;
    char text[EVENTLOG_WORDS_SIZE];
    struct log_windows windows;
    _cleanup_log_builder_ struct log_builder builder;
    _cleanup_eventlog_ struct eventlog log = {0};
    testing_log(&builder);
    log_windows_init(&windows);
    log_windows_build(&builder, &windows);
    assert_ok(eventlog_parse(&log, log_builder_slice(&builder), err));
    for (uint32_t i = 0; i < log.event_count; i++) {
        eventlog_words(text, &log, i, DIGEST_SHA256);
        assert_true(strlen(text) > 0);
        if (log.events[i].pcr == 12 && strstr(text, "transfer control") != NULL)
            assert_non_null(strstr(text, "code integrity 1, test signing 0"));
    }
}

/* Whatever the bytes are, the words are printable and end. */
static void test_recorded(void **state)
{
    (void)state;
    char text[EVENTLOG_WORDS_SIZE];
    for (size_t boot = 0; boot < TESTING_BOOTS; boot++) {
        _cleanup_buf_ struct buf bytes;
        _cleanup_eventlog_ struct eventlog log = {0};
        testing_read(&bytes, testing_boots[boot], "bios.bin");
        assert_ok(eventlog_parse(&log, buf_slice(&bytes), err));
        for (uint32_t i = 0; i < log.event_count; i++) {
            eventlog_words(text, &log, i, DIGEST_SHA256);
            assert_true(strlen(text) > 0 && strlen(text) < EVENTLOG_WORDS_SIZE);
            for (const char *c = text; *c != '\0'; c++)
                assert_true(*c >= 0x20 && *c <= 0x7E);
            assert_non_null(eventlog_type_name(log.events[i].type));
        }
    }
    assert_null(eventlog_type_name(0x12345678));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables), cmocka_unit_test(test_authority),
        cmocka_unit_test(test_texts),     cmocka_unit_test(test_images),
        cmocka_unit_test(test_loaders),   cmocka_unit_test(test_windows),
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
