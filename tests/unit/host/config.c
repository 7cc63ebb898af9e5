/* SPDX-License-Identifier: Apache-2.0 */
#include "host/config.h"

#include "../folder.h"

#include <string.h>

#include "base/errors.h"
#include "base/file.h"
#include "host/errors.h"

static char folder[FOLDER_SIZE];
static char path[FOLDER_SIZE + 16];

static int set_up(void **state)
{
    (void)state;
    unsetenv("HGS_HOST_CONFIG");
    unsetenv("HGS_HOST_STATE");
    folder_make(folder);
    snprintf(path, sizeof path, "%s/host.conf", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void text(char **out, char *made)
{
    free(*out);
    *out = made;
}

static void has_defaults(void **state)
{
    (void)state;
    struct host_config config = {0};
    char *resolved = NULL;
    assert_ok(host_config_load(&config, path, NULL, err));
    assert_string_equal(config.path, path);
    assert_string_equal(config.attestation_url, "");
    assert_int_equal(config.pins.count, 0);
    text(&resolved, host_config_state(&config));
    assert_string_equal(resolved, HOST_STATE_PATH);
    text(&resolved, host_config_resolve(&config, config.key_file));
    assert_string_equal(resolved + strlen(folder), "/host.key");
    text(&resolved, host_config_resolve(&config, "/etc/x"));
    assert_string_equal(resolved, "/etc/x");
    assert_refused(host_config_require(&config, err), host_not_configured);
    free(resolved);
    host_config_done(&config);
}

static void finds_the_file(void **state)
{
    (void)state;
    struct host_config config = {0};
    char *resolved = NULL;
    setenv("HGS_HOST_CONFIG", path, 1);
    setenv("HGS_HOST_STATE", "/x/state", 1);
    assert_ok(host_config_load(&config, NULL, NULL, err));
    assert_string_equal(config.path, path);
    text(&resolved, host_config_state(&config));
    assert_string_equal(resolved, "/x/state");
    host_config_done(&config);
    assert_ok(host_config_load(&config, "/nowhere/host.conf", "/y", err));
    assert_string_equal(config.path, "/nowhere/host.conf");
    text(&resolved, host_config_state(&config));
    assert_string_equal(resolved, "/y");
    host_config_done(&config);
    unsetenv("HGS_HOST_CONFIG");
    assert_ok(host_config_load(&config, NULL, NULL, err));
    assert_string_equal(config.path, HOST_CONFIG_PATH);
    host_config_done(&config);
    free(resolved);
}

static void is_written_and_read_back(void **state)
{
    (void)state;
    static const char *const pins[] = {"aa", "bb"};
    struct host_config config = {0}, again = {0};
    assert_ok(host_config_load(&config, path, "/moved", err));
    host_config_set(&config.attestation_url, "http://h:1/Attestation");
    host_config_set(&config.key_protection_url, "https://h/KeyProtection?a=b#c");
    host_config_set(&config.attestation_fallback_url, "http://f/Attestation");
    host_config_set(&config.ca_file, "ca.pem");
    host_config_set_pins(&config, pins, 2);
    assert_ok(host_config_save(&config, err));
    assert_int_equal(mode_of(path), 0644);
    assert_ok(host_config_load(&again, path, NULL, err));
    assert_string_equal(again.attestation_url, "http://h:1/Attestation");
    assert_string_equal(again.key_protection_url, "https://h/KeyProtection?a=b#c");
    assert_string_equal(again.attestation_fallback_url, "http://f/Attestation");
    assert_string_equal(again.key_protection_fallback_url, "");
    assert_int_equal(again.pins.count, 2);
    assert_string_equal(again.pins.items[1], "bb");
    /* --state is for one run and not for the file */
    assert_string_equal(again.state, HOST_STATE_PATH);
    assert_ok(host_config_require(&again, err));
    host_config_set(&again.key_protection_url, "");
    assert_refused(host_config_require(&again, err), host_not_configured);
    host_config_done(&config);
    host_config_done(&again);
}

static void refuses_unknown_keys(void **state)
{
    (void)state;
    struct host_config config = {0};
    assert_ok(file_replace(path, slice_from_text("[host]\nkye = x\n"), 0600, err));
    assert_refused(host_config_load(&config, path, NULL, err), base_config_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_written_and_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_unknown_keys, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
