/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* hgsctl's end of the administration socket. */

#include "base/json.h"

#include <sys/types.h>

struct admin_client;

/* admin.unreachable, naming path and whether it is absent, refused, or not permitted. */
bool admin_client_open(struct admin_client **out, const char *path, struct error *err);
void admin_client_close(struct admin_client **client);
/* The service's process, as the kernel knows it; 0 when it does not. */
pid_t admin_client_peer(const struct admin_client *client);

/*
 * One operation. arguments: a JSON object. fds (count of them) go along and stay open here. *result
 * borrows from *document, which the caller frees. An error of the service comes back with its own
 * code, object and message.
 */
bool admin_client_call(struct admin_client *client, const char *operation, struct slice arguments,
                       bool dry_run, const int *fds, size_t count, struct json **document,
                       const struct json **result, struct error *err);
