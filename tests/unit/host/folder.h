/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of host/ share: a folder of their own. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../testing.h"

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
