/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The proof that an administrator wants a backup (keyholder.h, KEYHOLDER_PERMIT_FILE): an open
 * descriptor of one file in the keyholder's folder. Who may open it for reading may as well read
 * the cluster key; the service's user and sandbox can do neither.
 */

#include "base/error.h"

#include <sys/stat.h>

struct permit {
    int fd; /* kept open, so that the file's inode stays its own */
    struct stat status;
};

/* Opens the file in folder, and makes it when it is missing. keyholder.cluster-key. */
bool permit_open(struct permit *permit, const char *folder, struct error *err);
void permit_close(struct permit *permit);
/* Whether fd is that file, opened for reading. keyholder.permit. */
bool permit_check(const struct permit *permit, int fd, struct error *err);
