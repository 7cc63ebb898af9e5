/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../testing.h"
#include "base/errors.h"
#include "base/file.h"

struct settings {
    char *user;
    char *none;
    struct config_list listen;
    bool enabled;
    int64_t workers;
    int64_t idle;
    int64_t body;
    int64_t offset;
};

#define FIELD(name) offsetof(struct settings, name)
static const struct config_key keys[] = {
    {"service", "user", CONFIG_TEXT, FIELD(user), "nobody", 0, 0, "User."},
    {"service", "none", CONFIG_TEXT, FIELD(none), NULL, 0, 0, "Nothing."},
    {"listen", "http", CONFIG_LIST, FIELD(listen), "[::]:80 0.0.0.0:80", 0, 0, "Addresses."},
    {"service", "enabled", CONFIG_BOOL, FIELD(enabled), "yes", 0, 0, "On."},
    {"limits", "workers", CONFIG_NUMBER, FIELD(workers), "4", 1, 64, "Workers."},
    {"limits", "idle", CONFIG_DURATION, FIELD(idle), "60s", 100, 3600000, "Idle."},
    {"limits", "body", CONFIG_SIZE, FIELD(body), "4MiB", 4096, 1 << 30, "Body."},
    {"limits", "offset", CONFIG_NUMBER, FIELD(offset), NULL, 0, 0, "Offset."},
};
#define COUNT (sizeof keys / sizeof keys[0])

struct door {
    char *name;
    char *colour;
    int64_t width;
};
#define DOOR_FIELD(name) offsetof(struct door, name)
static const struct config_key door_keys[] = {
    {"door NAME", "colour", CONFIG_TEXT, DOOR_FIELD(colour), "white", 0, 0, "Colour."},
    {"door NAME", "width", CONFIG_NUMBER, DOOR_FIELD(width), "80", 1, 200, "Width."},
};
static const struct config_family doors = {"door", door_keys, 2, sizeof(struct door), 3};

static const char *write_file(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/hgs-config-%d.conf", (int)getpid());
    assert_ok(file_replace(path, slice_from_text(text), 0600, err));
    return path;
}

static void test_defaults(void **state)
{
    (void)state;
    struct settings settings = {0};
    assert_ok(config_load(&settings, keys, COUNT, NULL, err));
    assert_string_equal(settings.user, "nobody");
    assert_null(settings.none);
    assert_int_equal(settings.listen.count, 2);
    assert_string_equal(settings.listen.items[1], "0.0.0.0:80");
    assert_true(settings.enabled);
    assert_int_equal(settings.workers, 4);
    assert_int_equal(settings.idle, 60000);
    assert_int_equal(settings.body, 4 << 20);
    config_done(&settings, keys, COUNT);
    assert_null(settings.user);
    assert_null(settings.listen.items);
}

static void test_file(void **state)
{
    (void)state;
    struct settings settings = {0};
    char list[3000] = "";
    for (int i = 0; i < 100; i++)
        sprintf(list + strlen(list), " 192.0.2.%d:8080", i);
    char text[4096];
    snprintf(text, sizeof text,
             "# a comment\n; another\n\n[listen]\nhttp =\t%s  \n[limits]\r\nworkers=64\r\n"
             "  idle = 5min ; a comment\n[service]\nenabled: OFF\nuser = with space=x#y\n"
             "[limits]\nbody = 64KiB\noffset = -5",
             list);
    assert_ok(config_load(&settings, keys, COUNT, write_file(text), err));
    assert_string_equal(settings.user, "with space=x#y");
    assert_int_equal(settings.listen.count, 100); /* more than inih's usual line */
    assert_string_equal(settings.listen.items[99], "192.0.2.99:8080");
    assert_false(settings.enabled);
    assert_int_equal(settings.workers, 64);
    assert_int_equal(settings.idle, 300000);
    assert_int_equal(settings.body, 65536);
    assert_int_equal(settings.offset, -5);
    config_done(&settings, keys, COUNT);
}

static void test_empty_values(void **state)
{
    (void)state;
    struct settings settings = {0};
    assert_ok(config_load(&settings, keys, COUNT,
                          write_file("[service]\nuser =\n[listen]\nhttp = \n"), err));
    assert_string_equal(settings.user, "");
    assert_int_equal(settings.listen.count, 0);
    config_done(&settings, keys, COUNT);
}

