/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parent of hgsd's processes. It parses nothing but its own configuration; it makes the socket
 * pairs, starts the keyholder and the service (each by executing this program again, so that no
 * process inherits another's memory), and starts them again when they end.
 *
 *   supervisor ── control ──► service      one message a keyholder: the service's ends of its
 * channels │                        ║ channels (SOCK_SEQPACKET pairs, one a worker)
 *       ├──────────────────► keyholder       of software keys
 *       └──────────────────► keyholder       of a token, for each [token NAME] of hgsd.conf
 *
 * Each start of a keyholder makes new channels, whose ends reach the service over `control`. A
 * keyholder lives as long as somebody holds the other ends: when the service dies, it ends by
 * itself, and all are started anew. A keyholder that runs and does not answer cannot do that: the
 * service says so over `control` (supervisor_tell_stuck), and it is killed, as it is when a service
 * dies and leaves it behind. The service in turn says that it gets on (supervisor_tell_alive); when
 * it is silent for [limits] watchdog, it is killed and started again. No keyholder waits for
 * another one, and the service for none.
 */

#include "hgsd/config.h"

/* Descriptor numbers and counts that a child finds when it was executed. */
#define SUPERVISOR_CHILD_FD 10
#define SUPERVISOR_CHANNELS_MAX 64

/* Runs until SIGTERM or SIGINT. arguments: those of the program, to be handed to the children. */
bool supervisor_run(const struct hgsd_config *config, const char *config_path, struct error *err);

/* Channels that came over control, and whose. */
struct supervisor_channels {
    char token[CONFIG_MEMBER_NAME_MAX + 1]; /* "": the keyholder of software keys */
    int fds[SUPERVISOR_CHANNELS_MAX];
    size_t count;
};
/* In the service: takes the next message, which is there. process.socket. */
bool supervisor_take_channels(struct supervisor_channels *out, int control, struct error *err);
/* How often the service speaks within the time after which it is taken for stuck. */
#define SUPERVISOR_BEATS 4
/* In the service: it gets on with its work. A supervisor that does not listen is not told. */
void supervisor_tell_alive(int control);
/* In the service: a keyholder that it has channels to does not answer; token NULL: that of software
 * keys. process.socket. */
bool supervisor_tell_stuck(int control, const char *token, struct error *err);
