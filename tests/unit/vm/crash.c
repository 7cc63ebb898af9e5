/* SPDX-License-Identifier: Apache-2.0 */

/*
 * kill -9 at every step of replacing a VM file (src/vm/file.c, src/base/file.c).
 *
 * This program defines the calls by which a file is replaced in front of the C library's, so that
 * the n-th of them can kill the process: before it, or, for a write, in the middle of it. A child
 * replaces the file and dies at step n, for n = 1, 2, … until one lives to the end. After each
 * death, the file that is left must open with the old or the new key.
 */
#include "../folder.h"
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm/file.h"

#define TRACE_MAX 256

static bool armed;
static int steps_left;        /* die when it reaches 0 */
static char trace[TRACE_MAX]; /* one letter a step */
static size_t trace_size;

static void die(void)
{
    syscall(SYS_kill, (int)syscall(SYS_getpid), SIGKILL);
}

/* True when this is the step to die at. */
static bool step(char letter)
{
    if (!armed)
        return false;
    if (trace_size < TRACE_MAX - 1)
        trace[trace_size++] = letter;
    return --steps_left == 0;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (step('w')) {
        (void)!syscall(SYS_write, fd, bytes, size / 2);
        die();
    }
    return syscall(SYS_write, fd, bytes, size);
}

/* Made temporary files are steps; what else is opened passes through. */
int openat(int folder, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if ((flags & O_EXCL) != 0 && step('o'))
        die();
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

int fchmod(int fd, mode_t mode)
{
    if (step('m'))
        die();
    return (int)syscall(SYS_fchmod, fd, mode);
}

int fsync(int fd)
{
    struct stat status;
    bool folder = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    if (step(folder ? 'F' : 'f'))
        die();
    return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    if (step('r'))
        die();
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    if (step('n'))
        die();
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}

int unlinkat(int folder, const char *path, int flags)
{
    if (step('u'))
        die();
    return (int)syscall(SYS_unlinkat, folder, path, flags);
}

static const char *const one[] = {"disk", "correct horse", NULL};

/* Which of the keys opens the file: 1, 2, or 0 for neither. */
static int opened_by(const char *path, const struct fixture *fixture)
{
    struct vm vm = {0};
    struct secret plain = SECRET_EMPTY;
    int number = 0;
    if (vm_file_read(&vm, path, NULL)) {
        if (vm_secret_open(&plain, &vm, "disk", secret_slice(&fixture->key), NULL))
            number = 1;
        else if (vm_secret_open(&plain, &vm, "disk", secret_slice(&fixture->key2), NULL))
            number = 2;
        if (number != 0 && !slice_equals_text(secret_slice(&plain), "correct horse"))
            number = 0;
    }
    secret_done(&plain);
    vm_done(&vm);
    return number;
}

static bool roll(const char *path, const struct fixture *fixture)
{
    struct vm_file file = VM_FILE_CLOSED;
    struct vm vm = {0}, built = {0};
    bool good = vm_file_open(&file, path, NULL) && vm_parse(&vm, buf_slice(&file.bytes), NULL) &&
                vm_reseal(&built, &vm, secret_slice(&fixture->key), buf_slice(&fixture->document2),
                          secret_slice(&fixture->key2), NULL) &&
                vm_file_save(&file, &built, VM_FILE_KEEP_FORMER, NULL);
    vm_file_close(&file);
    vm_done(&vm);
    vm_done(&built);
    return good;
}

static bool restore(const char *path, const struct fixture *fixture)
{
    (void)fixture;
    return vm_file_restore(path, NULL);
}

/* Runs it in a child that dies at step n; true when the child lived to the end. */
static bool lives(bool (*work)(const char *, const struct fixture *), const char *path,
                  const struct fixture *fixture, int n)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        steps_left = n;
        armed = true;
        bool good = work(path, fixture);
        armed = false;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
        return true;
    }
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return false;
}

struct place {
    char folder[FOLDER_SIZE];
    char path[64];
    char last_good[96];
};

static void make_place(struct place *place, const struct fixture *fixture)
{
    struct vm vm = {0};
    folder_make(place->folder);
    snprintf(place->path, sizeof place->path, "%s/web.vm", place->folder);
    snprintf(place->last_good, sizeof place->last_good, "%s.last-good", place->path);
    fixture_vm(&vm, fixture, one);
    assert_ok(vm_file_create(place->path, &vm, err));
    vm_done(&vm);
}

/* A crash leaves temporary files: whatever the folder holds is removed. */
static void remove_place(const struct place *place)
{
    folder_remove(place->folder);
}

static void a_roll_survives_death_at_any_step(void **state)
{
    const struct fixture *fixture = *state;
    bool lived = false;
    int before = 0, after = 0, n = 0;
    while (!lived) {
        struct place place;
        make_place(&place, fixture);
        lived = lives(roll, place.path, fixture, ++n);
        int number = opened_by(place.path, fixture);
        if (number == 0)
            fail_msg("the file does not open after death at step %d", n);
        /* Once the file is the new one, the last known good one is the old one. */
        if (number == 2)
            assert_int_equal(opened_by(place.last_good, fixture), 1);
        before += number == 1;
        after += number == 2;
        /* What a crash left half done is done by doing it again. */
        if (number == 1) {
            assert_true(roll(place.path, fixture));
            assert_int_equal(opened_by(place.path, fixture), 2);
        }
        remove_place(&place);
        assert_true(n < 100);
    }
    /* The test would prove nothing if it had not died on both sides of the change. */
    assert_true(before > 5);
    assert_true(after > 1);
}

static void a_restore_survives_death_at_any_step(void **state)
{
    const struct fixture *fixture = *state;
    bool lived = false;
    int n = 0, before = 0;
    while (!lived) {
        struct place place;
        make_place(&place, fixture);
        assert_true(roll(place.path, fixture));
        lived = lives(restore, place.path, fixture, ++n);
        int number = opened_by(place.path, fixture);
        assert_true(number == 1 || number == 2);
        assert_int_equal(opened_by(place.last_good, fixture), 1);
        before += number == 2;
        remove_place(&place);
        assert_true(n < 100);
    }
    assert_true(before > 3);
}

/*
 * A power failure is worse than kill -9: what was not flushed is gone. No test can pull the plug,
 * but the order can be looked at: a file's bytes are flushed before its name is taken over, and the
 * folder afterwards, for the last known good copy and then for the file.
 */
static void flushes_before_and_after_each_rename(void **state)
{
    const struct fixture *fixture = *state;
    struct place place;
    make_place(&place, fixture);
    trace_size = 0;
    steps_left = 0;
    armed = true;
    bool good = roll(place.path, fixture);
    armed = false;
    trace[trace_size] = '\0';
    assert_true(good);
    assert_string_equal(trace, "owmfrFowmfrF");
    remove_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_roll_survives_death_at_any_step),
        cmocka_unit_test(a_restore_survives_death_at_any_step),
        cmocka_unit_test(flushes_before_and_after_each_rename),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
