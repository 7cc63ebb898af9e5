/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/folders.h"

#include <unistd.h>

#include "../folder.h"
#include "admin/hgsd_errors.h"
#include "base/file.h"

static char folder[FOLDER_SIZE];

static const char *at(const char *name)
{
    return folder_at(folder, name);
}

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    assert_int_equal(mkdir(at("keys"), 0700), 0);
    assert_int_equal(symlink("keys", at("link")), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void what_lies_in_a_folder(void **state)
{
    (void)state;
    assert_true(folders_hold(folder, folder));
    assert_true(folders_hold(folder, at("keys")));
    assert_true(folders_hold("/", at("keys")));
    assert_true(folders_hold(at("keys"), at("link")));
    assert_false(folders_hold(at("keys"), folder));
    assert_false(folders_hold(at("key"), at("keys")));
    /* What comes later, too. */
    assert_true(folders_hold(folder, at("later/still")));
    assert_true(folders_hold(at("later"), at("later/still")));
    assert_true(folders_hold(at("keys"), at("link/later")));
    assert_true(folders_hold(".", "later/still"));
    assert_false(folders_hold(at("later"), at("latest")));
    assert_true(folders_hold(at("later/"), at("later/still")));
    assert_true(folders_hold(at("later/./"), at("later//still")));
    /* Where it cannot be told, they are not kept apart. */
    assert_true(folders_hold(at("later/../"), at("keys")));
    assert_true(folders_hold(at("keys"), at("later/../keys")));
    assert_false(folders_hold(at("keys/../other"), at("keys")));
}

/* A configuration with this state folder and these lines. */
static void load(struct hgsd_config *config, const char *lines)
{
    char text[2048];
    struct error err = {0};
    snprintf(text, sizeof text,
             "[service]\nstate = %s/state\n[listen]\nhttp = 127.0.0.1:0\n[admin]\n"
             "socket = %s/s\n%s",
             folder, folder, lines);
    assert_true(file_replace(at("hgsd.conf"), slice_from_text(text), 0600, NULL));
    if (!hgsd_config_load(config, at("hgsd.conf"), &err))
        fail_msg("%s: %s", err.object, err.message);
}

/* Refused, and says that this setting is why; NULL: it is good. */
static void check(const char *lines, const char *setting)
{
    struct hgsd_config config;
    struct error err = {0};
    load(&config, lines);
    bool good = folders_check(&config, &err);
    if (good != (setting == NULL))
        fail_msg("%s: %s", lines, err.message);
    if (!good) {
        assert_ptr_equal(err.code, &hgsd_config_invalid);
        assert_non_null(strstr(err.message, setting));
    }
    hgsd_config_done(&config);
}

/* The service's sandbox leaves it what it writes to, whole. */
static void secrets_lie_where_the_service_does_not_write(void **state)
{
    (void)state;
    char lines[1024];
    check("", NULL);
    snprintf(lines, sizeof lines, "[store]\npath = %s/state/hgs.db\n", folder);
    check(lines, "[store] path");
    snprintf(lines, sizeof lines, "[store]\npath = %s/state//hgs.db\n", folder);
    check(lines, "[store] path");
    snprintf(lines, sizeof lines, "[store]\npath = %s/later/../state/hgs.db\n", folder);
    check(lines, "[store] path");
    snprintf(lines, sizeof lines, "[audit]\nfolder = %s/state\n", folder);
    check(lines, "[audit] folder");
    snprintf(lines, sizeof lines, "[keyholder]\nkey-folder = %s/state/audit/keys\n", folder);
    check(lines, "[audit] folder");
    snprintf(lines, sizeof lines, "[keyholder]\nfolder = %s/state/audit\n", folder);
    check(lines, "[audit] folder");
    static const char token[] = "[token t]\nmodule = /m.so\nuri = pkcs11:token=t\n";
    snprintf(lines, sizeof lines, "%spin-file = %s/state/audit/pin\n", token, folder);
    check(lines, "[audit] folder");
    snprintf(lines, sizeof lines, "%swrite = %s/state/audit/tokens\n", token, folder);
    check(lines, "[audit] folder");
    snprintf(lines, sizeof lines, "%spin-file = %s/pin\nwrite = %s/tokens\n", token, folder,
             folder);
    check(lines, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_lies_in_a_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_lie_where_the_service_does_not_write, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
