/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/library.h"

#include <sys/resource.h>

#include "crypto/certificate.h"
#include "crypto/kdf.h"
#include "crypto/pkcs12.h"
#include "tool.h"

/* Everything that a keyholder does, in a process that can open no file any more. */
static void test_no_files_afterwards(void **state)
{
    (void)state;
    library_prepare();
    library_prepare();
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_null(fopen("/etc/passwd", "r"));
    static const enum private_key_kind kinds[] = {PRIVATE_KEY_RSA_2048, PRIVATE_KEY_P384};
    for (size_t i = 0; i < 2; i++) {
        struct private_key *key = NULL, *again = NULL;
        struct certificate *certificate = NULL, *read = NULL;
        assert_ok(private_key_generate(&key, kinds[i], err));
        struct signer signer = signer_of_key(key);
        struct certificate_template wanted = {
            .subject_cn = "x", .subject_key = private_key_public(key), .not_after = 1};
        struct buf der, pfx;
        buf_init(&der, CERTIFICATE_SIZE_MAX);
        buf_init_secret(&pfx, 100000);
        assert_ok(certificate_issue(&der, &wanted, &signer, err));
        assert_ok(certificate_parse(&certificate, buf_slice(&der), err));
        assert_true(certificate_facts(certificate)->self_signed);
        struct slice password = slice_from_text("password");
        assert_ok(pkcs12_format(&pfx, key, certificate, "n", password, err));
        assert_ok(pkcs12_parse(&again, &read, buf_slice(&pfx), password, err));
        buf_done(&der);
        buf_done(&pfx);
        private_key_free(&key);
        private_key_free(&again);
        certificate_free(&certificate);
        certificate_free(&read);
    }
    struct secret derived = SECRET_EMPTY;
    assert_true(
        kdf_scrypt(&derived, slice_from_text("p"), slice_from_text("s"), 1024, 8, 1, 32, NULL));
    secret_done(&derived);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0); /* for the leak checker */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_files_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
