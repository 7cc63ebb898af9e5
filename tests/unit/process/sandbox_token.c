/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../folder.h"
#include "base/file.h"
#include "inside.h"
#include "process/errors.h"
#include "process/sandbox.h"

static char
    folder[FOLDER_SIZE]; /* below it: token (writable), module.conf (readable), keys (neither) */
static char token[128], module_conf[128], cluster_key[128];
static int listener = -1;
static struct sockaddr_in address; /* of the listener */

static int set_up(void **state)
{
    (void)state;
    char keys[128];
    socklen_t size = sizeof address;
    folder_make(folder);
    snprintf(token, sizeof token, "%s/token", folder);
    snprintf(keys, sizeof keys, "%s/keys", folder);
    snprintf(module_conf, sizeof module_conf, "%s/module.conf", folder);
    snprintf(cluster_key, sizeof cluster_key, "%s/keys/cluster.key", folder);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = mkdir(token, 0700) == 0 && mkdir(keys, 0700) == 0 &&
              file_replace(module_conf, slice_from_text("conf"), 0600, NULL) &&
              file_replace(cluster_key, slice_from_text("key"), 0600, NULL) &&
              bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
              listen(listener, 4) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &size) == 0;
    return ok ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    close(listener);
    folder_remove(folder);
    return 0;
}

static bool enter_with(bool network, struct error *err)
{
    const char *writable[] = {token, NULL}, *readable[] = {module_conf, NULL};
    const struct sandbox_token_reach reach = {writable, readable, network};
    return sandbox_token(&reach, err);
}

static bool enter(struct error *err)
{
    return enter_with(false, err);
}

static bool enter_with_network(struct error *err)
{
    return enter_with(true, err);
}

static int open_path(const char *path)
{
    return errno_of(open(path, O_RDONLY | O_CLOEXEC));
}

static int read_library(void)
{
    return open_path("/proc/self/maps") != 0 ? 1 : open_path("/etc/passwd");
}

static int read_configuration(void)
{
    return open_path(module_conf);
}

static int change_configuration(void)
{
    return errno_of(open(module_conf, O_WRONLY | O_CLOEXEC));
}

static int read_cluster_key(void)
{
    return open_path(cluster_key);
}

static int read_shadow(void)
{
    return open_path("/etc/shadow");
}

static int write_token(void)
{
    char path[160];
    snprintf(path, sizeof path, "%s/object", token);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, 0) != 0 || unlink(path) != 0 ? errno
                                                                                          : 0;
}

static int load_code(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fd = open("/bin/ls", O_RDONLY | O_CLOEXEC);
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno : 0;
}

static int write_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? errno
               : 0;
}

static int make_code_of_data(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return errno_of(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int reach_hsm(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? errno : errno_of(connect(fd, (struct sockaddr *)&address, sizeof address));
}

/* systemd's, for example: root may ask it for anything. */
static int reach_socket_of_root(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/private"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? 1 : errno_of(connect(fd, (struct sockaddr *)&name, sizeof name));
}

static int listen_somewhere(void)
{
    return errno_of(listen(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 1));
}

static int make_process(void)
{
    return errno_of(fork());
}

static int signal_parent(void)
{
    return errno_of(kill(getppid(), 0));
}

static int execute_program(void)
{
    execl("/bin/true", "true", NULL);
    return errno;
}

static int trace_parent(void)
{
    return errno_of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static void it_has_what_a_module_needs(void **state)
{
    (void)state;
    assert_int_equal(run_inside(enter, read_library), 0);
    assert_int_equal(run_inside(enter, read_configuration), 0);
    assert_int_equal(run_inside(enter, write_token), 0);
    assert_int_equal(run_inside(enter, load_code), 0);
    assert_int_equal(run_inside(enter_with_network, reach_hsm), 0);
}

static void it_has_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(run_inside(enter, change_configuration), EACCES);
    assert_int_equal(run_inside(enter, read_cluster_key), EACCES);
    assert_int_equal(run_inside(enter, read_shadow), EACCES);
    assert_int_equal(run_inside(enter_with_network, read_cluster_key), EACCES);
    assert_int_equal(run_inside(enter, write_code), EPERM);
    assert_int_equal(run_inside(enter, make_code_of_data), EPERM);
    assert_int_equal(run_inside(enter, reach_hsm), ENOSYS);
    assert_int_equal(run_inside(enter, listen_somewhere), EPERM);
    assert_int_equal(run_inside(enter, make_process), EPERM);
    assert_int_equal(run_inside(enter, signal_parent), EPERM);
    if (geteuid() == 0)
        assert_int_equal(run_inside(enter, reach_socket_of_root), EPERM);
}

static void attacks_kill(void **state)
{
    (void)state;
    assert_int_equal(run_inside(enter, execute_program), -SIGSYS);
    assert_int_equal(run_inside(enter, trace_parent), -SIGSYS);
}

/* Later it would be there and yet out of reach: its process is to be started again until then. */
static void a_token_that_is_not_there_is_told(void **state)
{
    (void)state;
    const char *writable[] = {"/tmp/hgs-no-such-token", NULL};
    const struct sandbox_token_reach reach = {.writable = writable};
    assert_refused(sandbox_token(&reach, err), process_sandbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_what_a_module_needs),
        cmocka_unit_test(it_has_nothing_else),
        cmocka_unit_test(attacks_kill),
        cmocka_unit_test(a_token_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
