/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The descriptors that exporting and importing a state take over: the meeting at which the
 * keyholder gets backup and password, and the document that it and the service exchange. */

#include "admin/operation.h"

struct state_files {
    int meeting, document; /* -1: given away */
};

/* From the request, and a new anonymous file. admin.argument without a meeting; admin.unhealthy. */
bool state_files_take(struct state_files *files, struct admin_request *request, struct error *err);
void state_files_close(struct state_files *files);
#define _cleanup_state_files_ __attribute__((cleanup(state_files_close)))
