/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_device.h"

#include "tpm_fixture.h"

#include "tpm/command.h"
#include "tpm/response.h"

/* TPM2_GetRandom(8). */
static const uint8_t get_random[] = {0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7B, 0, 8};

static void relays_bytes(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf response;
    buf_init(&response, 4096);
    assert_ok(
        host_tpm_device_transmit(device, &response, slice_of(get_random, sizeof get_random), err));
    assert_int_equal(response.size, 10 + 2 + 8);
    assert_int_equal(tpm_response_code(buf_slice(&response)), 0);
    /* Its own commands go on over the same connection. */
    uint32_t family = 0;
    assert_true(host_tpm_device_property(device, TPM2_PT_FAMILY_INDICATOR, &family));
    assert_int_equal(family, 0x322E3000); /* "2.0" */
    assert_false(host_tpm_device_property(device, 0x00000180, &family));
}

static void relays_a_refusal_as_it_is(void **state)
{
    (void)state;
    const uint8_t unknown[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x0F, 0xFF};
    _cleanup_buf_ struct buf response;
    buf_init(&response, 4096);
    assert_ok(host_tpm_device_transmit(device, &response, slice_of(unknown, sizeof unknown), err));
    assert_int_equal(tpm_response_code(buf_slice(&response)), TPM2_RC_COMMAND_CODE);
}

static void sends_whole_commands_only(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf response;
    uint8_t large[HOST_TPM_COMMAND_MAX + 1] = {0x80, 0x01, 0, 0, 0x10, 0x01};
    buf_init(&response, 4096);
    const struct slice wrong[] = {SLICE_EMPTY, slice_of(get_random, 9), slice_of(get_random, 11),
                                  slice_of(large, sizeof large)};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(host_tpm_device_transmit(device, &response, wrong[i], err), host_tpm_failed);
    assert_int_equal(response.size, 0);
}

static void says_what_is_in_the_way(void **state)
{
    (void)state;
    struct host_tpm_device *other = NULL;
    char path[128];
    assert_refused(host_tpm_device_open(&other, "device:/nonexistent/tpmrm0", err),
                   host_tpm_missing);
    snprintf(path, sizeof path, "swtpm:path=%s/nobody", tpm.folder);
    assert_refused(host_tpm_device_open(&other, path, err), host_tpm_missing);
    assert_refused(host_tpm_device_open(&other, "telepathy:1", err), host_tpm_name);
    assert_null(other);
}

/* Named, with the group and the command, instead of "permission denied". */
static void names_the_group_to_join(void **state)
{
    (void)state;
    struct host_tpm_device *other = NULL;
    char path[128];
    struct error err = {0};
    if (geteuid() != 0) { /* a file of our own that we may not open */
        snprintf(path, sizeof path, "%s/locked", tpm.folder);
        fclose(fopen(path, "w"));
        assert_int_equal(chmod(path, 0), 0);
    } else { /* root may open everything: somebody else may not */
        snprintf(path, sizeof path, "%s/locked", tpm.folder);
        fclose(fopen(path, "w"));
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(chmod(tpm.folder, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    char name[160];
    snprintf(name, sizeof name, "device:%s", path);
    bool opened = host_tpm_device_open(&other, name, &err);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_false(opened);
    assert_string_equal(err.code->name, host_tpm_permission.name);
    assert_non_null(strstr(err.message, "usermod -aG tss"));
}

/* A file that is no TPM answers nothing that a TPM 2.0 would. */
static void refuses_what_is_no_tpm(void **state)
{
    (void)state;
    struct host_tpm_device *other = NULL;
    struct error err = {0};
    assert_false(host_tpm_device_open(&other, "device:/dev/null", &err));
    assert_true(err.code == &host_tpm_failed || err.code == &host_tpm_version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relays_bytes),
        cmocka_unit_test(relays_a_refusal_as_it_is),
        cmocka_unit_test(sends_whole_commands_only),
        cmocka_unit_test(says_what_is_in_the_way),
        cmocka_unit_test(names_the_group_to_join),
        cmocka_unit_test(refuses_what_is_no_tpm),
    };
    return cmocka_run_group_tests(tests, tpm_set_up, tpm_tear_down);
}
