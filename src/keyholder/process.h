/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A keyholder process: what runs in it. It opens its own folder (0700: cluster.key, made at the
 * first start, and export.permit), loses every privilege, the network and all files but those that
 * administrators put into the key folder (key_folder.h), and then serves its channels, each in a
 * thread of its own, until they are all closed.
 */

#include "base/error.h"

struct keyholder_process_options {
    const char *folder;  /* where cluster.key is; made when missing */
    const int *channels; /* connected sockets */
    int channel_count;
    bool sandbox;           /* off only in unit tests */
    const char *key_folder; /* NULL: none */
};

/*
 * Serves until every channel is closed by its peer; then returns true. Takes the channels over.
 * Ignores SIGPIPE, SIGXFSZ, SIGHUP and SIGINT: it ends when the service does, or by SIGTERM. Fails
 * with keyholder.cluster-key, or process.sandbox.
 */
bool keyholder_process_run(const struct keyholder_process_options *options, struct error *err);
