/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "../folder.h"
#include "base/file.h"
#include "inside.h"
#include "process/errors.h"
#include "process/sandbox.h"
#include "process/sandbox_landlock.h"

static char folder[FOLDER_SIZE]; /* below it: state (writable), tls (readable), keys (neither) */
static int abstract = -1;        /* a listening socket outside the sandbox */

static const char *at(const char *name)
{
    return folder_at(folder, name);
}

static socklen_t abstract_address(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int size = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "%s", folder);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
}

static int set_up(void **state)
{
    (void)state;
    struct sockaddr_un address;
    folder_make(folder);
    mkdir(at("state"), 0700);
    mkdir(at("tls"), 0700);
    mkdir(at("keys"), 0700);
    if (symlink("../keys/cluster.key", at("state/link")) != 0)
        return -1;
    abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = abstract_address(&address);
    if (bind(abstract, (struct sockaddr *)&address, size) != 0 || listen(abstract, 1) != 0)
        return -1;
    return file_replace(at("tls/cert.pem"), slice_from_text("cert"), 0600, NULL) &&
                   file_replace(at("keys/cluster.key"), slice_from_text("key"), 0600, NULL)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    close(abstract);
    folder_remove(folder);
    return 0;
}

static int client = -1; /* the client's: an address sent here is connected to, and gets "x" */

/* Who connects stands outside: the service itself does not. */
static void start_client(void)
{
    int pair[2];
    struct sockaddr_storage address;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        _exit(201);
    if (fork() != 0) {
        close(pair[1]);
        client = pair[0];
        return;
    }
    close(pair[0]);
    ssize_t size = recv(pair[1], &address, sizeof address, 0);
    if (size <= 0)
        _exit(0);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)size) == 0)
        send(fd, "x", 1, 0);
    _exit(0);
}

/* 0 when the client came and spoke. */
static int serve_client(int listener, const void *address, socklen_t size)
{
    char byte = 0;
    if (send(client, address, size, 0) != (ssize_t)size)
        return 2;
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (server < 0)
        return 3;
    fcntl(server, F_SETFL, 0);
    return recv(server, &byte, 1, 0) == 1 && byte == 'x' ? 0 : 4;
}

static bool enter(struct error *err)
{
    start_client();
    char state[128], tls[128];
    snprintf(state, sizeof state, "%s/state", folder);
    snprintf(tls, sizeof tls, "%s/tls", folder);
    const char *writable[] = {state, NULL};
    const char *readable[] = {tls, "/nowhere/at/all", NULL};
    const struct sandbox_service_paths allowed = {writable, readable};
    return sandbox_service(&allowed, err);
}

/* What it may. */

static int use_state(void)
{
    struct error err = {0};
    struct buf out;
    buf_init(&out, 100);
    if (!file_replace(at("state/a"), slice_from_text("one"), 0600, &err) ||
        !file_replace(at("state/a"), slice_from_text("two"), 0600, &err) ||
        !file_make_folder(at("state/x/y"), 0700, &err) ||
        !file_create(at("state/x/y/b"), slice_from_text("b"), 0600, &err) ||
        !file_read(&out, at("state/a"), &err))
        return 1;
    buf_done(&out);
    if (rename(at("state/x/y/b"), at("state/c")) != 0 || truncate(at("state/c"), 0) != 0 ||
        unlink(at("state/c")) != 0 || rmdir(at("state/x/y")) != 0)
        return 2;
    int fd = open(at("state/a"), O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    void *mapped = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fcntl(fd, F_SETLK, &lock) != 0 || mapped == MAP_FAILED || fdatasync(fd) != 0)
        return 3;
    return 0;
}

static int read_certificate(void)
{
    return errno_of(open(at("tls/cert.pem"), O_RDONLY));
}

static int serve_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return 1;
    return serve_client(listener, &address, size);
}

