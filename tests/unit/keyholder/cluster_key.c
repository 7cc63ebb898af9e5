/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/cluster_key.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../folder.h"
#include "base/file.h"
#include "keyholder/errors.h"
#include "keyholder/keyholder.h"
#include "keyholder/permit.h"

static char folder[FOLDER_SIZE];
static char path[96];
static char permit_path[96];

static int make_folder(void **state)
{
    (void)state;
    folder_make(folder);
    snprintf(path, sizeof path, "%s/%s", folder, CLUSTER_KEY_FILE);
    snprintf(permit_path, sizeof permit_path, "%s/%s", folder, KEYHOLDER_PERMIT_FILE);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    chmod(folder, 0700);
    unlink(path);
    unlink(permit_path);
    return rmdir(folder);
}

static bool open_key(struct error *err)
{
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    return cluster_key_open(&key, folder, err);
}

static void it_is_made_once_and_kept(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret first = SECRET_EMPTY, second = SECRET_EMPTY;
    assert_ok(cluster_key_open(&first, folder, err));
    assert_ok(cluster_key_open(&second, folder, err));
    assert_int_equal(first.size, CLUSTER_KEY_SIZE);
    assert_true(secret_equal(secret_slice(&first), secret_slice(&second)));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_uid, geteuid());

    FILE *file = fopen(path, "r");
    char title[200], digits[200], more[2];
    assert_non_null(fgets(title, sizeof title, file));
    assert_non_null(fgets(digits, sizeof digits, file));
    assert_null(fgets(more, sizeof more, file));
    fclose(file);
    assert_non_null(strstr(title, "cluster key"));
    assert_int_equal(strlen(digits), 65);
}

static void the_folder_is_made_when_its_parent_is_there(void **state)
{
    (void)state;
    assert_int_equal(rmdir(folder), 0);
    assert_ok(open_key(err));
    assert_int_equal(mode_of(folder), 0700);
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    assert_refused(cluster_key_open(&key, "/tmp/hgs-no-such-folder/keyholder", err),
                   "keyholder.cluster-key");
}

static void wide_modes_are_refused(void **state)
{
    (void)state;
    assert_ok(open_key(err));
    static const mode_t wide[] = {0640, 0604, 0620, 0660, 0644, 0601};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        chmod(path, wide[i]);
        struct error err = {0};
        assert_false(open_key(&err));
        assert_ptr_equal(err.code, &keyholder_cluster_key);
        assert_string_equal(err.object, path);
    }
    chmod(path, 0400);
    assert_ok(open_key(err));
    chmod(folder, 0750);
    assert_refused(open_key(err), "keyholder.cluster-key");
    chmod(folder, 0701);
    assert_refused(open_key(err), "keyholder.cluster-key");
}

static void foreign_owners_are_refused(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can give files away\n");
        skip();
    }
    assert_ok(open_key(err));
    assert_int_equal(chown(path, 65534, 0), 0);
    assert_refused(open_key(err), "keyholder.cluster-key");
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chown(folder, 65534, 0), 0);
    assert_refused(open_key(err), "keyholder.cluster-key");
}

static void refused_contents(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite(text, 1, size, file);
    fclose(file);
    assert_refused(open_key(err), "keyholder.cluster-key");
}

static void damaged_contents_are_refused_and_never_replaced(void **state)
{
    (void)state;
    assert_ok(open_key(err));
    char text[400];
    FILE *file = fopen(path, "r");
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    for (size_t cut = 0; cut < size; cut++)
        refused_contents(text, cut);
    text[size] = '\n';
    refused_contents(text, size + 1);
    text[size - 2] = 'g';
    refused_contents(text, size);
    text[size - 2] = '0';
    text[size - 1] = '0';
    refused_contents(text, size);
    text[size - 1] = '\n';
    text[0] ^= 1;
    refused_contents(text, size);
    char now[400];
    file = fopen(path, "r");
    assert_int_equal(fread(now, 1, sizeof now, file), size);
    fclose(file);
    assert_memory_equal(now, text, size);
}

static void links_and_other_things_are_refused(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_refused(open_key(err), "keyholder.cluster-key");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(open_key(err), "keyholder.cluster-key");
}

static void derived_keys_differ_by_label_and_key(void **state)
{
    (void)state;
    /* HMAC-SHA256 of RFC 4231 test case 2. */
    static const uint8_t expected[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                       0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                       0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                       0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    _cleanup_secret_ struct secret derived = SECRET_EMPTY, other = SECRET_EMPTY;
    cluster_key_derive(&derived, slice_from_text("Jefe"), "what do ya want for nothing?");
    assert_int_equal(derived.size, sizeof expected);
    assert_memory_equal(derived.data, expected, sizeof expected);
    cluster_key_derive(&other, slice_from_text("Jefe"), "something else");
    assert_false(secret_equal(secret_slice(&derived), secret_slice(&other)));
}

static void a_permit_is_the_file_opened_for_reading(void **state)
{
    (void)state;
    struct permit permit;
    assert_ok(permit_open(&permit, folder, err));
    assert_int_equal(mode_of(permit_path), 0600);

    _cleanup_fd_ int reading = open(permit_path, O_RDONLY | O_CLOEXEC);
    assert_ok(permit_check(&permit, reading, err));
    _cleanup_fd_ int naming = open(permit_path, O_PATH | O_CLOEXEC);
    assert_true(naming >= 0);
    assert_refused(permit_check(&permit, naming, err), "keyholder.permit");
    _cleanup_fd_ int writing = open(permit_path, O_WRONLY | O_CLOEXEC);
    assert_refused(permit_check(&permit, writing, err), "keyholder.permit");
    _cleanup_fd_ int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_refused(permit_check(&permit, other, err), "keyholder.permit");
    assert_refused(permit_check(&permit, -1, err), "keyholder.permit");

    /* A file of the same name that was put there later is another file. */
    assert_int_equal(unlink(permit_path), 0);
    _cleanup_fd_ int later = open(permit_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_refused(permit_check(&permit, later, err), "keyholder.permit");
    permit_close(&permit);
}

static void a_permit_open_to_others_is_refused(void **state)
{
    (void)state;
    struct permit permit;
    _cleanup_fd_ int fd = open(permit_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    fchmod(fd, 0644);
    assert_refused(permit_open(&permit, folder, err), "keyholder.cluster-key");
    assert_int_equal(unlink(permit_path), 0);
    assert_int_equal(mkfifo(permit_path, 0600), 0);
    assert_refused(permit_open(&permit, folder, err), "keyholder.cluster-key");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(it_is_made_once_and_kept),
        TEST(the_folder_is_made_when_its_parent_is_there),
        TEST(wide_modes_are_refused),
        TEST(foreign_owners_are_refused),
        TEST(damaged_contents_are_refused_and_never_replaced),
        TEST(links_and_other_things_are_refused),
        TEST(derived_keys_differ_by_label_and_key),
        TEST(a_permit_is_the_file_opened_for_reading),
        TEST(a_permit_open_to_others_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