/* Each error names the line and says what was wrong. */
static void test_errors(void **state)
{
    (void)state;
    static char long_line[6000];
    memset(long_line, 'x', sizeof long_line - 1);
    memcpy(long_line, "[service]\nuser = ", 17);
    static const struct {
        const char *text;
        int line;
        const char *part;
    } cases[] = {
        {"[service]\nuser = a\n\ncolour = red\n", 4, "unknown key “colour” in section [service]"},
        {"\n[servise]\n", 2, "unknown section [servise]"},
        {"[servise]\nuser = a\n", 1, "unknown section [servise]"},
        {"[limits]\nuser = a\n", 2, "unknown key “user” in section [limits]"},
        {"user = a\n[service]\n", 1, "before the first section"},
        {"[service]\nuser = a\n# c\nuser = b\n", 4, "“user” was given before, in line 2"},
        {"[service]\nuser = a\n[service]\nuser = a\n", 4, "“user” was given before, in line 2"},
        {"[service]\nuser\n", 2, "neither [section] nor key = value"},
        {"[service\nuser = a\n", 1, "neither [section] nor key = value"},
        {"[service]\nenabled = maybe\n", 2, "[service] enabled: “maybe” is neither yes nor no"},
        {"[limits]\nworkers = many\n", 2, "[limits] workers: “many” is not a whole number"},
        {"[limits]\nworkers = 4k\n", 2, "“4k” is not a whole number"},
        {"[limits]\nworkers =\n", 2, "“” is not a whole number"},
        {"[limits]\nworkers = 0\n", 2, "[limits] workers: is not between 1 and 64"},
        {"[limits]\nworkers = 65\n", 2, "is not between 1 and 64"},
        {"[limits]\nworkers = 99999999999999999999\n", 2, "is not a whole number"},
        {"[limits]\nidle = 2h\n", 2, "[limits] idle: is not between 100ms and 1h"},
        {"[limits]\nidle = 5 min\n", 2, "“5 min” is not a duration such as 500ms"},
        {"[limits]\nidle = -5s\n", 2, "is not a duration"},
        {"[limits]\nidle = 300000000000d\n", 2, "is not a duration"},
        {"[limits]\nbody = 4095\n", 2, "is not between 4KiB and 1GiB"},
        {"[limits]\nbody = 4MB\n", 2, "“4MB” is not a size such as 512, 64KiB"},
        {long_line, 2, "more than 4000 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings = {0};
        struct error err = {0};
        char place[100];
        const char *path = write_file(cases[i].text);
        snprintf(place, sizeof place, "%s:%d", path, cases[i].line);
        assert_false(config_load(&settings, keys, COUNT, path, &err));
        assert_ptr_equal(err.code, &base_config_malformed);
        assert_string_equal(err.object, place);
        if (strstr(err.message, cases[i].part) == NULL)
            fail_msg("“%s” lacks “%s”", err.message, cases[i].part);
        assert_null(settings.user);
        assert_null(settings.listen.items);
    }
}

static void test_family(void **state)
{
    (void)state;
    struct settings settings = {0};
    struct config_members members = {0};
    assert_ok(config_load_family(
        &settings, keys, COUNT, &doors, &members,
        write_file("[door front]\nwidth = 90\n[service]\nuser = a\n[door b-2.x]\n[door front]\n"
                   "colour = red\n"),
        err));
    assert_string_equal(settings.user, "a");
    assert_int_equal(members.count, 2);
    const struct door *door = members.items;
    assert_string_equal(door[0].name, "front");
    assert_string_equal(door[0].colour, "red");
    assert_int_equal(door[0].width, 90);
    assert_string_equal(door[1].name, "b-2.x");
    assert_string_equal(door[1].colour, "white");
    assert_int_equal(door[1].width, 80);
    config_members_done(&members, &doors);
    assert_null(members.items);
    config_done(&settings, keys, COUNT);
}

static void test_family_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"[door]\n", "unknown section [door]"},
        {"[door ]\n", "unknown section [door ]"},
        {"[door a b]\n", "unknown section [door a b]"},
        {"[door .a]\n", "unknown section [door .a]"},
        {"[doora]\n", "unknown section [doora]"},
        {"[door a123456789012345678901234567890123]\n", "unknown section [door a1234567"},
        {"[door a]\nwidth = 0\n", "[door a] width: is not between 1 and 200"},
        {"[door a]\nuser = x\n", "unknown key “user” in section [door a]"},
        {"[service]\nwidth = 5\n", "unknown key “width” in section [service]"},
        {"[door a]\nwidth = 5\n[door a]\nwidth = 5\n", "“width” was given before, in line 2"},
        {"[door a]\n[door b]\n[door c]\n[door d]\n", "more than 3 sections [door NAME]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings = {0};
        struct config_members members = {0};
        struct error err = {0};
        assert_false(config_load_family(&settings, keys, COUNT, &doors, &members,
                                        write_file(cases[i].text), &err));
        assert_ptr_equal(err.code, &base_config_malformed);
        if (strstr(err.message, cases[i].part) == NULL)
            fail_msg("“%s” lacks “%s”", err.message, cases[i].part);
        assert_null(settings.user);
        assert_null(members.items);
    }
}