static int serve_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at("state/admin.sock"));
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 1) != 0 || chmod(address.sun_path, 0660) != 0)
        return 1;
    int result = serve_client(listener, &address, sizeof address);
    return result != 0 ? result : unlink(address.sun_path);
}

static void *return_nothing(void *context)
{
    return context;
}

static int use_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, return_nothing, NULL) != 0 ||
           pthread_join(thread, NULL) != 0;
}

/* A thread may step back, by itself and no further. */
static int be_patient(void)
{
    static const struct sched_param none = {0}, first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_BATCH, &none) != 0 || sched_getscheduler(0) != SCHED_BATCH)
        return 1;
    if (sched_setscheduler(getppid(), SCHED_BATCH, &none) == 0 || errno != ENOSYS)
        return 2;
    return sched_setscheduler(0, SCHED_FIFO, &first) == 0 || errno != ENOSYS ? 3 : 0;
}

static void test_allowed(void **state)
{
    (void)state;
    assert_int_equal(run_inside(enter, use_state), 0);
    assert_int_equal(run_inside(enter, read_certificate), 0);
    assert_int_equal(run_inside(enter, serve_tcp), 0);
    assert_int_equal(run_inside(enter, serve_unix), 0);
    assert_int_equal(run_inside(enter, use_thread), 0);
    assert_int_equal(run_inside(enter, be_patient), 0);
}

/* Other files. */

static int read_key(void)
{
    return errno_of(open(at("keys/cluster.key"), O_RDONLY));
}

static int read_key_by_link(void)
{
    return errno_of(open(at("state/link"), O_RDONLY));
}

static int read_key_upwards(void)
{
    return errno_of(open(at("state/../keys/cluster.key"), O_RDONLY));
}

static int list_keys(void)
{
    return errno_of(open(at("keys"), O_RDONLY | O_DIRECTORY));
}

static int write_certificate(void)
{
    return errno_of(open(at("tls/cert.pem"), O_WRONLY));
}

static int truncate_certificate(void)
{
    return errno_of(truncate(at("tls/cert.pem"), 0));
}

static int create_beside(void)
{
    return errno_of(open(at("other"), O_WRONLY | O_CREAT, 0600));
}

static int read_passwords(void)
{
    return errno_of(open("/etc/shadow", O_RDONLY));
}

static int read_memory_of_parent(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
    return errno_of(open(path, O_RDONLY));
}

static int list_descriptors_of_parent(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)getppid());
    return errno_of(open(path, O_RDONLY | O_DIRECTORY));
}

static int move_key_here(void)
{
    /* EXDEV is how Landlock says that the file would gain rights by the move. */
    int number = errno_of(rename(at("keys/cluster.key"), at("state/key")));
    return number == EXDEV ? EACCES : number;
}

static int link_key_here(void)
{
    int number = errno_of(link(at("keys/cluster.key"), at("state/key")));
    return number == EXDEV ? EACCES : number;
}

static void test_other_files(void **state)
{
    (void)state;
    static act *const acts[] = {
        read_key,
        read_key_by_link,
        read_key_upwards,
        list_keys,
        write_certificate,
        create_beside,
        read_passwords,
        move_key_here,
        link_key_here,
        read_memory_of_parent,
        list_descriptors_of_parent,
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        int result = run_inside(enter, acts[i]);
        if (result != EACCES)
            fail_msg("act %zu ended with %d", i, result);
    }
    if (sandbox_landlock_version() >= 3)
        assert_int_equal(run_inside(enter, truncate_certificate), EACCES);
}

/* What is refused. */

static int signal_parent(void)
{
    return errno_of(kill(getppid(), 0));
}

static int signal_parent_by_pidfd(void)
{
    return errno_of((int)syscall(SYS_pidfd_open, getppid(), 0));
}

static int make_process(void)
{
    return errno_of(fork());
}

static int become_root(void)
{
    return errno_of(setuid(0));
}

static int turn_into_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}

