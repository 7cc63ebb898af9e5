/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/file.h"

#include "../folder.h"
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "vm/errors.h"

static const char *const one[] = {"disk", "correct horse", NULL};

static char folder[FOLDER_SIZE];
static char path[128], last_good[160], replaced[160];

static int make_folder(void **state)
{
    (void)state;
    folder_make(folder);
    snprintf(path, sizeof path, "%s/web.vm", folder);
    snprintf(last_good, sizeof last_good, "%s.last-good", path);
    snprintf(replaced, sizeof replaced, "%s.replaced", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(last_good);
    unlink(replaced);
    char link[160];
    snprintf(link, sizeof link, "%s/link", folder);
    unlink(link);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static void make_file(const struct fixture *fixture)
{
    struct vm vm = {0};
    fixture_vm(&vm, fixture, one);
    assert_ok(vm_file_create(path, &vm, err));
    vm_done(&vm);
}

/* Rolls the file's key from key to document2's. */
static void roll(const struct fixture *fixture, const char *name, enum vm_file_former former)
{
    struct vm_file file = VM_FILE_CLOSED;
    struct vm vm = {0}, built = {0};
    assert_ok(vm_file_open(&file, name, err));
    assert_ok(vm_parse(&vm, buf_slice(&file.bytes), err));
    assert_ok(vm_reseal(&built, &vm, secret_slice(&fixture->key), buf_slice(&fixture->document2),
                        secret_slice(&fixture->key2), err));
    assert_ok(vm_file_save(&file, &built, former, err));
    vm_file_close(&file);
    vm_done(&vm);
    vm_done(&built);
}

/* A name in somebody else's folder may lead anywhere: owners are given to open files alone. */
int chown(const char *name, uid_t user, gid_t group)
{
    (void)user, (void)group;
    fail_msg("chown of the name %s", name);
    return -1;
}

static uid_t owner_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(name, &status), 0);
    return status.st_uid;
}

/* Only root can give files away; for others there is nothing to see but that nothing fails. */
static void keeps_its_owner(void **state)
{
    const struct fixture *fixture = *state;
    uid_t stranger = geteuid() == 0 ? 12345 : geteuid();
    struct vm_file file = VM_FILE_CLOSED;
    struct vm vm = {0};
    make_file(fixture);
    if (geteuid() == 0)
        assert_int_equal(lchown(path, stranger, 12345), 0);
    assert_ok(vm_file_open(&file, path, err));
    assert_ok(vm_parse(&vm, buf_slice(&file.bytes), err));
    assert_ok(vm_file_save(&file, &vm, VM_FILE_KEEP_FORMER, err));
    vm_file_close(&file);
    vm_done(&vm);
    assert_int_equal(owner_of(path), stranger);
    assert_int_equal(owner_of(last_good), stranger);
    assert_ok(vm_file_restore(path, err));
    assert_int_equal(owner_of(path), stranger);
    assert_int_equal(owner_of(replaced), stranger);
}

static void opens(const char *name, const struct secret *key)
{
    struct vm vm = {0};
    assert_ok(vm_file_read(&vm, name, err));
    fixture_opens(&vm, key, "disk", "correct horse");
    vm_done(&vm);
}

static void is_made_once(void **state)
{
    const struct fixture *fixture = *state;
    struct vm vm = {0};
    make_file(fixture);
    assert_int_equal(mode_of(path), 0600);
    fixture_vm(&vm, fixture, one);
    assert_refused(vm_file_create(path, &vm, err), base_file_unwritable);
    vm_done(&vm);
}

static void keeps_the_former(void **state)
{
    const struct fixture *fixture = *state;
    make_file(fixture);
    assert_int_equal(chmod(path, 0640), 0);
    roll(fixture, path, VM_FILE_KEEP_FORMER);
    opens(path, &fixture->key2);
    opens(last_good, &fixture->key);
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(mode_of(last_good), 0640);
}

static void forgets_the_former(void **state)
{
    const struct fixture *fixture = *state;
    make_file(fixture);
    assert_ok(file_replace(last_good, slice_from_text("x"), 0600, err));
    assert_ok(file_replace(replaced, slice_from_text("x"), 0600, err));
    roll(fixture, path, VM_FILE_FORGET_FORMER);
    opens(path, &fixture->key2);
    assert_int_not_equal(access(last_good, F_OK), 0);
    assert_int_not_equal(access(replaced, F_OK), 0);
}

static void leaves_the_former(void **state)
{
    const struct fixture *fixture = *state;
    make_file(fixture);
    roll(fixture, path, VM_FILE_LEAVE_FORMER);
    opens(path, &fixture->key2);
    assert_int_not_equal(access(last_good, F_OK), 0);
}

/* Root restores for others: a former file that leads elsewhere would show them what is there. */
static void restores_no_link(void **state)
{
    const struct fixture *fixture = *state;
    char elsewhere[sizeof path + 8];
    make_file(fixture);
    snprintf(elsewhere, sizeof elsewhere, "%s.other", path);
    assert_int_equal(rename(path, elsewhere), 0);
    make_file(fixture);
    assert_int_equal(symlink(elsewhere, last_good), 0);
    assert_refused(vm_file_restore(path, err), vm_no_last_good);
    assert_refused(vm_file_check_restore(path, err), vm_no_last_good);
    assert_int_not_equal(access(replaced, F_OK), 0);
    assert_int_equal(unlink(last_good), 0);
    assert_int_equal(mkdir(last_good, 0700), 0);
    assert_refused(vm_file_restore(path, err), vm_no_last_good);
    assert_int_equal(rmdir(last_good), 0);
    assert_int_equal(unlink(elsewhere), 0);
}

