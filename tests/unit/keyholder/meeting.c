/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/meeting.h"
#include "keyholder/errors.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest.h"
#include "process/descriptors.h"

static int file_of(const char *text)
{
    int fd = memfd_create("meeting", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
    return fd;
}

static void assert_text(int fd, const char *text)
{
    char found[64] = "";
    assert_int_equal(pread(fd, found, sizeof found - 1, 0), strlen(text));
    assert_string_equal(found, text);
}

static struct meeting pfx(void)
{
    struct meeting files = MEETING_NONE;
    files.fds[MEETING_KEY] = file_of("key");
    files.fds[MEETING_PASSWORD] = file_of("password");
    return files;
}

static void files_come_over(void **state)
{
    (void)state;
    struct guest guest;
    int there = guest_come(&guest, KEYHOLDER_IMPORT, pfx(), getpid());
    struct meeting got;
    assert_ok(meeting_receive(&got, there, KEYHOLDER_IMPORT, err));
    assert_text(got.fds[MEETING_KEY], "key");
    assert_text(got.fds[MEETING_PASSWORD], "password");
    assert_int_equal(got.fds[MEETING_CERTIFICATE], -1);
    assert_int_equal(got.fds[MEETING_PERMIT], -1);
    meeting_done(&got);
    assert_true(guest_go(&guest));
    assert_int_equal(guest.came, getpid());
    close(there);
}

static int refusal_of(enum keyholder_opcode operation, int there)
{
    struct error err = {0};
    struct meeting got = MEETING_NONE;
    bool received = meeting_receive(&got, there, operation, &err);
    meeting_done(&got);
    return received ? 0 : err.code == &keyholder_meeting ? 1 : 2;
}

/* The kernel says who asks, whatever that process is. */
static void another_process_gets_nothing(void **state)
{
    (void)state;
    struct guest guest;
    int there = guest_come(&guest, KEYHOLDER_IMPORT, pfx(), getpid());
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(refusal_of(KEYHOLDER_IMPORT, there));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 1 << 8);
    assert_false(guest_go(&guest));
    assert_ptr_equal(guest.err.code, &keyholder_impostor);
    assert_int_equal(guest.came, pid);
    close(there);
}

/* Files are for one operation, and for no other. */
static void files_for_something_else_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum keyholder_opcode meant, asked;
        unsigned files;
    } samples[] = {
        {KEYHOLDER_IMPORT, KEYHOLDER_RESTORE, 1 << MEETING_PASSWORD | 1 << MEETING_BACKUP},
        {KEYHOLDER_BACKUP, KEYHOLDER_RESTORE, 1 << MEETING_PASSWORD | 1 << MEETING_BACKUP},
        {KEYHOLDER_RESTORE, KEYHOLDER_BACKUP, 1 << MEETING_PASSWORD | 1 << MEETING_BACKUP},
        {KEYHOLDER_IMPORT, KEYHOLDER_IMPORT, 1 << MEETING_PASSWORD},
        {KEYHOLDER_IMPORT, KEYHOLDER_IMPORT, 1 << MEETING_KEY | 1 << MEETING_PERMIT},
        {KEYHOLDER_BACKUP, KEYHOLDER_BACKUP, 1 << MEETING_BACKUP | 1 << MEETING_PERMIT},
        {KEYHOLDER_RESTORE, KEYHOLDER_RESTORE, 1 << MEETING_PASSWORD},
        {KEYHOLDER_RESTORE, KEYHOLDER_RESTORE, 0},
        {KEYHOLDER_SIGN, KEYHOLDER_SIGN, 1 << MEETING_KEY},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct guest guest;
        struct meeting files = MEETING_NONE;
        int pipes[2];
        char byte;
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        for (unsigned file = 0; file < MEETING_FILES; file++)
            if ((samples[i].files & 1 << file) != 0)
                files.fds[file] = dup(pipes[1]);
        close(pipes[1]);
        int there = guest_come(&guest, samples[i].meant, files, 0);
        if (refusal_of(samples[i].asked, there) != 1)
            fail_msg("sample %zu", i);
        assert_true(guest_go(&guest));
        assert_int_equal(read(pipes[0], &byte, 1), 0); /* every copy is closed */
        close(pipes[0]);
        close(there);
    }
}

static void nobody_need_come(void **state)
{
    (void)state;
    struct guest guest;
    int there = guest_come(&guest, KEYHOLDER_IMPORT, pfx(), 0);
    close(there);
    assert_true(guest_go(&guest));
    assert_int_equal(guest.came, 0);
    there = guest_come(&guest, KEYHOLDER_IMPORT, pfx(), 0);
    assert_true(guest_go(&guest));
    assert_int_equal(guest.came, 0);
    /* And who comes too late meets nobody. */
    assert_int_equal(refusal_of(KEYHOLDER_IMPORT, there), 1);
    close(there);
}

static void what_is_no_meeting_is_refused(void **state)
{
    (void)state;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(refusal_of(KEYHOLDER_IMPORT, nothing), 1);
    close(nothing);
}

/* A guest of another making, who answers as it likes. */
static void answers_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size, descriptors;
    } samples[] = {{"", 0, 0},         {"\x02", 1, 1},     {"\x02\x02", 2, 0},
                   {"\x02\x02", 2, 2}, {"\x02\x22", 2, 2}, {"\x02\x02\x02", 3, 1},
                   {"\x02\x00", 2, 0}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        int here, there, line = -1, fds[2] = {0, 0};
        char byte;
        size_t size, count = 1;
        assert_ok(meeting_open(&here, &there, err));
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            struct error err = {0};
            close(there);
            bool came = descriptors_receive(here, &byte, 1, &size, &line, &count, &err);
            if (samples[i].size > 0)
                came = descriptors_send(line, slice_of(samples[i].bytes, samples[i].size), fds,
                                        samples[i].descriptors, &err);
            _exit(came ? 0 : 1);
        }
        close(here);
        if (refusal_of(KEYHOLDER_IMPORT, there) != 1)
            fail_msg("sample %zu", i);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        close(there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_over),
        cmocka_unit_test(another_process_gets_nothing),
        cmocka_unit_test(files_for_something_else_are_refused),
        cmocka_unit_test(nobody_need_come),
        cmocka_unit_test(what_is_no_meeting_is_refused),
        cmocka_unit_test(answers_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