static int listen_to_kernel(void)
{
    return errno_of(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int send_packets(void)
{
    return errno_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int use_unlisted_call(void)
{
    return errno_of((int)syscall(SYS_acct, NULL));
}

static int signal_parent_thread(void)
{
    return errno_of((int)syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int connect_abstract(void)
{
    struct sockaddr_un address;
    socklen_t size = abstract_address(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return errno_of(connect(fd, (struct sockaddr *)&address, size));
}

static int connect_tcp(void)
{
    /* Nobody listens on this port: an attempt that is made ends with ECONNREFUSED. */
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(1)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return errno_of(connect(fd, (struct sockaddr *)&address, sizeof address));
}

/* A socket of another program, as systemd's is, which does for root whatever root wants. */
static int connect_elsewhere(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at("other.sock"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return errno_of(connect(fd, (struct sockaddr *)&address, sizeof address));
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(run_inside(enter, signal_parent), EPERM);
    assert_int_equal(run_inside(enter, signal_parent_by_pidfd), EPERM);
    assert_int_equal(run_inside(enter, make_process), EPERM);
    assert_int_equal(run_inside(enter, become_root), EPERM);
    assert_int_equal(run_inside(enter, turn_into_code), EPERM);
    assert_int_equal(run_inside(enter, listen_to_kernel), ENOSYS);
    assert_int_equal(run_inside(enter, send_packets), ENOSYS);
    assert_int_equal(run_inside(enter, use_unlisted_call), ENOSYS);
    assert_int_equal(run_inside(enter, signal_parent_thread), ENOSYS);
    if (geteuid() == 0) {
        /* Sockets answer by who connects, and root may ask them for anything. */
        assert_int_equal(run_inside(enter, connect_elsewhere), EPERM);
        assert_int_equal(run_inside(enter, connect_tcp), EPERM);
    } else if (sandbox_landlock_version() >= 4) {
        assert_int_equal(run_inside(enter, connect_tcp), EACCES);
    }
    if (sandbox_landlock_version() >= 6)
        assert_int_equal(run_inside(enter, connect_abstract), EPERM);
    else
        print_message("this kernel's Landlock leaves abstract sockets alone\n");
}

/* What kills. */

static int trace_parent(void)
{
    return (int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static int read_parent(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)&abstract, 1};
    return (int)process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static int execute(void)
{
    return execl("/bin/true", "true", NULL);
}

static int execute_descriptor(void)
{
    return (int)syscall(SYS_execveat, STDIN_FILENO, "", NULL, NULL, AT_EMPTY_PATH);
}

static int mount_something(void)
{
    return (int)syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
}

static int leave_namespace(void)
{
    return unshare(CLONE_NEWUSER);
}

static int read_keyring(void)
{
    return (int)syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, 0, 0);
}

static int load_program(void)
{
    return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int use_ring(void)
{
    return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static int take_descriptor(void)
{
    return (int)syscall(SYS_pidfd_getfd, 0, 0, 0);
}

static int handle_faults(void)
{
    return (int)syscall(SYS_userfaultfd, 0);
}

static int change_root(void)
{
    return chroot("/tmp");
}

static void test_kills(void **state)
{
    (void)state;
    static act *const acts[] = {
        trace_parent, read_parent,  execute,  execute_descriptor, mount_something, leave_namespace,
        read_keyring, load_program, use_ring, take_descriptor,    handle_faults,   change_root,
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        int result = run_inside(enter, acts[i]);
        if (result != -SIGSYS)
            fail_msg("act %zu ended with %d", i, result);
    }
}

static void test_missing_folder(void **state)
{
    (void)state;
    const char *writable[] = {"/nowhere/at/all", NULL};
    const struct sandbox_service_paths allowed = {writable, NULL};
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct error err = {0};
        _exit(!sandbox_service(&allowed, &err) && err.code == &process_sandbox ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allowed),        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_kills),
        cmocka_unit_test(test_missing_folder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
