/* SPDX-License-Identifier: Apache-2.0 */
/* What the sandbox leaves the service of the files that it reads again. What comes of a reload is
 * in tests/integration/reload.py, where there is a sandbox. */
#include "hgsd/reload.h"

#include "../testing.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct clock test_clock;

/* A path below the folder; at most 16 at a time. */
static char *at(const char *name)
{
    static char paths[16][160];
    static size_t next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void touch(const char *name)
{
    assert_true(file_replace(at(name), slice_from_text("x"), 0600, NULL));
}

static int set_up(void **state)
{
    (void)state;
    char text[64] = "/tmp/hgs-reload-XXXXXX";
    assert_non_null(mkdtemp(text));
    char *real = realpath(text, NULL);
    snprintf(folder, sizeof folder, "%s", real);
    free(real);
    clock_init(&test_clock);
    static const char *const folders[] = {"live", "archive", "etc", "etc/keys", "state"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_int_equal(mkdir(at(folders[i]), 0700), 0);
    touch("archive/tls1.pem");
    touch("live/tls.key");
    touch("etc/hgsd.conf");
    touch("etc/tls.pem");
    assert_int_equal(symlink("../archive/tls1.pem", at("live/tls.pem")), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    return 0;
}

/* One user for all, as whoever runs this test. */
static struct hgsd_config config_with(char *certificate, char *key)
{
    return (struct hgsd_config){.certificate = certificate,
                                .key = key,
                                .password_file = (char *)"",
                                .keyholder_folder = at("state/keyholder"),
                                .key_folder = at("etc/keys")};
}

static bool has(const struct reload_readable *readable, const char *path)
{
    for (size_t i = 0; readable->paths[i] != NULL; i++)
        if (strcmp(readable->paths[i], path) == 0)
            return true;
    return false;
}

static void expect_fixed(const struct hgsd_config *config, const char *config_path,
                         const char *expected)
{
    struct reload *reload = reload_new(config, config_path, &test_clock);
    struct json_writer writer;
    _cleanup_buf_ struct buf text;
    buf_init(&text, 4096);
    json_writer_init(&writer, &text);
    json_write_object(&writer, NULL);
    reload_describe(reload, &writer);
    json_write_object_end(&writer);
    assert_string_equal(buf_text(&text), expected);
    assert_false(reload_problem(reload, NULL));
    reload_free(&reload);
    assert_null(reload);
    reload_free(&reload);
}

static void folders_are_left_and_those_that_links_lead_to(void **state)
{
    (void)state;
    struct hgsd_config config = config_with(at("live/tls.pem"), at("live/tls.key"));
    _cleanup_reload_readable_ struct reload_readable readable;
    reload_readable_init(&readable, &config, at("archive/tls1.pem"));
    assert_true(has(&readable, at("live")));
    assert_true(has(&readable, at("archive")));
    assert_false(has(&readable, at("live/tls.pem")));
    expect_fixed(&config, at("archive/tls1.pem"), "{\"reload\":{\"fixed\":[]}}");
}

static void a_folder_above_secrets_is_not_left(void **state)
{
    (void)state;
    struct hgsd_config config = config_with(at("etc/tls.pem"), at("live/tls.key"));
    _cleanup_reload_readable_ struct reload_readable readable;
    char expected[512];
    reload_readable_init(&readable, &config, at("etc/hgsd.conf"));
    assert_true(has(&readable, at("etc/hgsd.conf")));
    assert_true(has(&readable, at("etc/tls.pem")));
    assert_true(has(&readable, at("live")));
    assert_false(has(&readable, at("etc")));
    snprintf(expected, sizeof expected,
             "{\"reload\":{\"fixed\":[\"%s/etc/hgsd.conf\",\"%s/etc/tls.pem\"]}}", folder, folder);
    expect_fixed(&config, at("etc/hgsd.conf"), expected);
}

/* A link out of a good folder opens none that must stay closed. */
static void a_link_into_a_folder_above_secrets_opens_the_file_alone(void **state)
{
    (void)state;
    assert_int_equal(symlink("../etc/tls.pem", at("live/linked.pem")), 0);
    struct hgsd_config config = config_with(at("live/linked.pem"), (char *)"");
    _cleanup_reload_readable_ struct reload_readable readable;
    char expected[512];
    reload_readable_init(&readable, &config, at("archive/tls1.pem"));
    assert_true(has(&readable, at("live")));
    assert_true(has(&readable, at("etc/tls.pem")));
    assert_false(has(&readable, at("etc")));
    snprintf(expected, sizeof expected, "{\"reload\":{\"fixed\":[\"%s/live/linked.pem\"]}}",
             folder);
    expect_fixed(&config, at("archive/tls1.pem"), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_left_and_those_that_links_lead_to),
        cmocka_unit_test(a_folder_above_secrets_is_not_left),
        cmocka_unit_test(a_link_into_a_folder_above_secrets_opens_the_file_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
