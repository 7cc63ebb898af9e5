/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of host/ assert of refusals, and a folder of their own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"

#define assert_refused(call, code_)                        \
    do {                                                   \
        struct error err = {0};                            \
        assert_false(call);                                \
        assert_non_null(err.code);                         \
        assert_string_equal(err.code->name, (code_).name); \
    } while (0)

#define assert_fine(call)                                            \
    do {                                                             \
        struct error err = {0};                                      \
        char text_[1200];                                            \
        if (!(call))                                                 \
            fail_msg("%s", error_format(&err, text_, sizeof text_)); \
    } while (0)

#define FOLDER_SIZE 64

static inline void folder_make(char folder[FOLDER_SIZE])
{
    snprintf(folder, FOLDER_SIZE, "/tmp/hgs-host-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static inline void folder_remove(const char *folder)
{
    char command[FOLDER_SIZE + 16];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static inline unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}