static void follows_links(void **state)
{
    const struct fixture *fixture = *state;
    char link[160];
    struct stat status;
    snprintf(link, sizeof link, "%s/link", folder);
    make_file(fixture);
    assert_int_equal(symlink("web.vm", link), 0);
    roll(fixture, link, VM_FILE_KEEP_FORMER);
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    opens(path, &fixture->key2);
    opens(last_good, &fixture->key);
}

/* Whoever the folder belongs to puts another in its place while the service is asked. */
static void stays_in_its_folder(void **state)
{
    const struct fixture *fixture = *state;
    struct vm_file file = VM_FILE_CLOSED;
    struct vm vm = {0};
    char moved[80], elsewhere[80], name[320];
    snprintf(moved, sizeof moved, "%s-moved", folder);
    snprintf(elsewhere, sizeof elsewhere, "%s-elsewhere", folder);
    make_file(fixture);
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_ok(vm_file_open(&file, path, err));
    assert_ok(vm_parse(&vm, buf_slice(&file.bytes), err));
    assert_int_equal(rename(folder, moved), 0);
    assert_int_equal(symlink(elsewhere, folder), 0);
    assert_ok(vm_file_save(&file, &vm, VM_FILE_KEEP_FORMER, err));
    vm_file_close(&file);
    vm_done(&vm);
    assert_int_equal(rmdir(elsewhere), 0); /* nothing is there */
    assert_int_equal(unlink(folder), 0);
    snprintf(name, sizeof name, "%s/web.vm.last-good", moved);
    assert_int_equal(access(name, F_OK), 0);
    assert_int_equal(rename(moved, folder), 0);
    opens(path, &fixture->key);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    struct vm_file file = VM_FILE_CLOSED;
    assert_refused(vm_file_open(&file, path, err), base_file_unreadable);
    assert_refused(vm_file_open(&file, folder, err), base_file_unreadable);
    assert_refused(vm_file_open(&file, "/dev/null", err), base_file_unreadable);
    assert_int_equal(file.fd, -1);
}

static void restores(void **state)
{
    const struct fixture *fixture = *state;
    make_file(fixture);
    assert_refused(vm_file_restore(path, err), vm_no_last_good);
    assert_refused(vm_file_check_restore(path, err), vm_no_last_good);
    roll(fixture, path, VM_FILE_KEEP_FORMER);
    assert_ok(vm_file_restore(path, err));
    opens(path, &fixture->key);
    opens(replaced, &fixture->key2);
    /* whatever happened to the file */
    assert_ok(file_replace(path, slice_from_text("garbage"), 0600, err));
    assert_ok(vm_file_restore(path, err));
    opens(path, &fixture->key);
    assert_int_equal(unlink(path), 0);
    assert_ok(vm_file_check_restore(path, err));
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(vm_file_restore(path, err));
    opens(path, &fixture->key);
    /* but not by something that is no VM file */
    assert_ok(file_replace(last_good, slice_from_text("garbage"), 0600, err));
    assert_refused(vm_file_restore(path, err), vm_malformed);
    assert_refused(vm_file_check_restore(path, err), vm_malformed);
    opens(path, &fixture->key);
}

/* While one process has the file open, another waits; it then sees what the first one wrote. */
static void is_changed_by_one_at_a_time(void **state)
{
    const struct fixture *fixture = *state;
    struct vm_file file = VM_FILE_CLOSED;
    struct vm vm = {0}, built = {0};
    int ready[2];
    make_file(fixture);
    assert_int_equal(pipe(ready), 0);
    assert_ok(vm_file_open(&file, path, err));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct vm_file waiting = VM_FILE_CLOSED;
        struct vm seen = {0};
        struct secret plain = SECRET_EMPTY;
        /* The inherited descriptor shares the parent's lock: the child takes one of its own. */
        close(file.fd);
        (void)!write(ready[1], "x", 1);
        bool good = vm_file_open(&waiting, path, NULL) &&
                    vm_parse(&seen, buf_slice(&waiting.bytes), NULL) &&
                    vm_secret_open(&plain, &seen, "disk", secret_slice(&fixture->key2), NULL);
        _exit(good ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    int other = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    close(other);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    assert_ok(vm_parse(&vm, buf_slice(&file.bytes), err));
    assert_ok(vm_reseal(&built, &vm, secret_slice(&fixture->key), buf_slice(&fixture->document2),
                        secret_slice(&fixture->key2), err));
    assert_ok(vm_file_save(&file, &built, VM_FILE_KEEP_FORMER, err));
    vm_file_close(&file);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(ready[0]);
    close(ready[1]);
    vm_done(&vm);
    vm_done(&built);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(is_made_once),
        in_folder(keeps_the_former),
        in_folder(forgets_the_former),
        in_folder(leaves_the_former),
        in_folder(restores_no_link),
        in_folder(follows_links),
        in_folder(refuses_what_is_no_file),
        in_folder(restores),
        in_folder(is_changed_by_one_at_a_time),
        in_folder(keeps_its_owner),
        in_folder(stays_in_its_folder),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
