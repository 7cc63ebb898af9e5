/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An administrator's program that waits at a meeting, in a thread. */

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../testing.h"
#include "base/file.h"
#include "keyholder/errors.h"
#include "keyholder/meeting.h"

struct guest {
    struct meeting files;
    int here;
    pthread_t thread;
    pid_t wanted; /* the process that may have the files; 0: any */
    pid_t came;
    bool ok;
    struct error err;
};

static bool guest_knows(void *context, pid_t sender, struct error *err)
{
    struct guest *guest = context;
    guest->came = sender;
    return guest->wanted == 0 || guest->wanted == sender ||
           error_set(err, &keyholder_impostor, NULL, "test", "process %d", (int)sender);
}

static inline void *guest_wait(void *context)
{
    struct guest *guest = context;
    guest->ok = meeting_give(guest->here, &guest->files, guest_knows, guest, &guest->err);
    return NULL;
}

/* Takes files over; gives the end to be forwarded. */
static inline int guest_come(struct guest *guest, enum keyholder_opcode operation,
                             struct meeting files, pid_t wanted)
{
    int there = -1;
    *guest = (struct guest){.files = files, .wanted = wanted};
    guest->files.operation = operation;
    assert_ok(meeting_open(&guest->here, &there, err));
    assert_int_equal(pthread_create(&guest->thread, NULL, guest_wait, guest), 0);
    return there;
}

/* What meeting_give said; in guest->err when it failed. */
static inline bool guest_go(struct guest *guest)
{
    shutdown(guest->here, SHUT_RDWR);
    assert_int_equal(pthread_join(guest->thread, NULL), 0);
    meeting_done(&guest->files);
    file_close(&guest->here);
    return guest->ok;
}
