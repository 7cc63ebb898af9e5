/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A real software TPM (swtpm) for the length of a test: manufactured in a folder of its own, with
 * endorsement keys of RSA 2048 (0x81010001) and P-384 (0x81010016) and their certificates in NV,
 * made by an authority of its own (ca/), and spoken to as over the bus. Include after cmocka.h.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "folder.h"

#define SOFTWARE_TPM_RSA 0x81010001u
#define SOFTWARE_TPM_P384 0x81010016u

struct software_tpm {
    char folder[FOLDER_SIZE];
    pid_t pid;
    int connection;
};

/* Runs a shell command in the TPM's folder; what it printed is shown when it fails. */
__attribute__((format(printf, 2, 3))) static inline void software_tpm_run(
    const struct software_tpm *tpm, const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    char *line = memory_format("cd %s && { %s\n} >log 2>&1 || { cat log >&2; false; }", tpm->folder,
                               command);
    assert_int_equal(system(line), 0);
    free(line);
}

static const char software_tpm_manufacture[] =
    "mkdir ca state\n"
    "printf 'create_certs_tool = /usr/bin/swtpm_localca\\ncreate_certs_tool_config = %s/l.conf\\n"
    "create_certs_tool_options = %s/l.options\\n' $PWD $PWD > s.conf\n"
    "printf 'statedir = %s/ca\\nsigningkey = %s/ca/key.pem\\nissuercert = %s/ca/issuer.pem\\n"
    "certserial = %s/ca/serial\\n' $PWD $PWD $PWD $PWD > l.conf\n"
    "printf -- '--platform-manufacturer Test\\n--platform-version 1\\n--platform-model HGS\\n' "
    "> l.options\n"
    "swtpm_setup --config s.conf --tpm2 --tpmstate state --create-ek-cert --lock-nvram "
    "--pcr-banks sha256,sha384,sha1 --overwrite --runas $(id -un)\n";

static inline int software_tpm_connect(const struct software_tpm *tpm)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/p", tpm->folder);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(connection >= 0);
    /* It listens some milliseconds after it was started. */
    for (int i = 0; connect(connection, (struct sockaddr *)&address, sizeof address) != 0; i++) {
        assert_true((errno == ENOENT || errno == ECONNREFUSED) && i < 10000);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return connection;
}

static inline void software_tpm_start(struct software_tpm *tpm)
{
    folder_make(tpm->folder);
    software_tpm_run(tpm, "%s", software_tpm_manufacture);
    tpm->pid = fork();
    assert_true(tpm->pid >= 0);
    if (tpm->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that aborts leaves nothing running */
        if (chdir(tpm->folder) == 0 && freopen("swtpm.log", "w", stderr) != NULL)
            execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", "dir=state", "--server",
                   "type=unixio,path=p", "--ctrl", "type=unixio,path=p.ctrl", "--flags",
                   "not-need-init,startup-clear", (char *)NULL);
        _exit(127);
    }
    tpm->connection = software_tpm_connect(tpm);
}

static inline void software_tpm_stop(struct software_tpm *tpm)
{
    close(tpm->connection);
    kill(tpm->pid, SIGTERM);
    waitpid(tpm->pid, NULL, 0);
    folder_remove(tpm->folder);
}

/* Runs a tpm2-tools command line (it finds the TPM by TPM2TOOLS_TCTI) while nobody is connected,
 * and flushes what it left loaded. */
static inline void software_tpm_tool(struct software_tpm *tpm, const char *command)
{
    close(tpm->connection);
    software_tpm_run(tpm,
                     "export TPM2TOOLS_TCTI=swtpm:path=$PWD/p; %s && tpm2_flushcontext -l && "
                     "tpm2_flushcontext -t && tpm2_flushcontext -s",
                     command);
    tpm->connection = software_tpm_connect(tpm);
}

static inline void software_tpm_read(const struct software_tpm *tpm, uint8_t *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t part = read(tpm->connection, to + done, size - done);
        assert_true(part > 0);
        done += (size_t)part;
    }
}

/* Runs a whole command; *response is replaced. */
static inline void software_tpm_execute(const struct software_tpm *tpm, struct slice command,
                                        struct buf *response)
{
    buf_reset(response);
    assert_int_equal(write(tpm->connection, command.data, command.size), command.size);
    uint8_t head[10];
    software_tpm_read(tpm, head, sizeof head);
    struct reader reader = reader_of(slice_of(head + 2, 4));
    size_t size = reader_u32_be(&reader);
    assert_true(size >= sizeof head && size <= 4096);
    buf_append_bytes(response, head, sizeof head);
    if (size > sizeof head) {
        software_tpm_read(tpm, buf_reserve(response, size - sizeof head), size - sizeof head);
        buf_added(response, size - sizeof head);
    }
}

/* A file of the TPM's folder. */
static inline struct slice software_tpm_file(struct buf *out, const struct software_tpm *tpm,
                                             const char *name)
{
    char *path = memory_format("%s/%s", tpm->folder, name);
    buf_init(out, 1 << 20);
    struct error err = {0};
    assert_true(file_read(out, path, &err));
    free(path);
    return buf_slice(out);
}
