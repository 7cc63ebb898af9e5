/* SPDX-License-Identifier: Apache-2.0 */
#include "process/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "process/capability.h"
#include "process/errors.h"

#define NEEDS_ROOT                                                         \
    do {                                                                   \
        if (geteuid() != 0) {                                              \
            print_message("skipped: only root can become another user\n"); \
            skip();                                                        \
        }                                                                  \
    } while (0)

static bool become_nobody(struct error *err)
{
    return sandbox_drop_user("nobody", 0, err);
}

static bool become_nobody_with_ports(struct error *err)
{
    return sandbox_drop_user("nobody", CAPABILITY_NET_BIND_SERVICE, err);
}

static bool stay(struct error *err)
{
    return sandbox_drop_user(NULL, 0, err);
}

static int look_around(void)
{
    struct passwd *nobody = getpwnam("nobody");
    uid_t uids[3];
    gid_t gids[3], groups[16];
    getresuid(&uids[0], &uids[1], &uids[2]);
    getresgid(&gids[0], &gids[1], &gids[2]);
    for (int i = 0; i < 3; i++)
        if (uids[i] != nobody->pw_uid || gids[i] != nobody->pw_gid)
            return 1;
    if (getgroups(16, groups) != 1 || groups[0] != nobody->pw_gid)
        return 2;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
}

static int try_root(void)
{
    if (setuid(0) == 0 || seteuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0 ||
        setgroups(0, NULL) == 0)
        return 1;
    return open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES ? 0 : 2;
}

static int count_capabilities(void)
{
    cap_t now = cap_get_proc(), none = cap_init();
    int result = cap_compare(now, none) == 0 ? 0 : 1;
    cap_free(now);
    cap_free(none);
    for (cap_value_t c = 0; result == 0 && c < cap_max_bits(); c++)
        result = cap_get_ambient(c) == 1 ? 2 : 0;
    return result;
}

static int bounding_set_is_empty(void)
{
    for (cap_value_t c = 0; c < cap_max_bits(); c++)
        if (cap_get_bound(c) == 1)
            return 1;
    return 0;
}

static int bind_low_port(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(0), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (uint16_t port = 1023; port > 900; port--) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        address.sin_port = htons(port);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
            return 0;
        if (errno != EADDRINUSE)
            return errno;
        close(fd);
    }
    return EADDRINUSE;
}

static void test_drop_user(void **state)
{
    (void)state;
    NEEDS_ROOT;
    assert_int_equal(run_inside(become_nobody, look_around), 0);
    assert_int_equal(run_inside(become_nobody, try_root), 0);
    assert_int_equal(run_inside(become_nobody, count_capabilities), 0);
    assert_int_equal(run_inside(become_nobody, bounding_set_is_empty), 0);
}

static void test_staying_loses_capabilities(void **state)
{
    (void)state;
    assert_int_equal(run_inside(stay, count_capabilities), 0);
}

static int only_ports(void)
{
    cap_value_t bind_service = CAP_NET_BIND_SERVICE;
    cap_t now = cap_get_proc(), wanted = cap_init();
    cap_set_flag(wanted, CAP_PERMITTED, 1, &bind_service, CAP_SET);
    cap_set_flag(wanted, CAP_EFFECTIVE, 1, &bind_service, CAP_SET);
    int result = cap_compare(now, wanted);
    cap_free(now);
    cap_free(wanted);
    return result == 0 ? look_around() : 10;
}

static void test_keep_ports(void **state)
{
    (void)state;
    NEEDS_ROOT;
    assert_int_equal(run_inside(become_nobody_with_ports, only_ports), 0);
    assert_int_equal(run_inside(become_nobody_with_ports, try_root), 0);
    assert_int_equal(run_inside(become_nobody_with_ports, bind_low_port), 0);
}

static bool die_with_parent(struct error *err)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return sandbox_drop_user("nobody", 0, err);
}

static int parent_death_signal(void)
{
    int number = 0;
    prctl(PR_GET_PDEATHSIG, &number);
    return number;
}

/* The kernel forgets it when the user changes. */
static void test_keeps_parent_death_signal(void **state)
{
    (void)state;
    NEEDS_ROOT;
    assert_int_equal(run_inside(die_with_parent, parent_death_signal), SIGKILL);
}

static int refusals(void)
{
    struct error err = {0};
    /* By now we are nobody. */
    if (sandbox_drop_user("root", 0, &err) || err.code != &process_user)
        return 1;
    if (sandbox_drop_user("no-such-user-of-ours", 0, &err) || err.code != &process_user)
        return 2;
    return sandbox_drop_user("nobody", 0, &err) ? 0 : 3;
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refused(sandbox_drop_user("no-such-user-of-ours", 0, err), process_user);
    NEEDS_ROOT;
    assert_int_equal(run_inside(become_nobody, refusals), 0);
}

static int undumpable_state(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_cur == 0 && limit.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0 &&
                   prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
               ? 0
               : 1;
}

static void test_undumpable(void **state)
{
    (void)state;
    assert_int_equal(run_inside(sandbox_undumpable, undumpable_state), 0);
}

static pid_t target;

static int open_memory_of_target(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)target);
    return errno_of(open(path, O_RDONLY));
}

/* The same user reads a dumpable process's memory and not an undumpable one's. */
static void test_nobody_reads_memory(void **state)
{
    (void)state;
    NEEDS_ROOT;
    for (int protect = 0; protect < 2; protect++) {
        int ready[2];
        char byte = 0;
        assert_int_equal(pipe(ready), 0);
        fflush(NULL);
        target = fork();
        if (target == 0) {
            bool fine = sandbox_drop_user("nobody", 0, NULL) &&
                        (protect ? sandbox_undumpable(NULL) : prctl(PR_SET_DUMPABLE, 1) == 0);
            byte = fine ? 'y' : 'n';
            if (write(ready[1], &byte, 1) == 1)
                pause();
            _exit(1);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_int_equal(byte, 'y');
        assert_int_equal(run_inside(become_nobody, open_memory_of_target), protect ? EACCES : 0);
        kill(target, SIGKILL);
        waitpid(target, NULL, 0);
        close(ready[0]);
        close(ready[1]);
    }
}

static void test_describe(void **state)
{
    (void)state;
    char text[100];
    sandbox_describe(text, sizeof text);
    assert_non_null(strstr(text, "landlock"));
    assert_non_null(strstr(text, "seccomp"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drop_user),
        cmocka_unit_test(test_staying_loses_capabilities),
        cmocka_unit_test(test_keep_ports),
        cmocka_unit_test(test_keeps_parent_death_signal),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_undumpable),
        cmocka_unit_test(test_nobody_reads_memory),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
