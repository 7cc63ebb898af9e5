/* SPDX-License-Identifier: Apache-2.0 */
/* What a user lacks on the way to a file, and that a grant gives that and nothing else: as root,
 * users of no privilege try it themselves. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../folder.h"
#include "process/errors.h"
#include "process/file_access.h"

#define USER 61234u  /* whom nobody knows */
#define OTHER 61235u /* another one */
#define GROUP 61236u

static char top[FOLDER_SIZE], path[128];
static struct file_access_user user;

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char command[512], line[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "cd %s && { %s; }", top, command);
    if (system(line) != 0)
        fail_msg("failed: %s", command);
}

static int make_files(void **state)
{
    (void)state;
    folder_make(top);
    snprintf(path, sizeof path, "%s/a/b/file", top);
    assert_ok(file_access_user_find(&user, "61234", err));
    assert_int_equal(user.uid, USER);
    shell("chmod 755 . && mkdir a a/b && touch a/b/file");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    file_access_user_done(&user);
    folder_remove(top);
    return 0;
}

/* Whether somebody without privileges can open the file; of group, if that is not 0. */
static bool can_read(uid_t uid, gid_t group)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        gid_t groups[] = {group};
        if (setgroups(group != 0 ? 1 : 0, groups) != 0 || setgid(65534) != 0 || setuid(uid) != 0)
            _exit(2);
        _exit(open(path, O_RDONLY) >= 0 ? 0 : errno == EACCES ? 1 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0;
}

/* "a:rx a/b:x a/b/file:r", of what is below top. */
static const char *lacking(void)
{
    static char text[512];
    struct file_access_lacks lacks = {0};
    assert_ok(file_access_examine(&lacks, path, &user, err));
    text[0] = '\0';
    for (size_t i = 0; i < lacks.count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s:%s%s", i > 0 ? " " : "",
                 lacks.items[i].path + strlen(top) + 1,
                 (lacks.items[i].rights & FILE_ACCESS_READ) != 0 ? "r" : "",
                 (lacks.items[i].rights & FILE_ACCESS_SEARCH) != 0 ? "x" : "");
    file_access_lacks_done(&lacks);
    return text;
}

static void grant_all(void)
{
    struct file_access_lacks lacks = {0};
    assert_ok(file_access_examine(&lacks, path, &user, err));
    for (size_t i = 0; i < lacks.count; i++)
        assert_ok(file_access_grant(&lacks.items[i], &user, err));
    file_access_lacks_done(&lacks);
}

static bool is_root(void)
{
    if (geteuid() == 0)
        return true;
    print_message("skipped: only root can try as other users\n");
    skip();
    return false;
}

static void what_is_lacking_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *modes[3]; /* a, a/b, a/b/file */
        const char *lacks;
    } rows[] = {
        {{"755", "755", "644"}, ""},
        {{"711", "755", "644"}, ""},
        {{"700", "755", "644"}, "a:x"},
        {{"755", "711", "644"}, "a/b:r"},
        {{"755", "744", "644"}, "a/b:x"},
        {{"700", "700", "600"}, "a:x a/b:rx a/b/file:r"},
        {{"770", "770", "660"}, "a:x a/b:rx a/b/file:r"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        shell("chmod %s a && chmod %s a/b && chmod %s a/b/file", rows[i].modes[0], rows[i].modes[1],
              rows[i].modes[2]);
        assert_string_equal(lacking(), rows[i].lacks);
        if (geteuid() == 0) /* to read the folder is for who looks what is in it */
            assert_int_equal(can_read(USER, 0),
                             strcmp(rows[i].lacks, "") == 0 || strcmp(rows[i].lacks, "a/b:r") == 0);
    }
}

static void lists_are_read_as_the_kernel_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *list; /* of the file */
        bool readable;
    } rows[] = {
        {"u::rw,g::-,o::-,u:61234:r,m::r", true},  {"u::rw,g::-,o::-,u:61234:r,m::-", false},
        {"u::rw,g::-,o::r,u:61234:-,m::r", false}, {"u::rw,g::-,o::-,u:61235:r,m::r", false},
        {"u::rw,g::-,o::-,g:61236:r,m::r", true},  {"u::rw,g::-,o::r,g:61236:-,m::r", false},
        {"u::rw,g::-,o::r,g:61237:-,m::r", true},
    };
    gid_t groups[] = {GROUP};
    if (!is_root())
        return;
    shell("chmod 755 a a/b");
    user.groups = groups;
    user.group_count = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        shell("setfacl -b a/b/file && setfacl -n --set %s a/b/file", rows[i].list);
        assert_int_equal(can_read(USER, GROUP), rows[i].readable);
        assert_string_equal(lacking(), rows[i].readable ? "" : "a/b/file:r");
    }
    user.groups = NULL;
    user.group_count = 0;
    shell("setfacl -b a/b/file");
}

