/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How private files (a PFX, a password, a backup) get from an administrator's program to the
 * keyholder, although all that the two share goes through the service, which may be in an
 * attacker's hands.
 *
 * The administrator's program makes a socket pair, the meeting, keeps one end and has the service
 * forward the other with the request. The keyholder, asked to do the request, makes a pair of its
 * own and sends one end of it to the meeting. The kernel tells the administrator's program which
 * process sent it (SCM_CREDENTIALS); when that is the keyholder, the files go over that line, which
 * nobody else has an end of, together with the one operation that they are for. The service can
 * forward the meeting or not; it sees none of the files, and has no use for them.
 */

#include "keyholder/message.h"

#include <sys/types.h>

enum meeting_file {
    MEETING_PERMIT, /* KEYHOLDER_PERMIT_FILE, open for reading */
    MEETING_KEY,    /* a PFX; with a certificate, a PEM key */
    MEETING_CERTIFICATE,
    MEETING_PASSWORD, /* or a token's PIN */
    MEETING_BACKUP,   /* to be written or read */
    MEETING_FILES
};

/* The files of one operation: a descriptor each, -1: there is none. Owned. */
struct meeting {
    enum keyholder_opcode operation; /* import, backup, restore or unlock */
    int fds[MEETING_FILES];
};
#define MEETING_NONE ((struct meeting){.fds = {-1, -1, -1, -1, -1}})
void meeting_done(struct meeting *meeting);
#define _cleanup_meeting_ __attribute__((cleanup(meeting_done)))

/* The socket pair: one end to keep, one to have forwarded. process.socket. */
bool meeting_open(int *here, int *there, struct error *err);
/*
 * Waits at here for the keyholder and gives it the files, when sender is the keyholder's process.
 * True also when nobody came: here was shut down, or the other end closed. keyholder.impostor when
 * is_keyholder says so; process.socket.
 */
bool meeting_give(int here, const struct meeting *meeting,
                  bool (*is_keyholder)(void *context, pid_t sender, struct error *err),
                  void *context, struct error *err);
/* In the keyholder: the files for operation, through the forwarded end. Waits some seconds.
 * keyholder.meeting. */
bool meeting_receive(struct meeting *out, int there, enum keyholder_opcode operation,
                     struct error *err);
