/* SPDX-License-Identifier: Apache-2.0 */
#include "process/parent.h"

#include <stdbool.h>

#include "../testing.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_parent(void **state)
{
    (void)state;
    assert_int_equal(process_parent(getpid()), getppid());
    assert_int_equal(process_parent(0), 0);
    assert_int_equal(process_parent(-1), 0);
    assert_int_equal(prctl(PR_SET_NAME, "a name"), 0);
    assert_true(process_is_called(getpid(), "a name"));
    assert_false(process_is_called(getpid(), "a nam"));
    assert_false(process_is_called(getpid(), "a names"));
    assert_false(process_is_called(-1, "a name"));
}

static void test_siblings(void **state)
{
    (void)state;
    int hold[2];
    assert_int_equal(pipe(hold), 0);
    fflush(NULL);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            char byte;
            close(hold[1]);
            _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
        }
    }
    assert_true(process_sibling_is(children[0], geteuid()));
    assert_false(process_sibling_is(children[0], geteuid() + 1));
    kill(children[1], SIGKILL);
    assert_int_equal(waitpid(children[1], NULL, 0), children[1]);
    assert_false(process_sibling_is(children[0], geteuid())); /* itself does not count */
    assert_false(process_sibling_is(-1, geteuid()));
    close(hold[1]);
    assert_int_equal(waitpid(children[0], NULL, 0), children[0]);
    close(hold[0]);
}

/* A process chooses its name, which stands before the number. */
static void test_misleading_name(void **state)
{
    (void)state;
    int ready[2], done[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(done[1]);
        bool named = prctl(PR_SET_NAME, "a) S 1 (b", 0, 0, 0) == 0;
        if (write(ready[1], "x", 1) != 1 || read(done[0], &byte, 1) != 0)
            named = false;
        _exit(named ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(process_parent(pid), getpid());
    close(done[1]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(process_parent(pid), 0);
    close(done[0]);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parent),
        cmocka_unit_test(test_siblings),
        cmocka_unit_test(test_misleading_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
