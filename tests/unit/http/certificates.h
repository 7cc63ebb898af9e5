/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates for the loopback address in a folder of the test's own, made by openssl(1). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../folder.h"
#include "base/memory.h"

struct certificates {
    char folder[FOLDER_SIZE];
};

/* The shell's exit status; %s in the command is the folder. */
static int certificates_run(const struct certificates *certificates, const char *command)
{
    _cleanup_free_ char *line =
        memory_format("cd %s && { %s; } >>log 2>&1", certificates->folder, command);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* NAME.pem and NAME.key, self-signed, with the common name NAME. */
static void certificates_make(const struct certificates *certificates, const char *name)
{
    _cleanup_free_ char *command = memory_format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-keyout %s.key -out %s.pem -subj /CN=%s -addext subjectAltName=IP:127.0.0.1",
        name, name, name);
    assert_int_equal(certificates_run(certificates, command), 0);
}

static void certificates_start(struct certificates *certificates)
{
    folder_make(certificates->folder);
    certificates_make(certificates, "one");
}

static void certificates_stop(const struct certificates *certificates)
{
    folder_remove(certificates->folder);
}

/* The path of a file of the folder; the caller frees it. */
static char *certificates_path(const struct certificates *certificates, const char *name)
{
    return memory_format("%s/%s", certificates->folder, name);
}
