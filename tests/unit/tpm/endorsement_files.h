/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The certificates of make-endorsement.py, made anew in a folder for the length of a test. Include
 * after tpm_test.h. */

#include <unistd.h>

#include "../folder.h"
#include "base/file.h"
#include "base/memory.h"

static char files_folder[FOLDER_SIZE];

__attribute__((unused, format(printf, 1, 2))) static void files_run(const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    char *line = memory_format("cd %s && { %s\n} >log 2>&1 || { cat log >&2; false; }",
                               files_folder, command);
    assert_int_equal(system(line), 0);
    free(line);
}

__attribute__((unused)) static int files_set_up(void **state)
{
    (void)state;
    folder_make(files_folder);
    files_run("python3 '%s/unit/tpm/make-endorsement.py' %s", getenv("HGS_TESTS"), files_folder);
    return 0;
}

__attribute__((unused)) static int files_tear_down(void **state)
{
    (void)state;
    folder_remove(files_folder);
    return 0;
}

/* A file of the folder, in a buffer initialised here. */
__attribute__((unused)) static struct slice files_read(struct buf *out, const char *name)
{
    char *path = memory_format("%s/%s", files_folder, name);
    buf_init(out, 8 << 20);
    assert_ok(file_read(out, path, err));
    free(path);
    return buf_slice(out);
}

/* One of its certificates, by name. */
__attribute__((unused)) static struct slice files_certificate(struct buf *out, const char *name)
{
    char *file = memory_format("%s.der", name);
    files_read(out, file);
    free(file);
    return buf_slice(out);
}
