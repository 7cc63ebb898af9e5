/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "inside.h"
#include "process/descriptors.h"
#include "process/errors.h"
#include "process/sandbox.h"

static int channel[2]; /* ours, the keyholder's */
static int tcp;        /* a socket made before the sandbox */

static int set_up(void **state)
{
    (void)state;
    tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return tcp < 0 ? -1 : socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel);
}

/* What answers with an error. */

static int open_file(void)
{
    return errno_of(open("/etc/passwd", O_RDONLY));
}

static int create_file(void)
{
    return errno_of(open("/tmp/hgs-keyholder-was-here", O_WRONLY | O_CREAT, 0600));
}

static int open_memory(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
    return errno_of(open(path, O_RDWR));
}

static int status_of_file(void)
{
    struct stat status;
    return errno_of(stat("/etc/passwd", &status));
}

static int access_file(void)
{
    return errno_of(access("/etc/passwd", R_OK));
}

static int open_in_root_of_descriptor(void)
{
    return errno_of(openat(AT_FDCWD, "/", O_PATH));
}

static void test_no_files(void **state)
{
    (void)state;
    static act *const acts[] = {open_file,      create_file, open_memory,
                                status_of_file, access_file, open_in_root_of_descriptor};
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        assert_int_equal(run_inside(sandbox_keyholder, acts[i]), EACCES);
}

/* With a folder to read: what is in it, and nothing else; never to write. */

static char folder[] = "/tmp/hgs-sandbox-XXXXXX";

static bool enter_reading(struct error *err)
{
    return sandbox_keyholder_reading(folder, err);
}

static int open_below(const char *name, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return errno_of(open(path, flags, 0600));
}

static int read_in_folder(void)
{
    char path[128], byte;
    snprintf(path, sizeof path, "%s/file", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    DIR *entries = opendir(folder);
    if (fd < 0 || entries == NULL || readdir(entries) == NULL)
        return errno;
    return read(fd, &byte, 1) == 1 && closedir(entries) == 0 && close(fd) == 0 ? 0 : errno;
}

static int write_in_folder(void)
{
    return open_below("file", O_WRONLY);
}

static int write_and_read_in_folder(void)
{
    return open_below("file", O_RDWR);
}

static int empty_in_folder(void)
{
    return open_below("file", O_RDONLY | O_TRUNC);
}

static int create_in_folder(void)
{
    return open_below("new", O_RDONLY | O_CREAT);
}

static int climb_out_of_folder(void)
{
    return open_below("../../etc/passwd", O_RDONLY);
}

static int follow_out_of_folder(void)
{
    return open_below("link", O_RDONLY);
}

static void test_one_folder_to_read(void **state)
{
    (void)state;
    static act *const acts[] = {
        write_in_folder,     write_and_read_in_folder, empty_in_folder, create_in_folder,
        climb_out_of_folder, follow_out_of_folder,     open_file,       create_file,
        open_memory,         status_of_file,           access_file,     open_in_root_of_descriptor};
    char file[64], link[64];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    FILE *made = fopen(file, "w");
    assert_non_null(made);
    fputs("x", made);
    fclose(made);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(run_inside(enter_reading, read_in_folder), 0);
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        int result = run_inside(enter_reading, acts[i]);
        if (result != EACCES)
            fail_msg("act %zu ended with %d", i, result);
    }
    unlink(file);
    unlink(link);
    rmdir(folder);
    /* What did not exist is not reachable later. */
    assert_int_equal(run_inside(enter_reading, read_in_folder), ENOENT);
}

/* What kills. Each would succeed, or fail otherwise, without the sandbox. */

static int make_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int make_tcp_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int connect_socket(void)
{
    struct sockaddr address = {.sa_family = AF_INET};
    return connect(tcp, &address, sizeof address);
}

static int listen_socket(void)
{
    return listen(tcp, 1);
}

