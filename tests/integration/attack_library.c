/* SPDX-License-Identifier: Apache-2.0 */

/*
 * LD_PRELOADed by sandbox.py into hgsd: an attacker who has taken over one of its processes. Each
 * process maps a file that the test has mapped, too (HGS_ATTACK_FILE), before any sandbox; a signal
 * makes the one that gets it try what the file asks for, and leave there what it got. So nothing of
 * the programs themselves is there for the test's sake.
 *
 * With HGS_ATTACK_OPEN set, what closes the sandboxes does nothing: then each attack succeeds, or
 * it would be no test.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET_SIZE 32
#define ATTACK_SIGNAL (SIGRTMIN + 7)

enum role { SUPERVISOR, SERVICE, KEYHOLDER, TOKEN, ROLES };
enum state { IDLE, ASKED, DONE };

/* As sandbox.py has it. */
struct victim {
    int32_t pid;        /* once it is as it works: inside its sandbox */
    int32_t descriptor; /* a file with the secret, open in that process */
    uint64_t address;   /* of the secret in its memory */
    uint8_t secret[SECRET_SIZE];
};

struct block {
    struct victim victims[ROLES];
    uint32_t state;
    int32_t role;    /* the victim */
    int32_t port;    /* of a listener on the loopback address */
    char attack[32]; /* by name */
    char path[256];
    int32_t number; /* errno; 0: it succeeded */
    int32_t size;   /* of what it got */
    uint8_t got[64];
};

static struct block *block;
static struct victim *self;
static uint8_t secret[SECRET_SIZE];

/* Sets *(function *)real to the function that this one stands before. ISO C knows no cast from an
 * object's pointer to a function's. */
static void find_next(void *real, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(real, &found, sizeof found);
}

static bool is_open(void)
{
    return getenv("HGS_ATTACK_OPEN") != NULL;
}

/* What closes a sandbox; the filter comes last. */

int seccomp_load(void *filter);
int seccomp_load(void *filter)
{
    int (*real)(void *);
    find_next(&real, "seccomp_load");
    int result = is_open() ? 0 : real(filter);
    self->pid = getpid();
    return result;
}

int cap_set_proc(void *capabilities);
int cap_set_proc(void *capabilities)
{
    int (*real)(void *);
    find_next(&real, "cap_set_proc");
    return is_open() ? 0 : real(capabilities);
}

int prctl(int option, ...)
{
    va_list list;
    unsigned long a[4];
    int (*real)(int, unsigned long, unsigned long, unsigned long, unsigned long);
    va_start(list, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(list, unsigned long);
    va_end(list);
    find_next(&real, "prctl");
    if (is_open() && option == PR_SET_DUMPABLE && a[0] == 0)
        return 0;
    if (is_open() && (option == PR_SET_NO_NEW_PRIVS || option == PR_CAPBSET_DROP))
        return 0;
    return real(option, a[0], a[1], a[2], a[3]);
}

long syscall(long call, ...)
{
    va_list list;
    long a[6];
    long (*real)(long, long, long, long, long, long, long);
    va_start(list, call);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    find_next(&real, "syscall");
    if (is_open() && call == SYS_landlock_restrict_self)
        return 0;
    return real(call, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The attacks: 0 or an errno. */

static int got(const void *bytes, ssize_t size)
{
    if (size < 0)
        return errno;
    block->size = (int32_t)size;
    memcpy(block->got, bytes, (size_t)size);
    return 0;
}

static int read_and_close(int fd, off_t offset)
{
    uint8_t bytes[SECRET_SIZE];
    if (fd < 0)
        return errno;
    int number = got(bytes, pread(fd, bytes, sizeof bytes, offset));
    close(fd);
    return number;
}

static int open_in_proc(const char *name, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)block->victims[block->role].pid, name);
    return open(path, flags);
}

static int memory_by_file(void)
{
    return read_and_close(open_in_proc("mem", O_RDONLY),
                          (off_t)block->victims[block->role].address);
}

static int memory_by_call(void)
{
    const struct victim *victim = &block->victims[block->role];
    uint8_t bytes[SECRET_SIZE];
    struct iovec here = {bytes, sizeof bytes};
    struct iovec there = {(void *)(uintptr_t)victim->address, sizeof bytes};
    return got(bytes, process_vm_readv(victim->pid, &here, 1, &there, 1, 0));
}

static int memory_by_trace(void)
{
    const struct victim *victim = &block->victims[block->role];
    long words[SECRET_SIZE / sizeof(long)];
    if (ptrace(PTRACE_ATTACH, victim->pid, NULL, NULL) != 0)
        return errno;
    waitpid(victim->pid, NULL, __WALL);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        words[i] = ptrace(PTRACE_PEEKDATA, victim->pid,
                          (void *)(uintptr_t)(victim->address + i * sizeof(long)), NULL);
    ptrace(PTRACE_DETACH, victim->pid, NULL, NULL);
    return got(words, sizeof words);
}

static int descriptor_by_file(void)
{
    char name[32];
    snprintf(name, sizeof name, "fd/%d", (int)block->victims[block->role].descriptor);
    return read_and_close(open_in_proc(name, O_RDONLY), 0);
}

static int descriptor_by_call(void)
{
    const struct victim *victim = &block->victims[block->role];
    int process = (int)syscall(SYS_pidfd_open, victim->pid, 0);
    if (process < 0)
        return errno;
    int fd = (int)syscall(SYS_pidfd_getfd, process, victim->descriptor, 0);
    int number = read_and_close(fd, 0);
    close(process);
    return number;
}

static int read_file(void)
{
    return read_and_close(open(block->path, O_RDONLY), 0);
}

static int write_file(void)
{
    int fd = open(block->path, O_WRONLY | O_CREAT, 0600);
    int number = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return number;
}

static int list_folder(void)
{
    uint8_t bytes[1024];
    int fd = open(block->path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return errno;
    long size = syscall(SYS_getdents64, fd, bytes, sizeof bytes);
    int number = size < 0 ? errno : 0;
    close(fd);
    return number;
}

static int connect_to(int family, const void *address, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int number = connect(fd, address, size) != 0 ? errno : 0;
    close(fd);
    return number;
}

static int connect_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)block->port)};
    return connect_to(AF_INET, &address, sizeof address);
}

