/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs one act in a child process that has entered a sandbox, and says how that ended. */

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../testing.h"

/* 0 for success, or an errno. Runs in the child. */
typedef int act(void);

/* What it returned, or the negative number of the signal that ended the child; 200 when the
 * sandbox could not be entered. Leaves by exit() so that handlers run as in a real program. */
static inline int run_inside(bool (*enter)(struct error *err), act *wanted)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct error err = {0};
        char text[1200];
        if (!enter(&err)) {
            fprintf(stderr, "%s\n", error_format(&err, text, sizeof text));
            _exit(200);
        }
        exit(wanted());
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The errno of a call that fails; 0 when it does not. */
#define errno_of(call) ((call) < 0 ? errno : 0)
