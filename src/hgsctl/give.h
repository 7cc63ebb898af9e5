/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private files on their way to the keyholder, past the service: a thread waits at the meeting
 * (keyholder/meeting.h) while the service is asked. */

#include <pthread.h>

#include "keyholder/meeting.h"

struct give {
    struct meeting files;
    int here;
    pid_t service;
    pthread_t thread;
    bool running, ok;
    struct error err;
};

/* Takes the files over. there: the end to be forwarded, the caller's. process.socket. */
bool give_init(struct give *give, int *there, struct meeting *files, struct error *err);
void give_done(struct give *give);

/* service: the process that will forward it; the keyholder is its sibling. */
void give_start(struct give *give, pid_t service);
/* Whether a keyholder works as this user: a sibling of the service does. */
bool give_is_keyholders(pid_t service, uid_t user);
/* The service has answered. False when a process that is not the keyholder came:
 * keyholder.impostor. */
bool give_finish(struct give *give, struct error *err);
