/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The service's end of the administration socket. The caller is known by the kernel (SO_PEERCRED,
 * SO_PEERGROUPS) and nothing else; remote administration is ssh's job. Root and the service's own
 * user are administrators; members of the configured groups have their role; everybody else is
 * refused with a sentence, and the refusal is audited.
 */

#include "admin/operation.h"
#include "base/config.h"

struct admin_server;

struct admin_server_options {
    const char *path; /* of the socket; a stale one is replaced, a living one is not */
    struct config_list administrators, reviewers; /* group names; unknown ones are an error */
    const struct admin_services *services;        /* borrowed */
};

/* Whether a socket can be made at path: nothing is there, or a leftover. Before the sandbox, too,
 * which keeps root from connecting, and so from seeing that a service answers there.
 * process.socket, admin.argument. */
bool admin_server_check_path(const char *path, struct error *err);
/* Whether these groups are there; admin.argument. */
bool admin_server_check_groups(const struct config_list *names, struct error *err);
/* process.socket; base.file-unwritable; admin.argument for an unknown group. */
bool admin_server_start(struct admin_server **out, const struct admin_server_options *options,
                        struct error *err);
/* Takes no more connections, waits for operations under way, removes the socket. */
void admin_server_stop(struct admin_server **server);
