/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../testing.h"
#include "base/errors.h"

static char written[8192];

/* Runs what the test writes with stderr in a file. */
static void begin(int *saved, bool journal, enum log_level level)
{
    FILE *file = tmpfile();
    *saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    fclose(file);
    struct stat status;
    fstat(STDERR_FILENO, &status);
    char stream[64];
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino + (journal ? 0 : 1));
    setenv("JOURNAL_STREAM", stream, 1);
    log_init("hgsd: test", level);
}

static void end(int saved)
{
    ssize_t size = pread(STDERR_FILENO, written, sizeof written - 1, 0);
    written[size > 0 ? size : 0] = '\0';
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void test_journal(void **state)
{
    (void)state;
    int saved;
    begin(&saved, true, LOG_LEVEL_NOTICE);
    log_write(LOG_LEVEL_ERROR, "a %d", 1);
    log_write(LOG_LEVEL_DEBUG, "hidden");
    log_write(LOG_LEVEL_NOTICE, "line\nbreak\x1b[0m");
    log_set_level(LOG_LEVEL_DEBUG);
    log_write(LOG_LEVEL_DEBUG, "shown");
    end(saved);
    assert_string_equal(written, "<3>hgsd: test: a 1\n<5>hgsd: test: line?break?[0m\n"
                                 "<7>hgsd: test: shown\n");
}

static void test_terminal(void **state)
{
    (void)state;
    int saved;
    struct error err = {0};
    error_set(&err, &base_file_mode, NULL, "key.pem", "is open to all");
    begin(&saved, false, LOG_LEVEL_WARNING);
    log_error(LOG_LEVEL_WARNING, &err, "cannot load host %s", "n1");
    end(saved);
    assert_string_equal(written + strlen("2026-11-23T10:00:00Z"),
                        " hgsd: test: warning: cannot load host n1: key.pem: is open to all "
                        "(base.file-mode)\n");
}

static void test_long_lines_are_cut(void **state)
{
    (void)state;
    int saved;
    char text[5000];
    memset(text, 'x', sizeof text);
    text[4999] = '\0';
    begin(&saved, true, LOG_LEVEL_NOTICE);
    log_write(LOG_LEVEL_NOTICE, "%s", text);
    end(saved);
    assert_int_equal(strlen(written), 2048);
    assert_int_equal(written[2047], '\n');
}

static void test_levels(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_ERROR;
    assert_true(log_level_parse(&level, "debug"));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_false(log_level_parse(&level, "Debug"));
    assert_false(log_level_parse(&level, ""));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
