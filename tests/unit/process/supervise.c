/* SPDX-License-Identifier: Apache-2.0 */
#include "process/supervise.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../testing.h"
#include "process/errors.h"

static int events[2]; /* what happened, one byte each, in order */

static void tell(char event)
{
    if (write(events[1], &event, 1) != 1)
        _exit(9);
}

static char next_event(void)
{
    char event = 0;
    return read(events[0], &event, 1) == 1 ? event : 0;
}

static int set_up(void **state)
{
    (void)state;
    return pipe2(events, O_CLOEXEC);
}

static int tear_down(void **state)
{
    (void)state;
    close(events[0]);
    close(events[1]);
    return 0;
}

/* Children of the supervisor. */

static char name_of(void *context)
{
    return *(const char *)context;
}

__attribute__((noreturn)) static void end_at_once(void *context)
{
    tell(name_of(context));
    _exit(3);
}

static char letter;

static void tell_letter(int number)
{
    tell(number == SIGHUP ? 'H' : letter);
    if (number != SIGHUP)
        _exit(0);
}

/* Tells its letter in capitals when it is ready, and as it is when it is told to stop. */
__attribute__((noreturn)) static void wait_for_signals(void *context)
{
    letter = name_of(context);
    struct sigaction action = {.sa_handler = tell_letter};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    tell((char)(letter - 'a' + 'A'));
    for (;;)
        pause();
}

__attribute__((noreturn)) static void ignore_signals(void *context)
{
    signal(SIGTERM, SIG_IGN);
    tell(name_of(context));
    for (;;)
        pause();
}

/* '.' when nothing of the supervisor is left in the new process, else what is. */
static char inheritance(void)
{
    sigset_t mask;
    int number = 0;
    char path[64], target[64];
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (sigismember(&mask, SIGTERM) || sigismember(&mask, SIGHUP))
        return 'm';
    prctl(PR_GET_PDEATHSIG, &number);
    if (number != SIGKILL)
        return 'd';
    for (int fd = 3; fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(path, target, sizeof target - 1);
        if (size > 0 && strncmp(target, "anon_inode:", 11) == 0)
            return 'f';
    }
    return '.';
}

__attribute__((noreturn)) static void tell_inheritance(void *context)
{
    (void)context;
    tell(inheritance());
    for (;;)
        pause();
}

/* The supervisor, in a process of its own. */
static pid_t supervisor;

static void supervise(struct supervised *children, size_t count, int64_t grace_ms)
{
    fflush(NULL);
    supervisor = fork();
    if (supervisor == 0) {
        bool fine = supervise_run(children, count, grace_ms, NULL);
        tell('.');
        _exit(fine ? 0 : 1);
    }
}

static void stop_supervisor(int number)
{
    int status = -1;
    kill(supervisor, number);
    waitpid(supervisor, &status, 0);
    assert_int_equal(status, 0);
}

static struct supervised *ended_child;

static void tell_pause(void *context, int status)
{
    (void)context;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 3)
        tell('?');
    tell((char)(ended_child->pause_ms / 100)); /* the pause after the one to come */
}

/* A dying child is started again, with pauses that double. */
static void test_restarts(void **state)
{
    (void)state;
    struct supervised children[] = {
        {.name = "a", .run = end_at_once, .ended = tell_pause, .context = (char[]){"a"}}};
    ended_child = children;
    supervise(children, 1, 1000);
    for (int pause = 2; pause <= 8; pause *= 2) {
        assert_int_equal(next_event(), 'a');
        assert_int_equal(next_event(), pause);
    }
    stop_supervisor(SIGTERM);
}

static void tell_signal(void *context, int status)
{
    (void)context;
    tell(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 'K' : '?');
}

static int orders[2]; /* to the supervisor */

static void take_order(void *context)
{
    (void)context;
    char order = 0;
    if (read(orders[0], &order, 1) == 1)
        tell(order);
    supervise_kill(ended_child);
}

