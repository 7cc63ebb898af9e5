/* SPDX-License-Identifier: Apache-2.0 */

/* What the process that asks the kernel says, which is the test itself here;
 * tests/integration/sinks.py has the real one. */

#include "audit/kernel_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include "../testing.h"
#include "base/file.h"

static void open_watch(struct audit_kernel_watch *watch, int *asker)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    *watch = (struct audit_kernel_watch){.pipe = ends[0]};
    *asker = ends[1];
}

static void say(int asker, const char *words)
{
    assert_int_equal(write(asker, words, strlen(words)), strlen(words));
}

static void expect_off(struct audit_kernel_watch *watch, bool start_again)
{
    struct error err = {0};
    assert_false(audit_kernel_watch_check(watch, &err));
    assert_string_equal(err.code->name, "audit.sink-missing");
    assert_int_equal(strstr(err.message, "start hgsd again") != NULL, start_again);
}

static void what_is_said_last_counts(void **state)
{
    (void)state;
    struct audit_kernel_watch watch;
    int asker;
    open_watch(&watch, &asker);
    assert_ok(audit_kernel_watch_check(&watch, err));
    say(asker, "0");
    expect_off(&watch, false);
    expect_off(&watch, false);
    say(asker, "101");
    assert_ok(audit_kernel_watch_check(&watch, err));
    assert_ok(audit_kernel_watch_check(&watch, err));
    file_close(&asker);
    audit_kernel_watch_stop(&watch);
}

/* Who waits for a word that cannot come hears what to do instead. */
static void nobody_may_ask_any_more(void **state)
{
    (void)state;
    struct audit_kernel_watch watch;
    int asker;
    open_watch(&watch, &asker);
    say(asker, "10");
    file_close(&asker);
    expect_off(&watch, false);
    expect_off(&watch, true);
    audit_kernel_watch_stop(&watch);
    open_watch(&watch, &asker);
    file_close(&asker);
    assert_ok(audit_kernel_watch_check(&watch, err));
    assert_int_equal(watch.pipe, -1);
    audit_kernel_watch_stop(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_last_counts),
        cmocka_unit_test(nobody_may_ask_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
