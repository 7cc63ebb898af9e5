/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../folder.h"
#include "base/errors.h"

static char folder[FOLDER_SIZE];

static const char *at(const char *name)
{
    return folder_at(folder, name);
}

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void holds(const char *path, const char *text, unsigned mode)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_ok(file_read(&out, path, err));
    assert_string_equal(buf_text(&out), text);
    assert_int_equal(mode_of(path), mode);
    buf_done(&out);
}

static int count_entries(void)
{
    DIR *stream = opendir(folder);
    int count = -2; /* . and .. */
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count;
}

static void test_replace(void **state)
{
    (void)state;
    umask(077);
    assert_ok(file_replace(at("a"), slice_from_text("one"), 0644, err));
    holds(at("a"), "one", 0644);
    assert_ok(file_replace(at("a"), slice_from_text("two"), 0600, err));
    holds(at("a"), "two", 0600);
    assert_ok(file_replace(at("a"), SLICE_EMPTY, 0600, err));
    holds(at("a"), "", 0600);
    assert_int_equal(count_entries(), 1);
    assert_refused(file_replace(at("missing/a"), SLICE_EMPTY, 0600, err), base_file_unwritable);
    assert_int_equal(mkdir(at("d"), 0700), 0);
    assert_refused(file_replace(at("d"), slice_from_text("x"), 0600, err), base_file_unwritable);
    /* Not put in the place of what is no file: root could take a device's name. */
    struct stat status;
    assert_int_equal(mkfifo(at("p"), 0600), 0);
    assert_refused(file_replace(at("p"), slice_from_text("x"), 0600, err), base_file_unwritable);
    assert_int_equal(lstat(at("p"), &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(unlink(at("p")), 0);
    assert_int_equal(count_entries(), 2);
}

/* By a folder that only a descriptor names, which need not be open for reading. */
static void test_place(void **state)
{
    (void)state;
    int before = count_entries(), fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct file_place place = {fd, "placed", "shown"};
    assert_ok(file_create_at(&place, slice_from_text("one"), 0600, err));
    assert_refused(file_create_at(&place, slice_from_text("two"), 0600, err), base_file_unwritable);
    holds(at("placed"), "one", 0600);
    assert_ok(file_replace_at(&place, slice_from_text("three"), 0640, geteuid(), getegid(), err));
    holds(at("placed"), "three", 0640);
    assert_int_equal(unlink(at("placed")), 0);
    assert_int_equal(count_entries(), before);
    close(fd);
}

static void test_create(void **state)
{
    (void)state;
    assert_ok(file_check_absent(at("b"), err));
    assert_ok(file_create(at("b"), slice_from_text("one"), 0600, err));
    assert_refused(file_check_absent(at("b"), err), base_file_unwritable);
    assert_refused(file_create(at("b"), slice_from_text("two"), 0600, err), base_file_unwritable);
    holds(at("b"), "one", 0600);
    unlink(at("b"));
    assert_int_equal(symlink("nowhere", at("l")), 0);
    assert_refused(file_check_absent(at("l"), err), base_file_unwritable);
    assert_refused(file_create(at("l"), slice_from_text("x"), 0600, err), base_file_unwritable);
    unlink(at("l"));
}

static void test_read_bounds(void **state)
{
    (void)state;
    struct buf out;
    assert_ok(file_replace(at("c"), slice_from_text("12345"), 0600, err));
    buf_init(&out, 5);
    assert_ok(file_read(&out, at("c"), err));
    assert_int_equal(out.size, 5);
    buf_done(&out);
    buf_init(&out, 6);
    buf_append_text(&out, "xy");
    assert_refused(file_read(&out, at("c"), err), base_file_too_large);
    assert_string_equal(buf_text(&out), "xy");
    buf_done(&out);
    buf_init_secret(&out, 4);
    assert_refused(file_read(&out, at("c"), err), base_file_too_large);
    assert_refused(file_read(&out, at("none"), err), base_file_unreadable);
    assert_refused(file_read(&out, folder, err), base_file_unreadable);
    assert_refused(file_read(&out, "/dev/zero", err), base_file_too_large);
    buf_done(&out);
}

static void test_large(void **state)
{
    (void)state;
    size_t size = 300001;
    char *text = malloc(size + 1);
    memset(text, 'z', size);
    text[size] = '\0';
    assert_ok(file_replace(at("large"), slice_of(text, size), 0600, err));
    holds(at("large"), text, 0600);
    free(text);
}

static void test_pipe(void **state)
{
    (void)state;
    int ends[2];
    struct buf out;
    assert_int_equal(pipe(ends), 0);
    buf_init(&out, 100);
    assert_ok(file_write_fd(ends[1], slice_from_text("through a pipe"), "pipe", err));
    file_close(&ends[1]);
    assert_int_equal(ends[1], -1);
    file_close(&ends[1]);
    assert_ok(file_read_fd(&out, ends[0], "pipe", err));
    assert_string_equal(buf_text(&out), "through a pipe");
    assert_refused(file_write_fd(ends[0], slice_from_text("x"), "pipe", err), base_file_unwritable);
    close(ends[0]);
    assert_refused(file_read_fd(&out, ends[0], "pipe", err), base_file_unreadable);
    buf_done(&out);
}

static void test_private(void **state)
{
    (void)state;
    struct buf out;
    buf_init_secret(&out, 100);
    static const mode_t refused[] = {0644, 0640, 0604, 0620, 0602, 0610, 0601};
    assert_ok(file_replace(at("key"), slice_from_text("secret"), 0600, err));
    assert_ok(file_read_private(&out, at("key"), err));
    assert_string_equal(buf_text(&out), "secret");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        chmod(at("key"), refused[i]);
        assert_refused(file_read_private(&out, at("key"), err), base_file_mode);
    }
    chmod(at("key"), 0400);
    buf_reset(&out);
    assert_ok(file_read_private(&out, at("key"), err));
    if (geteuid() == 0) {
        assert_int_equal(chown(at("key"), 12345, 0), 0);
        assert_refused(file_read_private(&out, at("key"), err), base_file_mode);
    }
    buf_done(&out);
}

static void test_folders(void **state)
{
    (void)state;
    umask(077);
    assert_ok(file_make_folder(at("x/y/z"), 0755, err));
    assert_int_equal(mode_of(at("x/y")), 0755);
    chmod(at("x"), 0700);
    assert_ok(file_make_folder(at("x/y/z"), 0755, err));
    assert_ok(file_make_folder(at("x//w/"), 0755, err));
    assert_int_equal(mode_of(at("x")), 0700); /* it was there */
    assert_ok(file_replace(at("file"), SLICE_EMPTY, 0600, err));
    assert_refused(file_make_folder(at("file"), 0755, err), base_folder);
    assert_refused(file_make_folder(at("file/below"), 0755, err), base_folder);
}

/* A writer that is killed again and again leaves one of the whole texts. */
static void test_kill_while_replacing(void **state)
{
    (void)state;
    static char a[40000], b[20000];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    assert_ok(file_replace(at("k"), slice_of(a, sizeof a), 0600, err));
    for (int round = 0; round < 20; round++) {
        int ready[2];
        assert_int_equal(pipe(ready), 0);
        pid_t pid = fork();
        if (pid == 0) {
            for (int i = 0;; i++) {
                file_replace(at("k"), i % 2 ? slice_of(a, sizeof a) : slice_of(b, sizeof b), 0600,
                             NULL);
                if (write(ready[1], "x", 1) < 0)
                    _exit(1);
            }
        }
        char byte;
        for (int i = 0; i <= round; i++)
            assert_int_equal(read(ready[0], &byte, 1), 1);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(ready[0]);
        close(ready[1]);
        struct buf out;
        buf_init(&out, sizeof a);
        assert_ok(file_read(&out, at("k"), err));
        assert_true(slice_equal(buf_slice(&out), slice_of(a, sizeof a)) ||
                    slice_equal(buf_slice(&out), slice_of(b, sizeof b)));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace),     cmocka_unit_test(test_create),
        cmocka_unit_test(test_read_bounds), cmocka_unit_test(test_large),
        cmocka_unit_test(test_pipe),        cmocka_unit_test(test_private),
        cmocka_unit_test(test_folders),     cmocka_unit_test(test_kill_while_replacing),
        cmocka_unit_test(test_place),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