/* A word from outside ends a child that does nothing any more, and it is started again. */
static void test_kills_when_told(void **state)
{
    (void)state;
    struct supervised children[] = {{.name = "a",
                                     .run = ignore_signals,
                                     .ended = tell_signal,
                                     .readable = take_order,
                                     .context = (char[]){"a"}}};
    assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
    children[0].descriptor = orders[0];
    ended_child = children;
    supervise(children, 1, 0);
    close(orders[0]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next_event(), 'a');
        assert_int_equal(write(orders[1], "!", 1), 1);
        assert_int_equal(next_event(), '!');
        assert_int_equal(next_event(), 'K');
    }
    /* The end of those who could tell is not an order. */
    close(orders[1]);
    assert_int_equal(next_event(), 'a');
    stop_supervisor(SIGTERM);
    assert_int_equal(next_event(), 'K');
    assert_int_equal(next_event(), '.');
}

/* Without a word: how long it takes to start decides nothing. */
__attribute__((noreturn)) static void be_silent(void *context)
{
    (void)context;
    for (;;)
        pause();
}

static void tell_name(void *context, pid_t pid)
{
    (void)pid;
    tell(name_of(context));
}

static void hear_start(void *context, pid_t pid)
{
    tell_name(context, pid);
    supervise_heard(ended_child);
}

static void tell_silence(void *context, int64_t milliseconds)
{
    (void)context;
    tell(milliseconds == 50 ? 's' : '?');
}

/* A child that gave a sign of life and gives none any more is killed and started again. */
static void test_kills_the_silent(void **state)
{
    (void)state;
    struct supervised children[] = {{.name = "a",
                                     .run = be_silent,
                                     .started = hear_start,
                                     .ended = tell_signal,
                                     .silence_ms = 50,
                                     .silent = tell_silence,
                                     .context = (char[]){"a"}}};
    ended_child = children;
    supervise(children, 1, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next_event(), 'a');
        assert_int_equal(next_event(), 's');
        assert_int_equal(next_event(), 'K');
    }
    stop_supervisor(SIGTERM);
}

static void tell_long_silence(void *context, int64_t milliseconds)
{
    (void)context;
    tell(milliseconds == 5 * 50 ? 's' : '?');
}

/* After its start it may take longer. */
static void test_kills_who_never_spoke(void **state)
{
    (void)state;
    struct supervised children[] = {{.name = "a",
                                     .run = be_silent,
                                     .started = tell_name,
                                     .ended = tell_signal,
                                     .silence_ms = 50,
                                     .silent = tell_long_silence,
                                     .context = (char[]){"a"}}};
    supervise(children, 1, 0);
    assert_int_equal(next_event(), 'a');
    assert_int_equal(next_event(), 's');
    assert_int_equal(next_event(), 'K');
    stop_supervisor(SIGTERM);
}

/* The last is stopped first. */
static void test_stops_in_reverse_order(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        struct supervised children[] = {
            {.name = "a", .run = wait_for_signals, .context = (char[]){"a"}},
            {.name = "b", .run = wait_for_signals, .context = (char[]){"b"}},
            {.name = "c", .run = wait_for_signals, .context = (char[]){"c"}},
        };
        supervise(children, 3, 60000);
        for (int n = 0; n < 3; n++)
            assert_in_range(next_event(), 'A', 'C');
        stop_supervisor(signals[i]);
        assert_int_equal(next_event(), 'c');
        assert_int_equal(next_event(), 'b');
        assert_int_equal(next_event(), 'a');
        assert_int_equal(next_event(), '.');
    }
}

static void test_kills_the_deaf(void **state)
{
    (void)state;
    struct supervised children[] = {
        {.name = "a", .run = ignore_signals, .ended = tell_signal, .context = (char[]){"a"}}};
    supervise(children, 1, 50);
    assert_int_equal(next_event(), 'a');
    stop_supervisor(SIGTERM);
    assert_int_equal(next_event(), 'K');
    assert_int_equal(next_event(), '.');
}

static void test_passes_sighup_on(void **state)
{
    (void)state;
    struct supervised children[] = {
        {.name = "a", .run = wait_for_signals, .context = (char[]){"a"}},
        {.name = "b", .run = wait_for_signals, .context = (char[]){"b"}},
    };
    supervise(children, 2, 60000);
    next_event();
    next_event();
    kill(supervisor, SIGHUP);
    assert_int_equal(next_event(), 'H');
    assert_int_equal(next_event(), 'H');
    stop_supervisor(SIGTERM);
}

static int refusals_left;

static bool refuse_at_first(void *context, struct error *err)
{
    (void)context;
    if (refusals_left-- > 0)
        return error_set(err, &process_socket, NULL, NULL, "not yet");
    return true;
}

