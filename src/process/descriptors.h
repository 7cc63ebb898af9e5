/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Messages with descriptors over UNIX sockets (SCM_RIGHTS). */

#include <sys/types.h>

#include "base/buf.h"

#define DESCRIPTORS_MAX 64

/* One message (of a SOCK_SEQPACKET socket: all of it) with count descriptors, which stay open here.
 */
bool descriptors_send(int socket, struct slice bytes, const int *fds, size_t count,
                      struct error *err);
/*
 * Receives one message into bytes (at most size) and up to *count descriptors (close-on-exec);
 * *count becomes how many came. *received 0 means the peer closed. A message or descriptor list
 * that was cut is an error and closes what came.
 */
bool descriptors_receive(int socket, void *bytes, size_t size, size_t *received, int *fds,
                         size_t *count, struct error *err);
/* The peer's user, group, process and supplementary groups (SO_PEERCRED, SO_PEERGROUPS), as they
 * were when it connected. groups: freed by caller; NULL when there are none. */
bool descriptors_peer(int socket, uid_t *uid, gid_t *gid, pid_t *pid, gid_t **groups,
                      size_t *group_count, struct error *err);
