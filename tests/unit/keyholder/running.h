/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A real keyholder process with its sandbox, a temporary folder, and a client of it. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../folder.h"
#include "keyholder/cluster_key.h"
#include "keyholder/keyholder.h"
#include "keyholder/process.h"

#define RUNNING_CHANNELS_MAX 8

struct running {
    char folder[FOLDER_SIZE];
    pid_t pid;
    struct keyholder *keyholder;
};

/* In the new process: closes what it inherited, such as the channels of other keyholders. */
static inline void running_keep_only(const int *fds, size_t count)
{
    for (int fd = 3; fd < 256; fd++) {
        bool keep = false;
        for (size_t i = 0; i < count; i++)
            keep = keep || fds[i] == fd;
        if (!keep)
            close(fd);
    }
}

/* Starts a process with count channels; our ends go to sockets. */
static inline void running_spawn(struct running *running, int *sockets, size_t count)
{
    int theirs[RUNNING_CHANNELS_MAX];
    assert_true(count <= RUNNING_CHANNELS_MAX);
    for (size_t i = 0; i < count; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        sockets[i] = pair[0];
        theirs[i] = pair[1];
    }
    fflush(NULL);
    running->pid = fork();
    assert_true(running->pid >= 0);
    if (running->pid == 0) {
        running_keep_only(theirs, count);
        struct keyholder_process_options options = {running->folder, theirs, (int)count, true};
        struct error err = {0};
        if (keyholder_process_run(&options, &err))
            _exit(0);
        char text[1200];
        dprintf(2, "keyholder: %s\n", error_format(&err, text, sizeof text));
        _exit(1);
    }
    for (size_t i = 0; i < count; i++)
        close(theirs[i]);
}

static inline void running_start(struct running *running, size_t count)
{
    folder_make(running->folder);
    int sockets[RUNNING_CHANNELS_MAX];
    running_spawn(running, sockets, count);
    running->keyholder = keyholder_new(sockets, count);
}

/* The status with which the process ends by itself. */
static inline int running_wait(struct running *running)
{
    int status;
    while (waitpid(running->pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    running->pid = 0;
    return status;
}

static inline void running_kill(struct running *running)
{
    assert_int_equal(kill(running->pid, SIGKILL), 0);
    running_wait(running);
}

/* Closes the channels, upon which a process that still runs must end well. */
static inline void running_stop(struct running *running)
{
    keyholder_free(&running->keyholder);
    if (running->pid != 0)
        assert_int_equal(running_wait(running), 0);
    folder_remove(running->folder);
}

/* A key made and loaded; its public key is returned, and its sealed form when wanted. */
static inline struct public_key *running_key(struct running *running, enum key_purpose purpose,
                                             enum private_key_kind kind, struct buf *keep)
{
    struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    struct public_key *made = NULL, *loaded = NULL;
    assert_ok(keyholder_generate(running->keyholder, purpose, kind, &made, &sealed, err));
    assert_ok(keyholder_load(running->keyholder, buf_slice(&sealed), &loaded, err));
    assert_memory_equal(public_key_digest(made), public_key_digest(loaded), KEY_ID_SIZE);
    public_key_free(&made);
    if (keep != NULL)
        buf_append(keep, buf_slice(&sealed));
    buf_done(&sealed);
    return loaded;
}
