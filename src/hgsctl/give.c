/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/give.h"

#include <sys/socket.h>

#include "base/file.h"
#include "keyholder/errors.h"
#include "process/errors.h"
#include "process/parent.h"

bool give_init(struct give *give, int *there, struct meeting *files, struct error *err)
{
    *give = (struct give){.files = *files, .here = -1};
    *files = MEETING_NONE;
    if (meeting_open(&give->here, there, err))
        return true;
    meeting_done(&give->files);
    return false;
}

void give_done(struct give *give)
{
    meeting_done(&give->files);
    file_close(&give->here);
}

/* The first process inherits children that it did not start, so that to be its child says nothing;
 * unless it is hgsd itself, in a container of its own. */
static bool can_be_supervisor(pid_t pid)
{
    return pid > 1 || (pid == 1 && process_is_called(pid, "hgsd"));
}

/* The supervisor starts the service and the keyholder, and nobody else; the service can start
 * nothing. */
static bool is_keyholder(void *context, pid_t sender, struct error *err)
{
    const struct give *give = context;
    pid_t supervisor = process_parent(give->service);
    if (sender > 0 && sender != give->service && can_be_supervisor(supervisor) &&
        process_parent(sender) == supervisor)
        return true;
    return error_set(err, &keyholder_impostor, NULL, "service",
                     "process %d asked for the files; the keyholder is the other child of "
                     "process %d, which started the service (process %d)",
                     (int)sender, (int)supervisor, (int)give->service);
}

bool give_is_keyholders(pid_t service, uid_t user)
{
    return can_be_supervisor(process_parent(service)) && process_sibling_is(service, user);
}

static void *wait_at_meeting(void *context)
{
    struct give *give = context;
    give->ok = meeting_give(give->here, &give->files, is_keyholder, give, &give->err);
    return NULL;
}

void give_start(struct give *give, pid_t service)
{
    give->service = service;
    int number = pthread_create(&give->thread, NULL, wait_at_meeting, give);
    give->running = number == 0;
    if (!give->running)
        error_set_errno(&give->err, &process_spawn, number, "hgsctl", "no thread can be had");
}

bool give_finish(struct give *give, struct error *err)
{
    if (give->running) {
        shutdown(give->here, SHUT_RDWR);
        pthread_join(give->thread, NULL);
        give->running = false;
    }
    if (!give->ok)
        *err = give->err;
    return give->ok;
}
