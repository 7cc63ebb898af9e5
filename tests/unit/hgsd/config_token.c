/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/config_token.h"

#include <unistd.h>

#include "../folder.h"
#include "base/file.h"
#include "hgsd/config.h"

static char folder[FOLDER_SIZE];

static const char *at(const char *name)
{
    return folder_at(folder, name);
}

static void write_text(const char *name, const char *text, mode_t mode)
{
    assert_true(file_replace(at(name), slice_from_text(text), mode, NULL));
}

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    mkdir(at("keys"), 0700);
    mkdir(at("tokens"), 0700);
    mkdir(at("module"), 0700);
    write_text("module/module.so", "", 0600);
    write_text("pin", "1234\n", 0600);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

/* A configuration whose one token has these lines. */
static bool load(struct hgsd_config *config, const char *lines, struct error *err)
{
    char text[2048];
    snprintf(text, sizeof text, "[listen]\nhttp = 127.0.0.1:0\n[token a]\n%s", lines);
    write_text("hgsd.conf", text, 0600);
    return hgsd_config_load(config, at("hgsd.conf"), err);
}

#define GOOD "module = /m.so\nuri = pkcs11:token=a\n"

static void sections_become_tokens(void **state)
{
    (void)state;
    struct hgsd_config config;
    struct error err = {0};
    assert_true(load(&config,
                     GOOD "raw-rsa = yes\nsessions = 2\nread = /a /b\nenvironment = A=1 B=\n"
                          "[token b]\nmodule = /n.so\nuri = pkcs11:token=b\npin-file = /p\n",
                     &err));
    assert_int_equal(config.tokens.count, 2);
    const struct hgsd_token *a = hgsd_config_token(&config, 0), *b = hgsd_config_token(&config, 1);
    assert_string_equal(a->name, "a");
    assert_true(a->raw_rsa);
    assert_int_equal(a->sessions, 2);
    assert_int_equal(a->read.count, 2);
    assert_string_equal(a->environment.items[1], "B=");
    assert_string_equal(b->name, "b");
    assert_string_equal(b->pin_file, "/p");
    assert_int_equal(b->sessions, 4);
    assert_int_equal(b->timeout_ms, 10000);
    assert_false(b->raw_rsa || b->network);
    hgsd_config_done(&config);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *code, *part;
    } cases[] = {
        {"uri = pkcs11:token=a\n", "hgsd.config", "[token a] module must be the absolute path"},
        {"module = m.so\nuri = pkcs11:token=a\n", "hgsd.config", "module must be the absolute"},
        {"module = /m.so\n", "hgsd.config", "[token a] uri is missing"},
        {"module = /m.so\nuri = a\n", "token.uri", ""},
        {"module = /m.so\nuri = pkcs11:object=a\n", "token.uri", ""},
        {"module = /m.so\nuri = pkcs11:token=a?pin-value=1234\n", "token.uri-secret", ""},
        {GOOD "pin-file = /a\npin-credential = b\n", "hgsd.config", "one of them is enough"},
        {GOOD "pin-credential = /b\n", "hgsd.config", "a name, not a path"},
        {GOOD "environment = A\n", "hgsd.config", "not NAME=VALUE"},
        {GOOD "environment = =A\n", "hgsd.config", "not NAME=VALUE"},
        {GOOD "sessions = 0\n", "base.config-malformed", "is not between 1 and 60"},
        {GOOD "pin = 1234\n", "base.config-malformed", "unknown key “pin”"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hgsd_config config;
        struct error err = {0};
        assert_false(load(&config, cases[i].lines, &err));
        assert_string_equal(err.code->name, cases[i].code);
        if (strstr(err.message, cases[i].part) == NULL)
            fail_msg("“%s” lacks “%s”", err.message, cases[i].part);
        if (strstr(err.message, "1234") != NULL || strstr(err.object, "1234") != NULL)
            fail_msg("“%s: %s” tells a PIN", err.object, err.message);
    }
}

/* The code of looking at the files of a token with these lines more; NULL: all is good. */
static const char *look(const char *lines, const char *key_folder)
{
    char text[1024];
    static struct error err;
    struct hgsd_config config;
    err = (struct error){0};
    snprintf(text, sizeof text, "module = %s\nuri = pkcs11:token=a\n%s", at("module/module.so"),
             lines);
    assert_true(load(&config, text, &err));
    bool good = hgsd_token_check_files(hgsd_config_token(&config, 0), "", at("keys"),
                                       key_folder != NULL ? key_folder : "", &err);
    hgsd_config_done(&config);
    return good ? NULL : err.code->name;
}

static const char *line(const char *key, const char *name)
{
    static char lines[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(lines[next], sizeof lines[next], "%s = %s\n", key, at(name));
    return lines[next];
}

static void files_are_looked_at(void **state)
{
    (void)state;
    assert_null(look("", NULL));
    assert_null(look(line("write", "tokens"), at("keys")));
    assert_null(look(line("pin-file", "pin"), NULL));
    assert_string_equal(look(line("write", "nothing"), NULL), "hgsd.config");
    assert_string_equal(look(line("pin-file", "nothing"), NULL), "base.file-unreadable");
    assert_string_equal(look("user = nobody-of-that-name\n", NULL), "process.user");
    write_text("pin", "1234\n", 0640);
    assert_string_equal(look(line("pin-file", "pin"), NULL), "base.file-mode");
    write_text("pin", "\n", 0600);
    assert_string_equal(look(line("pin-file", "pin"), NULL), "hgsd.config");
    write_text("pin", "1234\n", 0600);
}

static void other_keys_stay_out_of_reach(void **state)
{
    (void)state;
    assert_string_equal(look(line("write", "keys"), NULL), "hgsd.config");
    assert_string_equal(look(line("read", ""), NULL), "hgsd.config");
    assert_string_equal(look(line("read", "tokens"), at("tokens")), "hgsd.config");
    assert_string_equal(look("", at("module")), "hgsd.config");
    assert_string_equal(look("", "/usr/lib"), "hgsd.config");
}

static void a_pin_is_one_line_of_its_file(void **state)
{
    (void)state;
    struct error err = {0};
    struct hgsd_config config;
    _cleanup_secret_ struct secret pin = SECRET_EMPTY;
    char lines[512];
    snprintf(lines, sizeof lines, GOOD "pin-file = %s\n", at("pin"));
    assert_true(load(&config, lines, &err));
    assert_true(hgsd_token_read_pin(&pin, hgsd_config_token(&config, 0), "", &err));
    assert_true(slice_equals_text(secret_slice(&pin), "1234"));
    hgsd_config_done(&config);
    secret_done(&pin);

    assert_true(load(&config, GOOD "pin-credential = pin\n", &err));
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_false(hgsd_token_read_pin(&pin, hgsd_config_token(&config, 0), "", &err));
    assert_string_equal(err.code->name, "hgsd.config");
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_true(hgsd_token_read_pin(&pin, hgsd_config_token(&config, 0), "", &err));
    assert_true(slice_equals_text(secret_slice(&pin), "1234"));
    unsetenv("CREDENTIALS_DIRECTORY");
    hgsd_config_done(&config);
    secret_done(&pin);

    assert_true(load(&config, GOOD, &err));
    assert_true(hgsd_token_read_pin(&pin, hgsd_config_token(&config, 0), "", &err));
    assert_int_equal(pin.size, 0);
    hgsd_config_done(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_become_tokens),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(files_are_looked_at),
        cmocka_unit_test(other_keys_stay_out_of_reach),
        cmocka_unit_test(a_pin_is_one_line_of_its_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
