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
    const char *path; /* of the socket; removed at the end, where the sandbox allows it */
    int listener;     /* from admin_server_listen; taken over, also when the start fails */
    struct config_list administrators, reviewers; /* group names; unknown ones are an error */
    const struct admin_services *services;        /* borrowed */
};

/*
 * Makes the socket at path, and waits for nobody yet. To be called before the sandbox: that keeps
 * root from connecting, and so from seeing that a service answers there, and it need not leave the
 * service the socket's folder. process.socket, admin.argument.
 */
bool admin_server_listen(int *out, const char *path, struct error *err);
/* Whether these groups are there; admin.argument. */
bool admin_server_check_groups(const struct config_list *names, struct error *err);
/* process.spawn; admin.argument for an unknown group. */
bool admin_server_start(struct admin_server **out, const struct admin_server_options *options,
                        struct error *err);
/* Takes no more connections; whether no operation is under way any more within milliseconds. */
bool admin_server_close(struct admin_server *server, int64_t milliseconds);
/* Takes no more connections, waits for operations under way, removes the socket. */
void admin_server_stop(struct admin_server **server);