static void a_grant_is_enough_and_for_nobody_else(void **state)
{
    (void)state;
    if (!is_root())
        return;
    shell("chmod 700 a a/b && chmod 600 a/b/file && chgrp %u a a/b a/b/file", GROUP);
    assert_false(can_read(USER, 0));
    grant_all();
    assert_true(can_read(USER, 0));
    assert_string_equal(lacking(), "");
    assert_false(can_read(OTHER, 0));
    assert_false(can_read(OTHER, GROUP));
    /* What it may: to read the file, and list its folder; not the one above, and to write nowhere.
     */
    shell("test \"$(getfacl -cnp a | grep ^user:%u:)\" = user:%u:--x", USER, USER);
    shell("test \"$(getfacl -cnp a/b | grep ^user:%u:)\" = user:%u:r-x", USER, USER);
    shell("test \"$(getfacl -cnp a/b/file | grep ^user:%u:)\" = user:%u:r--", USER, USER);
    shell("setfacl -b a a/b a/b/file");
}

/* chmod g-r of a file with a list takes from all that the mask holds back; a wider mask must not
 * give it back. */
static void what_a_mask_holds_back_stays_back(void **state)
{
    (void)state;
    if (!is_root())
        return;
    shell("chmod 755 a a/b && setfacl -n --set u::rw,g::r,o::-,u:%u:rw,g:%u:r,m::- a/b/file", OTHER,
          GROUP);
    assert_false(can_read(OTHER, GROUP));
    grant_all();
    assert_true(can_read(USER, 0));
    assert_false(can_read(OTHER, 0));
    assert_false(can_read(OTHER, GROUP));
    shell("setfacl -b a/b/file");
}

/* Its own entry takes the place of its groups' and everybody's. */
static void what_it_had_before_stays(void **state)
{
    (void)state;
    if (!is_root())
        return;
    shell("chmod 755 a && chmod 711 a/b && chmod 644 a/b/file");
    assert_true(can_read(USER, 0));
    assert_string_equal(lacking(), "a/b:r");
    grant_all();
    assert_true(can_read(USER, 0));
    shell("setfacl -b a/b");
}

static void an_owner_gets_its_own_bits(void **state)
{
    (void)state;
    if (!is_root())
        return;
    shell("chmod 755 a a/b && chmod 040 a/b/file && chown %u a/b/file", USER);
    assert_false(can_read(USER, 0));
    grant_all();
    assert_true(can_read(USER, 0));
    shell("test $(stat -c %%a a/b/file) = 440 && chown 0 a/b/file");
}

static void who_may_not_change_it_is_told(void **state)
{
    (void)state;
    struct file_access_lacks lacks = {0};
    if (!is_root())
        return;
    shell("chmod 755 a a/b && chmod 600 a/b/file");
    assert_ok(file_access_examine(&lacks, path, &user, err));
    assert_int_equal(lacks.count, 1);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct error err = {0};
        bool refused = setuid(OTHER) == 0 && !file_access_grant(&lacks.items[0], &user, &err) &&
                       err.code == &process_permission && strstr(err.message, "only root") != NULL;
        _exit(refused ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    shell("mv a/b/file a/b/old && install -m 600 /dev/null a/b/file && rm a/b/old");
    assert_refused(file_access_grant(&lacks.items[0], &user, err), process_permission);
    shell("rm a/b/file");
    assert_refused(file_access_grant(&lacks.items[0], &user, err), process_permission);
    assert_false(file_access_examine(&lacks, path, &user, NULL));
    file_access_lacks_done(&lacks);
}

static void users_are_found(void **state)
{
    (void)state;
    struct file_access_user found;
    assert_ok(file_access_user_find(&found, "root", err));
    assert_int_equal(found.uid, 0);
    assert_true(found.group_count > 0);
    file_access_user_done(&found);
    assert_refused(file_access_user_find(&found, "", err), process_user);
    assert_refused(file_access_user_find(&found, "no such user", err), process_user);
    assert_refused(file_access_user_find(&found, "4294967296", err), process_user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_lacking_is_found),
        cmocka_unit_test(lists_are_read_as_the_kernel_reads_them),
        cmocka_unit_test(a_grant_is_enough_and_for_nobody_else),
        cmocka_unit_test(what_a_mask_holds_back_stays_back),
        cmocka_unit_test(what_it_had_before_stays),
        cmocka_unit_test(an_owner_gets_its_own_bits),
        cmocka_unit_test(who_may_not_change_it_is_told),
        cmocka_unit_test(users_are_found),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