static bool same(const char *a, const char *b, bool *members)
{
    struct settings one = {0}, other = {0};
    struct config_members doors_a = {0}, doors_b = {0};
    bool all = true;
    assert_ok(config_load_family(&one, keys, COUNT, &doors, &doors_a, write_file(a), err));
    assert_ok(config_load_family(&other, keys, COUNT, &doors, &doors_b, write_file(b), err));
    for (size_t i = 0; i < COUNT; i++)
        all = config_same(&one, &other, &keys[i]) && all;
    *members = config_members_same(&doors_a, &doors_b, &doors);
    config_done(&one, keys, COUNT);
    config_done(&other, keys, COUNT);
    config_members_done(&doors_a, &doors);
    config_members_done(&doors_b, &doors);
    return all;
}

static void test_same(void **state)
{
    (void)state;
    static const char *const others[] = {
        "[service]\nuser = x\n",     "[service]\nnone = x\n",
        "[service]\nenabled = no\n", "[listen]\nhttp = [::]:80\n",
        "[limits]\nworkers = 5\n",   "[limits]\nidle = 61s\n",
        "[limits]\nbody = 5MiB\n",   "[listen]\nhttp = 0.0.0.0:80 [::]:80\n"};
    static const char *const other_doors[] = {"", "[door b]\n", "[door a]\nwidth = 81\n",
                                              "[door a]\n[door b]\n"};
    bool members;
    /* by what they mean, not by how they are written */
    assert_true(same("", "[limits]\nidle = 1min\nbody = 4096KiB\n", &members));
    assert_true(members);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(same("", others[i], &members));
        assert_true(members);
        assert_true(same(others[i], others[i], &members));
    }
    for (size_t i = 0; i < sizeof other_doors / sizeof other_doors[0]; i++) {
        assert_true(same("[door a]\n", other_doors[i], &members));
        assert_false(members);
    }
    assert_true(same("[door a]\n", "[door a]\nwidth = 80\n", &members));
    assert_true(members);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct settings settings = {0};
    assert_refused(config_load(&settings, keys, COUNT, "/nowhere/hgsd.conf", err),
                   base_file_unreadable);
    assert_refused(config_load(&settings, keys, COUNT, write_file("[service]\nuser = \xff\n"), err),
                   base_text_malformed);
    assert_null(settings.user);
    unlink(write_file(""));
}

static void test_parse_alone(void **state)
{
    (void)state;
    int64_t value = 7;
    static const struct {
        const char *text;
        int64_t value;
    } durations[] = {{"0", 0},         {"500ms", 500},   {"30", 30000},      {"30s", 30000},
                     {"5min", 300000}, {"8h", 28800000}, {"30d", 2592000000}};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        assert_ok(config_parse_duration(&value, durations[i].text, err));
        assert_int_equal(value, durations[i].value);
    }
    assert_ok(config_parse_size(&value, "3GiB", err));
    assert_int_equal(value, 3LL << 30);
    assert_refused(config_parse_size(&value, "9999999999GiB", err), base_config_malformed);
    assert_refused(config_parse_duration(&value, "", err), base_config_malformed);
    assert_refused(config_parse_duration(&value, "h", err), base_config_malformed);
    assert_refused(config_parse_duration(&value, "1H", err), base_config_malformed);
    assert_refused(config_parse_duration(&value, "+1h", err), base_config_malformed);
    assert_int_equal(value, 3LL << 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_file),
        cmocka_unit_test(test_empty_values), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_family),       cmocka_unit_test(test_family_errors),
        cmocka_unit_test(test_same),         cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_parse_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
