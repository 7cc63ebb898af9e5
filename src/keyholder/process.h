/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A keyholder process: what runs in it. It opens its key folder (cluster.key, 0600, made at the
 * first start), loses every privilege, network and file (process/sandbox), and then serves its
 * channels until they are all closed.
 */

#include "base/error.h"

struct keyholder_process_options {
    const char *folder;  /* where cluster.key is */
    const int *channels; /* connected sockets */
    int channel_count;
    bool sandbox; /* off only in unit tests */
};

/* Serves until every channel is closed by its peer; then returns true. */
bool keyholder_process_run(const struct keyholder_process_options *options, struct error *err);
