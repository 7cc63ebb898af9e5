/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A folder of a test's own, and names in it, for the tests of all rooms. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "testing.h"

#define FOLDER_SIZE 32
#define FOLDER_PATHS 8

/* Makes a folder that only this user has, and writes its path. */
static inline void folder_make(char folder[FOLDER_SIZE])
{
    snprintf(folder, FOLDER_SIZE, "/tmp/hgs-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

/* With all that is in it. */
static inline void folder_remove(const char *folder)
{
    char command[FOLDER_SIZE + 16];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

/* The path of a name in the folder; valid until FOLDER_PATHS further calls. */
static inline const char *folder_at(const char *folder, const char *name)
{
    static char paths[FOLDER_PATHS][192];
    static unsigned next;
    char *path = paths[next++ % FOLDER_PATHS];
    assert_true(snprintf(path, sizeof paths[0], "%s/%s", folder, name) < (int)sizeof paths[0]);
    return path;
}

static inline unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}