static int trace_parent(void)
{
    return (int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static int read_parent(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)&tcp, 1};
    return (int)process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static int write_parent(void)
{
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {(void *)&tcp, 1};
    return (int)process_vm_writev(getppid(), &here, 1, &there, 1, 0);
}

static int execute(void)
{
    return execl("/bin/true", "true", NULL);
}

static int execute_descriptor(void)
{
    return (int)syscall(SYS_execveat, STDIN_FILENO, "", NULL, NULL, AT_EMPTY_PATH);
}

static int make_process(void)
{
    return fork();
}

static int signal_parent(void)
{
    return kill(getppid(), 0);
}

static int signal_parent_thread(void)
{
    return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int make_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}

static int turn_into_code(void)
{
    static char page[8192];
    void *aligned = (void *)(((uintptr_t)page + 4095) & ~(uintptr_t)4095);
    return mprotect(aligned, 4096, PROT_READ | PROT_EXEC);
}

static int become_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1);
}

static int allow_cores(void)
{
    const struct rlimit limit = {0, 0};
    return setrlimit(RLIMIT_CORE, &limit);
}

static int remove_file(void)
{
    return unlink("/tmp/hgs-no-such-file");
}

static int take_descriptor(void)
{
    return (int)syscall(SYS_pidfd_getfd, 0, 0, 0);
}

