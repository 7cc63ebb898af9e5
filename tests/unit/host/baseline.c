/* SPDX-License-Identifier: Apache-2.0 */
#include "host/baseline.h"

#include "tpm_fixture.h"

#include "../log_builder.h"
#include "eventlog/errors.h"

static struct host_config config;
static struct log_builder builder;

/* Builds a log, and has the TPM measure it as a boot does. */
static void boot(bool is_secure_boot_on)
{
    static const enum digest_algorithm bank[] = {DIGEST_SHA256};
    struct log_linux linux_boot;
    log_builder_init(&builder, bank, 1);
    log_linux_init(&linux_boot);
    linux_boot.is_secure_boot_on = is_secure_boot_on;
    log_linux_build(&builder, &linux_boot);
    tpm_measure(log_builder_slice(&builder));
    host_tpm_device_close(&device); /* what is tested opens it itself */
}

static int set_up(void **state)
{
    tpm_set_up(state);
    assert_ok(host_config_load(&config, "/nonexistent/host.conf", NULL, err));
    host_config_set(&config.moved_tcti, tcti);
    return 0;
}

static int tear_down(void **state)
{
    log_builder_done(&builder);
    host_config_done(&config);
    return tpm_tear_down(state);
}

static void takes_a_start_that_would_pass(void **state)
{
    (void)state;
    boot(true);
    assert_ok(
        host_baseline_validate(log_builder_slice(&builder), EVENTLOG_PROFILE_LINUX, &config, err));
}

static void names_what_is_missing(void **state)
{
    (void)state;
    struct error err = {0};
    boot(false);
    assert_false(
        host_baseline_validate(log_builder_slice(&builder), EVENTLOG_PROFILE_LINUX, &config, &err));
    assert_ptr_equal(err.code, &host_baseline_invalid);
    assert_string_equal(err.object, "Hgs_SecureBootEnabled");
    assert_non_null(strstr(err.message, "Secure Boot"));
}

/* systemd's word that user space begins is in no log of firmware. It has none in Windows. */
static void takes_what_systemd_extends(void **state)
{
    (void)state;
    struct error refusal = {0};
    uint8_t word[DIGEST_SHA256_SIZE];
    digest_sha256(word, slice_from_text("os-separator"));
    boot(true);
    take_tpm();
    for (unsigned pcr = 0; pcr < 8; pcr++)
        tpm_extend_by(pcr, word);
    host_tpm_device_close(&device);
    assert_ok(
        host_baseline_validate(log_builder_slice(&builder), EVENTLOG_PROFILE_LINUX, &config, err));
    assert_false(host_baseline_validate(log_builder_slice(&builder), EVENTLOG_PROFILE_WINDOWS,
                                        &config, &refusal));
    assert_non_null(strstr(refusal.message, "is not what this machine's TPM holds"));
}

/* A copy, or one that was edited. */
static void refuses_a_log_that_the_tpm_does_not_confirm(void **state)
{
    (void)state;
    struct error err = {0};
    boot(true);
    take_tpm();
    tpm_extend(4);
    tpm_extend(7);
    host_tpm_device_close(&device);
    assert_false(
        host_baseline_validate(log_builder_slice(&builder), EVENTLOG_PROFILE_LINUX, &config, &err));
    assert_ptr_equal(err.code, &host_baseline_invalid);
    assert_non_null(strstr(err.message, "PCR 4 and 7 differ"));
}

static void refuses_what_is_no_log(void **state)
{
    (void)state;
    boot(true);
    assert_refused(
        host_baseline_validate(slice_from_text("no log"), EVENTLOG_PROFILE_LINUX, &config, err),
        eventlog_truncated);
    host_config_set(&config.moved_tcti, "device:/nonexistent");
    assert_refused(
        host_baseline_validate(log_builder_slice(&builder), EVENTLOG_PROFILE_LINUX, &config, err),
        host_tpm_missing);
    host_config_set(&config.moved_bios_log, "/nonexistent/log");
    struct buf out;
    buf_init(&out, 1024);
    assert_refused(host_baseline_read(&out, &config, err), host_log_unreadable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_a_start_that_would_pass, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_what_systemd_extends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_what_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_log_that_the_tpm_does_not_confirm, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_log, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