static void tell_refusal(void *context, const struct error *err)
{
    (void)context;
    tell(err->code == &process_socket ? 'r' : '?');
}

static void tell_start(void *context, pid_t pid)
{
    (void)context;
    tell(kill(pid, 0) == 0 ? 's' : '?');
}

static void test_start_may_be_refused(void **state)
{
    (void)state;
    struct supervised children[] = {{.name = "a",
                                     .run = ignore_signals,
                                     .starting = refuse_at_first,
                                     .refused = tell_refusal,
                                     .started = tell_start,
                                     .context = (char[]){"a"}}};
    refusals_left = 2;
    supervise(children, 1, 0);
    assert_int_equal(next_event(), 'r');
    assert_int_equal(next_event(), 'r');
    char first = next_event(), second = next_event(); /* in either order */
    assert_true((first == 's' && second == 'a') || (first == 'a' && second == 's'));
    stop_supervisor(SIGTERM);
}

static void test_children_inherit_nothing(void **state)
{
    (void)state;
    struct supervised children[] = {
        {.name = "a", .run = ignore_signals, .context = (char[]){"a"}},
        {.name = "b", .run = tell_inheritance, .context = (char[]){"b"}},
    };
    supervise(children, 2, 0);
    char first = next_event(), second = next_event();
    assert_true((first == 'a' && second == '.') || (first == '.' && second == 'a'));
    stop_supervisor(SIGTERM);
}

/* The pipe ends when the last child that held it is gone. */
static void test_nobody_outlives_the_supervisor(void **state)
{
    (void)state;
    struct supervised children[] = {
        {.name = "a", .run = ignore_signals, .context = (char[]){"a"}},
        {.name = "b", .run = ignore_signals, .context = (char[]){"b"}},
    };
    supervise(children, 2, 1000);
    next_event();
    next_event();
    close(events[1]);
    kill(supervisor, SIGKILL);
    waitpid(supervisor, NULL, 0);
    assert_int_equal(next_event(), 0);
    events[1] = dup(STDERR_FILENO);
}

/* The end of NOTIFY_SOCKET. */
static int open_notify_socket(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/tmp/hgs-notify-%d", (int)getpid());
    int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(socket_fd, (struct sockaddr *)address, sizeof *address), 0);
    return socket_fd;
}

static void assert_notified(int socket_fd, const char *expected)
{
    char text[100] = "";
    assert_true(recv(socket_fd, text, sizeof text - 1, MSG_DONTWAIT) > 0);
    assert_string_equal(text, expected);
}

static void close_notify_socket(int socket_fd, const struct sockaddr_un *address)
{
    char byte;
    assert_true(recv(socket_fd, &byte, 1, MSG_DONTWAIT) < 0);
    close(socket_fd);
    unlink(address->sun_path);
}

static void test_notify(void **state)
{
    (void)state;
    struct sockaddr_un address;
    int socket_fd = open_notify_socket(&address);
    supervise_notify("READY=1"); /* to nobody */
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    supervise_notify("READY=1\nSTATUS=well");
    unsetenv("NOTIFY_SOCKET");
    assert_notified(socket_fd, "READY=1\nSTATUS=well");
    close_notify_socket(socket_fd, &address);
}

/* Also where no child is watched: systemd would end what is well. The supervisor tells before it
 * first looks at signals. */
static void test_tells_the_watchdog(void **state)
{
    (void)state;
    struct supervised children[] = {
        {.name = "a", .run = wait_for_signals, .context = (char[]){"a"}}};
    struct sockaddr_un address;
    int socket_fd = open_notify_socket(&address);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    supervise(children, 1, 60000);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(next_event(), 'A');
    stop_supervisor(SIGTERM);
    assert_notified(socket_fd, "WATCHDOG=1");
    assert_notified(socket_fd, "STOPPING=1");
    close_notify_socket(socket_fd, &address);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_restarts),
        TEST(test_stops_in_reverse_order),
        TEST(test_kills_when_told),
        TEST(test_kills_the_silent),
        TEST(test_kills_who_never_spoke),
        TEST(test_kills_the_deaf),
        TEST(test_passes_sighup_on),
        TEST(test_start_may_be_refused),
        TEST(test_children_inherit_nothing),
        TEST(test_nobody_outlives_the_supervisor),
        TEST(test_notify),
        TEST(test_tells_the_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
