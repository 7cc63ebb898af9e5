/* SPDX-License-Identifier: Apache-2.0 */
#include "host/event_logs.h"

#include "../folder.h"

#include "base/file.h"
#include "host/errors.h"

static char folder[FOLDER_SIZE];
static char present[FOLDER_SIZE + 8], missing[FOLDER_SIZE + 8];

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    snprintf(present, sizeof present, "%s/log", folder);
    snprintf(missing, sizeof missing, "%s/none", folder);
    assert_ok(file_create(present, slice_from_text("log"), 0600, err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void reads_what_it_is_told_to(void **state)
{
    (void)state;
    const struct host_event_logs logs = {present, present};
    _cleanup_buf_ struct buf bios, ima;
    buf_init(&bios, HOST_EVENT_LOG_MAX);
    buf_init(&ima, HOST_EVENT_LOG_MAX);
    assert_ok(host_event_logs_read_bios(&bios, &logs, err));
    assert_ok(host_event_logs_read_ima(&ima, &logs, err));
    assert_true(slice_equals_text(buf_slice(&bios), "log"));
    assert_true(slice_equals_text(buf_slice(&ima), "log"));
}

static void refuses_logs_that_are_not_there(void **state)
{
    (void)state;
    const struct host_event_logs logs = {missing, missing};
    _cleanup_buf_ struct buf out;
    buf_init(&out, HOST_EVENT_LOG_MAX);
    assert_refused(host_event_logs_read_bios(&out, &logs, err), host_log_unreadable);
    /* One that was named is wanted. */
    assert_refused(host_event_logs_read_ima(&out, &logs, err), host_log_unreadable);
}

static void refuses_logs_that_are_too_large(void **state)
{
    (void)state;
    const struct host_event_logs logs = {present, NULL};
    _cleanup_buf_ struct buf out;
    buf_init(&out, 2);
    assert_refused(host_event_logs_read_bios(&out, &logs, err), host_log_unreadable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_what_it_is_told_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_logs_that_are_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_logs_that_are_too_large, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