static int use_ring(void)
{
    return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static int leave_namespace(void)
{
    return unshare(CLONE_NEWUSER);
}

static int mount_something(void)
{
    return (int)syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
}

static int become_user(void)
{
    return setuid(getuid());
}

static int own_descriptor(void)
{
    return fcntl(channel[1], F_SETOWN, getppid());
}

static void test_kills(void **state)
{
    (void)state;
    static act *const acts[] = {
        make_unix_socket,   make_tcp_socket,      connect_socket,  listen_socket,
        trace_parent,       read_parent,          write_parent,    execute,
        execute_descriptor, make_process,         signal_parent,   make_code,
        turn_into_code,     signal_parent_thread, become_dumpable, allow_cores,
        remove_file,        take_descriptor,      use_ring,        leave_namespace,
        mount_something,    become_user,          own_descriptor,
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        int result = run_inside(sandbox_keyholder, acts[i]);
        int reading = run_inside(enter_reading, acts[i]);
        if (result != -SIGSYS || reading != -SIGSYS)
            fail_msg("act %zu ended with %d and %d", i, result, reading);
    }
}

/* What a keyholder does all day. */

static int receive_and_read(void)
{
    char byte, text[32] = "";
    size_t received = 0, count = 1;
    int fd = -1;
    struct stat status;
    struct error err = {0};
    if (!descriptors_receive(channel[1], &byte, 1, &received, &fd, &count, &err) || count != 1)
        return 1;
    if (fstat(fd, &status) != 0 || status.st_size != 5 || pread(fd, text, 5, 0) != 5 ||
        strcmp(text, "12345") != 0)
        return 2;
    if (lseek(fd, 2, SEEK_SET) != 2 || read(fd, text, 3) != 3 || strncmp(text, "345", 3) != 0)
        return 3;
    const char *mapped = mmap(NULL, 5, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED || mapped[4] != '5' || munmap((void *)mapped, 5) != 0)
        return 4;
    if (pwrite(fd, "67890", 5, 0) != 5 || fsync(fd) != 0 || close(fd) != 0)
        return 5;
    return descriptors_send(channel[1], slice_from_text("done"), NULL, 0, &err) ? 0 : 6;
}

static void test_descriptors(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    char reply[8], text[8] = "";
    size_t received = 0, count = 0;
    fputs("12345", file);
    fflush(file);
    int fd = fileno(file);
    assert_ok(descriptors_send(channel[0], slice_from_text("x"), &fd, 1, err));
    assert_int_equal(run_inside(sandbox_keyholder, receive_and_read), 0);
    assert_ok(descriptors_receive(channel[0], reply, sizeof reply, &received, NULL, &count, err));
    assert_int_equal(received, 4);
    assert_int_equal(pread(fd, text, 5, 0), 5);
    assert_string_equal(text, "67890");
    fclose(file);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turns;

static void *take_turns(void *context)
{
    (void)context;
    pthread_mutex_lock(&mutex);
    turns++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    /* A thread is as confined as the process. */
    return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? NULL : &turns;
}

static int use_threads(void)
{
    enum { COUNT = 8 };
    pthread_t threads[COUNT];
    for (int i = 0; i < COUNT; i++) {
        if (pthread_create(&threads[i], NULL, take_turns, NULL) != 0)
            return 1;
        pthread_setname_np(threads[i], "worker");
    }
    pthread_mutex_lock(&mutex);
    while (turns < COUNT)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < COUNT; i++) {
        void *result = &turns;
        if (pthread_join(threads[i], &result) != 0 || result != NULL)
            return 2;
    }
    return 0;
}

static int use_memory(void)
{
    for (size_t size = 16; size < (size_t)64 << 20; size *= 4) {
        char *memory = malloc(size);
        if (memory == NULL)
            return 1;
        memset(memory, 1, size);
        char *larger = realloc(memory, size * 2);
        if (larger == NULL)
            return 2;
        free(larger);
    }
    struct secret secrets[50];
    for (size_t i = 0; i < 50; i++)
        secret_init(&secrets[i], 1 + i * 500);
    for (size_t i = 0; i < 50; i++)
        secret_done(&secrets[i]);
    return 0;
}

static int use_time_and_chance(void)
{
    uint8_t bytes[32];
    char text[CLOCK_TEXT_SIZE];
    struct clock clock;
    clock_init(&clock);
    clock_format(clock_now(&clock), text);
    time_t now = time(NULL);
    struct tm parts;
    /* Looks for /etc/localtime, and does without. */
    if (localtime_r(&now, &parts) == NULL || clock_monotonic_ms() == 0)
        return 1;
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return 2;
    struct timespec moment = {0, 1000};
    if (nanosleep(&moment, NULL) != 0)
        return 3;
    log_init("test: keyholder", LOG_LEVEL_NOTICE);
    log_write(LOG_LEVEL_NOTICE, "a line from inside the sandbox");
    printf("stdio works too\n");
    return fflush(stdout) == 0 ? 0 : 4;
}

/* LeakSanitizer, in builds that have it, must not look for this by ptrace. */
static int leak(void)
{
    char *volatile lost = malloc(100);
    lost[0] = 1;
    lost = NULL;
    return 0;
}

static int abort_itself(void)
{
    signal(SIGABRT, SIG_DFL);
    abort();
}

/* As a meeting with hgsctl needs it. */
static int make_pair(void)
{
    int pair[2];
    return errno_of(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
}

static void test_daily_work(void **state)
{
    (void)state;
    assert_int_equal(run_inside(sandbox_keyholder, make_pair), 0);
    assert_int_equal(run_inside(sandbox_keyholder, use_threads), 0);
    assert_int_equal(run_inside(sandbox_keyholder, use_memory), 0);
    assert_int_equal(run_inside(sandbox_keyholder, use_time_and_chance), 0);
    assert_int_equal(run_inside(sandbox_keyholder, leak), 0);
    assert_int_equal(run_inside(sandbox_keyholder, abort_itself), -SIGABRT);
}

/* As hgsd does it: first another user, then the sandbox. */
static bool become_keyholder(struct error *err)
{
    return sandbox_drop_user(geteuid() == 0 ? "nobody" : NULL, 0, err) && sandbox_keyholder(err);
}

static void test_after_dropping_the_user(void **state)
{
    (void)state;
    assert_int_equal(run_inside(become_keyholder, use_threads), 0);
    assert_int_equal(run_inside(become_keyholder, open_file), EACCES);
    assert_int_equal(run_inside(become_keyholder, trace_parent), -SIGSYS);
}

static void *wait_for_end(void *context)
{
    pthread_mutex_lock(context);
    pthread_mutex_unlock(context);
    return NULL;
}

static bool enter_with_thread(struct error *err)
{
    pthread_t thread;
    struct error reason = {0};
    (void)err;
    pthread_mutex_lock(&mutex);
    pthread_create(&thread, NULL, wait_for_end, &mutex);
    bool entered = sandbox_keyholder(&reason);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    return !entered && reason.code == &process_sandbox;
}

static int nothing(void)
{
    return 0;
}

/* Landlock would leave the other thread free. */
static void test_refuses_with_threads(void **state)
{
    (void)state;
    assert_int_equal(run_inside(enter_with_thread, nothing), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_files),
        cmocka_unit_test(test_one_folder_to_read),
        cmocka_unit_test(test_kills),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_daily_work),
        cmocka_unit_test(test_after_dropping_the_user),
        cmocka_unit_test(test_refuses_with_threads),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
