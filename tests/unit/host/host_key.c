/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_key.h"

#include "../folder.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "crypto/errors.h"
#include "host/errors.h"

static char folder[FOLDER_SIZE];
static char path[FOLDER_SIZE + 16], out[FOLDER_SIZE + 16];

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    snprintf(path, sizeof path, "%s/host.key", folder);
    snprintf(out, sizeof out, "%s/host.out", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

/* Runs openssl with the key file's path behind; other eyes than ours. */
static void openssl(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "openssl %s >/dev/null 2>&1", arguments);
    assert_int_equal(system(command), 0);
}

/* Makes the host key with openssl: the arguments without "-out". */
static void openssl_key(const char *arguments)
{
    char command[512];
    snprintf(command, sizeof command, "%s -out %s", arguments, path);
    openssl(command);
    assert_int_equal(chmod(path, 0600), 0);
}

static void is_generated_once(void **state)
{
    (void)state;
    struct private_key *key = NULL, *again = NULL;
    char command[512];
    assert_refused(host_key_load(&key, path, err), host_key_missing);
    assert_ok(host_key_generate(&key, path, false, err));
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(public_key_bits(private_key_public(key)), 2048);
    assert_refused(host_key_generate(&again, path, false, err), host_key_exists);
    assert_ok(host_key_load(&again, path, err));
    assert_true(slice_equal(public_key_spki(private_key_public(key)),
                            public_key_spki(private_key_public(again))));
    private_key_free(&again);
    snprintf(command, sizeof command, "pkey -in %s -check -noout", path);
    openssl(command);
    assert_ok(host_key_generate(&again, path, true, err));
    assert_false(slice_equal(public_key_spki(private_key_public(key)),
                             public_key_spki(private_key_public(again))));
    private_key_free(&key);
    private_key_free(&again);
}

static void is_refused_when_others_can_read_it(void **state)
{
    (void)state;
    struct private_key *key = NULL;
    assert_ok(host_key_generate(&key, path, false, err));
    private_key_free(&key);
    static const mode_t wide[] = {0640, 0604, 0660, 0610};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        assert_int_equal(chmod(path, wide[i]), 0);
        assert_refused(host_key_load(&key, path, err), base_file_mode);
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_ok(host_key_load(&key, path, err));
    private_key_free(&key);
}

static void is_read_as_others_write_it(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "genrsa -traditional",
        "genrsa 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -outform der",
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct private_key *key = NULL;
        openssl_key(ways[i]);
        assert_ok(host_key_load(&key, path, err));
        private_key_free(&key);
        assert_int_equal(unlink(path), 0);
    }
}

static void refuses_other_keys(void **state)
{
    (void)state;
    struct private_key *key = NULL;
    openssl_key("genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:1024");
    assert_refused(host_key_load(&key, path, err), crypto_key_too_small);
    assert_ok(file_replace(path, slice_from_text("no key"), 0600, err));
    assert_refused(host_key_load(&key, path, err), host_key_unusable);
    assert_ok(file_replace(path, slice_from_text("-----BEGIN X-----\n"), 0600, err));
    assert_refused(host_key_load(&key, path, err), host_key_unusable);
    assert_null(key);
}

static void exports_what_openssl_reads(void **state)
{
    (void)state;
    struct private_key *key = NULL;
    char command[512], der[FOLDER_SIZE + 16];
    assert_ok(host_key_generate(&key, path, false, err));
    assert_ok(host_key_export(private_key_public(key), out, err));
    assert_int_equal(mode_of(out), 0644);
    snprintf(command, sizeof command, "pkey -in %s -pubout -out %s/expected && cmp %s/expected %s",
             path, folder, folder, out);
    openssl(command);
    snprintf(der, sizeof der, "%s/host.der", folder);
    assert_ok(host_key_export(private_key_public(key), der, err));
    snprintf(command, sizeof command,
             "pkey -in %s -pubout -outform der -out %s/expected && cmp %s/expected %s", path,
             folder, folder, der);
    openssl(command);
    private_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_generated_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_refused_when_others_can_read_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_read_as_others_write_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_other_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(exports_what_openssl_reads, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