static int connect_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(block->path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    strcpy(address.sun_path, block->path);
    return connect_to(AF_UNIX, &address, sizeof address);
}

/* The shell leaves a file behind; this process is no more when it succeeds. */
static int execute(void)
{
    char command[300];
    snprintf(command, sizeof command, "echo taken > %s", block->path);
    const char *arguments[] = {"sh", "-c", command, NULL}, *environment[] = {NULL};
    execve("/bin/sh", (char *const *)arguments, (char *const *)environment);
    return errno;
}

static int make_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 ? errno : 0;
}

static int send_signal(void)
{
    return kill(block->victims[block->role].pid, 0) != 0 ? errno : 0;
}

static int make_code(void)
{
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? errno : 0;
}

static int become_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 ? errno : 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} attacks[] = {
    {"memory by file", memory_by_file},
    {"memory by call", memory_by_call},
    {"memory by trace", memory_by_trace},
    {"descriptor by file", descriptor_by_file},
    {"descriptor by call", descriptor_by_call},
    {"read file", read_file},
    {"write file", write_file},
    {"list folder", list_folder},
    {"connect tcp", connect_tcp},
    {"connect unix", connect_unix},
    {"execute", execute},
    {"make process", make_process},
    {"send signal", send_signal},
    {"make code", make_code},
    {"become dumpable", become_dumpable},
};

static void attack(int signal_number)
{
    int before = errno;
    (void)signal_number;
    for (size_t i = 0; block->state == ASKED && i < sizeof attacks / sizeof attacks[0]; i++) {
        if (strcmp(attacks[i].name, block->attack) != 0)
            continue;
        block->number = attacks[i].run();
        block->state = DONE;
    }
    errno = before;
}

static enum role role_of(int count, char **values)
{
    for (int i = 1; i + 1 < count; i++) {
        if (strcmp(values[i], "--child") == 0)
            return strcmp(values[i + 1], "keyholder") == 0 ? KEYHOLDER
                   : strcmp(values[i + 1], "token") == 0   ? TOKEN
                                                           : SERVICE;
    }
    return SUPERVISOR;
}

__attribute__((constructor)) static void begin(int count, char **values)
{
    const char *path = getenv("HGS_ATTACK_FILE");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    block = mmap(NULL, sizeof *block, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int hidden = memfd_create("hidden", MFD_CLOEXEC);
    if (block == MAP_FAILED || hidden < 0 || getrandom(secret, sizeof secret, 0) < 0 ||
        write(hidden, secret, sizeof secret) != sizeof secret)
        abort();
    close(fd);
    enum role role = role_of(count, values);
    self = &block->victims[role];
    memcpy(self->secret, secret, sizeof secret);
    self->address = (uintptr_t)secret;
    self->descriptor = hidden;
    self->pid = role == SUPERVISOR ? getpid() : 0;
    struct sigaction action = {.sa_handler = attack, .sa_flags = SA_RESTART};
    sigaction(ATTACK_SIGNAL, &action, NULL);
    if (is_open())
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* where Yama asks for it */
}
