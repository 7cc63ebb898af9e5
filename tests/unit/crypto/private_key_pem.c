/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/private_key.h"

#include "tool.h"

static int set_up(void **state)
{
    if (tool_set_up(state) != 0)
        return 1;
    tool_run("openssl genrsa -traditional -out rsa.pem 2048\n"
             "openssl ecparam -name prime256v1 -genkey -out ec.pem\n" /* with EC PARAMETERS */
             "openssl genpkey -algorithm ed25519 -out ed25519.pem\n"
             "openssl genrsa -out small.pem 1024\n"
             "for k in rsa ec; do openssl pkey -in $k.pem -pubout -outform der -out $k.spki\n"
             "openssl pkcs8 -topk8 -nocrypt -in $k.pem -out $k.plain.pem\n"
             "openssl pkcs8 -topk8 -v2 aes256 -in $k.pem -passout pass:secret -out $k.sealed.pem\n"
             "done\n"
             "openssl rsa -traditional -aes256 -in rsa.pem -passout pass:secret -out rsa.old.pem\n"
             "openssl ec -aes256 -in ec.pem -passout pass:secret -out ec.old.pem\n"
             "openssl pkcs8 -topk8 -scrypt -in rsa.pem -passout pass:secret -out scrypt.pem\n"
             "openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in rsa.pem -passout pass:secret -out "
             "des.pem\n"
             "openssl pkcs8 -topk8 -v2 des3 -in rsa.pem -passout pass:secret -out des2.pem\n"
             "cp \"$HGS_VECTORS/RFC8018_A.2_iterations.pem\" iterations.pem\n"
             "openssl req -x509 -new -key rsa.pem -subj /CN=x -days 2 -out rsa.crt\n"
             "cat rsa.crt rsa.plain.pem > both.pem");
    return 0;
}

static void assert_reads(const char *file, const char *password, const char *spki_file)
{
    struct buf pem, spki;
    struct private_key *key = NULL;
    assert_ok(private_key_parse_pem(&key, tool_read(&pem, file), slice_from_text(password), err));
    assert_slice_equal(public_key_spki(private_key_public(key)), tool_read(&spki, spki_file));
    private_key_free(&key);
    buf_done(&pem);
    buf_done(&spki);
}

static void test_forms(void **state)
{
    (void)state;
    assert_reads("rsa.pem", "", "rsa.spki");
    assert_reads("ec.pem", "", "ec.spki");
    assert_reads("rsa.plain.pem", "", "rsa.spki");
    assert_reads("ec.plain.pem", "not needed", "ec.spki");
    assert_reads("rsa.sealed.pem", "secret", "rsa.spki");
    assert_reads("ec.sealed.pem", "secret", "ec.spki");
    assert_reads("rsa.old.pem", "secret", "rsa.spki");
    assert_reads("ec.old.pem", "secret", "ec.spki");
    assert_reads("both.pem", "", "rsa.spki");
}

static void assert_file_refused(const char *file, const char *password, const char *code)
{
    struct buf pem;
    struct private_key *key = NULL;
    assert_refused(
        private_key_parse_pem(&key, tool_read(&pem, file), slice_from_text(password), err), code);
    assert_null(key);
    buf_done(&pem);
}

static void test_passwords(void **state)
{
    (void)state;
    static const char *const files[] = {"rsa.sealed.pem", "ec.sealed.pem", "rsa.old.pem",
                                        "ec.old.pem"};
    char *long_password = memory_allocate_zero(1, 2000);
    memset(long_password, 'x', 1999);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_file_refused(files[i], "", "crypto.password-wrong");
        assert_file_refused(files[i], "wrong", "crypto.password-wrong");
        assert_file_refused(files[i], "secret\n", "crypto.password-wrong");
        assert_file_refused(files[i], long_password, "crypto.password-wrong");
    }
    free(long_password);
}

static void test_refused(void **state)
{
    (void)state;
    assert_file_refused("rsa.crt", "", "crypto.key-malformed");
    assert_file_refused("rsa.spki", "", "crypto.key-malformed");
    assert_file_refused("ed25519.pem", "", "crypto.key-unsupported");
    assert_file_refused("small.pem", "", "crypto.key-too-small");
    assert_file_refused("des.pem", "secret", "crypto.key-unsupported");
    assert_file_refused("des2.pem", "secret", "crypto.key-unsupported");
    assert_file_refused("scrypt.pem", "secret", "crypto.key-malformed");
    assert_file_refused("iterations.pem", "secret", "crypto.kdf-parameters");
    struct private_key *key = NULL;
    assert_refused(private_key_parse_pem(&key, SLICE_EMPTY, SLICE_EMPTY, err),
                   "crypto.key-malformed");
    char *large = memory_allocate_zero(1, 70000);
    assert_refused(private_key_parse_pem(&key, slice_of(large, 70000), SLICE_EMPTY, err),
                   "crypto.key-malformed");
    free(large);
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const files[] = {"ec.plain.pem", "ec.old.pem", "ec.sealed.pem"};
    for (size_t f = 0; f < 3; f++) {
        struct buf pem;
        struct private_key *key = NULL;
        tool_read(&pem, files[f]);
        for (size_t i = 0; i + 1 < pem.size; i += 3)
            if (private_key_parse_pem(&key, slice_of(pem.data, i), slice_from_text("secret"), NULL))
                private_key_free(&key);
        for (size_t i = 0; i < pem.size; i += 3) {
            pem.data[i] ^= 0x02;
            if (private_key_parse_pem(&key, buf_slice(&pem), slice_from_text("secret"), NULL))
                private_key_free(&key);
            pem.data[i] ^= 0x02;
        }
        buf_done(&pem);
    }
}

static void test_format(void **state)
{
    (void)state;
    struct private_key *key = NULL;
    assert_true(private_key_generate(&key, PRIVATE_KEY_RSA_2048, NULL));
    struct buf pem;
    buf_init_secret(&pem, 10000);
    private_key_format_pem(&pem, key);
    tool_write("made.pem", buf_slice(&pem));
    tool_run("openssl pkey -in made.pem -pubout -outform der -out made.spki\n"
             "openssl pkey -in made.pem -out again.pem; cmp made.pem again.pem");
    buf_done(&pem);
    assert_reads("made.pem", "", "made.spki");
    private_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),   cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
