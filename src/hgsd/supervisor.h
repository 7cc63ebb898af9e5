/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parent of hgsd's processes. It parses nothing but its own configuration; it makes the socket
 * pairs, starts the keyholder and the service (each by executing this program again, so that no
 * process inherits another's memory), and starts them again when they end.
 *
 *   supervisor ── control ──► service      one message: the service's ends of the channels to the
 * keyholder │                        ║ channels (SOCK_SEQPACKET pairs, one a worker)
 *       └──────────────────► keyholder
 *
 * Each start of the keyholder makes new channels, whose ends reach the service over `control`. A
 * keyholder lives as long as somebody holds the other ends: when the service dies, it ends by
 * itself, and both are started anew. A keyholder that runs and does not answer cannot do that: the
 * service says so over `control` (supervisor_tell_stuck), and it is killed, as it is when a service
 * dies and leaves it behind.
 */

#include "hgsd/config.h"

/* Runs until SIGTERM or SIGINT. arguments: those of the program, to be handed to the children. */
bool supervisor_run(const struct hgsd_config *config, const char *config_path, struct error *err);

/* In the service: the keyholder that it has channels to does not answer. process.socket. */
bool supervisor_tell_stuck(int control, struct error *err);

/* Descriptor numbers and counts that a child finds when it was executed. */
#define SUPERVISOR_CHILD_FD 10
#define SUPERVISOR_CHANNELS_MAX 64
