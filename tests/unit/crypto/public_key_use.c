/* SPDX-License-Identifier: Apache-2.0 */

/* Verifying and encrypting, against openssl, and by many threads at a time. */

#include "public_key_files.h"

#include <pthread.h>

static void test_verify_interop(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        enum signature_algorithm algorithm;
        const char *options;
    } cases[] = {
        {"rsa", SIGNATURE_RSA_PKCS1_SHA256, "-sha256"},
        {"rsa", SIGNATURE_RSA_PKCS1_SHA384, "-sha384"},
        {"rsa", SIGNATURE_RSA_PKCS1_SHA512, "-sha512"},
        {"rsa3", SIGNATURE_RSA_PKCS1_SHA256, "-sha256"},
        {"odd", SIGNATURE_RSA_PSS_SHA256,
         "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"},
        {"rsa", SIGNATURE_RSA_PSS_SHA256,
         "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"},
        {"p256", SIGNATURE_ECDSA_SHA256, "-sha256"},
        {"p384", SIGNATURE_ECDSA_SHA384, "-sha384"},
        {"p384", SIGNATURE_ECDSA_SHA256, "-sha256"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tool_run("openssl dgst %s -sign %s.pem -out signature message", cases[i].options,
                 cases[i].key);
        char *file = memory_format("%s.spki", cases[i].key);
        struct public_key *key = parse(file);
        free(file);
        struct buf bytes;
        tool_read(&bytes, "signature");
        struct slice message = slice_from_text("the message");
        /* Twice: the second time with a context that was kept, the third with one after a failure.
         */
        for (int round = 0; round < 3; round++) {
            assert_ok(public_key_verify(key, cases[i].algorithm, message, buf_slice(&bytes), err));
            if (round == 0)
                continue;
            assert_refused(public_key_verify(key, cases[i].algorithm, slice_from_text("another"),
                                             buf_slice(&bytes), err),
                           "crypto.signature-wrong");
        }
        for (size_t j = 0; j < bytes.size; j += 5) {
            bytes.data[j] ^= 4;
            assert_refused(
                public_key_verify(key, cases[i].algorithm, message, buf_slice(&bytes), err),
                "crypto.signature-wrong");
            bytes.data[j] ^= 4;
            assert_refused(
                public_key_verify(key, cases[i].algorithm, message, slice_of(bytes.data, j), err),
                "crypto.signature-wrong");
        }
        buf_append_u8(&bytes, 0);
        assert_refused(public_key_verify(key, cases[i].algorithm, message, buf_slice(&bytes), err),
                       "crypto.signature-wrong");
        buf_done(&bytes);
        public_key_free(&key);
    }
}

/* A PSS signature with another salt length, and one over another hash, are not what we call PSS. */
static void test_pss_is_strict(void **state)
{
    (void)state;
    static const char *const options[] = {
        "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20",
        "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max",
        "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt "
        "rsa_mgf1_md:sha1",
        "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32",
        "-sha256",
    };
    struct public_key *key = parse("rsa.spki");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        tool_run("openssl dgst %s -sign rsa.pem -out signature message", options[i]);
        struct buf bytes;
        assert_refused(public_key_verify(key, SIGNATURE_RSA_PSS_SHA256,
                                         slice_from_text("the message"),
                                         tool_read(&bytes, "signature"), err),
                       "crypto.signature-wrong");
        buf_done(&bytes);
    }
    public_key_free(&key);
}

static void test_unsuitable_algorithms(void **state)
{
    (void)state;
    struct public_key *rsa = parse("rsa.spki"), *ec = parse("p256.spki");
    struct slice some = slice_from_text("some");
    assert_refused(public_key_verify(rsa, SIGNATURE_ECDSA_SHA256, some, some, err),
                   "crypto.key-unsupported");
    assert_refused(public_key_verify(ec, SIGNATURE_RSA_PSS_SHA256, some, some, err),
                   "crypto.key-unsupported");
    for (int none = -1; none < 10; none++)
        if (signature_name((enum signature_algorithm)none) == NULL)
            assert_refused(public_key_verify(rsa, (enum signature_algorithm)none, some, some, err),
                           "crypto.key-unsupported");
    struct buf out;
    buf_init(&out, 1000);
    assert_refused(public_key_encrypt(&out, ec, ENCRYPTION_RSA_OAEP_SHA256, some, err),
                   "crypto.key-unsupported");
    assert_refused(public_key_encrypt(&out, rsa, (enum encryption_algorithm)3, some, err),
                   "crypto.key-unsupported");
    assert_refused(public_key_encrypt(&out, rsa, (enum encryption_algorithm)0, some, err),
                   "crypto.key-unsupported");
    uint8_t large[256] = {0};
    assert_refused(
        public_key_encrypt(&out, rsa, ENCRYPTION_RSA_OAEP_SHA256, slice_of(large, 191), err),
        "crypto.key-unsupported");
    assert_true(
        public_key_encrypt(&out, rsa, ENCRYPTION_RSA_OAEP_SHA256, slice_of(large, 190), NULL));
    struct buf little;
    buf_init(&little, 255);
    assert_refused(public_key_encrypt(&little, rsa, ENCRYPTION_RSA_OAEP_SHA256, some, err),
                   "base.buffer-full");
    buf_done(&little);
    buf_done(&out);
    public_key_free(&rsa);
    public_key_free(&ec);
}

static void test_encrypt_interop(void **state)
{
    (void)state;
    static const struct {
        enum encryption_algorithm algorithm;
        const char *digest;
    } cases[] = {{ENCRYPTION_RSA_OAEP_SHA256, "sha256"}, {ENCRYPTION_RSA_OAEP_SHA1, "sha1"}};
    struct public_key *key = parse("rsa.spki");
    for (size_t i = 0; i < 2; i++) {
        for (int round = 0; round < 2; round++) {
            struct buf out, plain;
            buf_init(&out, 1000);
            assert_ok(public_key_encrypt(&out, key, cases[i].algorithm,
                                         slice_from_text("32 bytes of a transport key"), err));
            tool_write("sealed", buf_slice(&out));
            tool_run("openssl pkeyutl -decrypt -inkey rsa.pem -in sealed -out plain "
                     "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:%s -pkeyopt "
                     "rsa_mgf1_md:%s",
                     cases[i].digest, cases[i].digest);
            assert_slice_equal(tool_read(&plain, "plain"),
                               slice_from_text("32 bytes of a transport key"));
            buf_done(&out);
            buf_done(&plain);
        }
    }
    public_key_free(&key);
}

static void *verify_often(void *context)
{
    struct buf signature;
    tool_read(&signature, "signature");
    bool ok = true;
    for (int i = 0; i < 100 && ok; i++)
        ok = public_key_verify(context, SIGNATURE_RSA_PKCS1_SHA256, slice_from_text("the message"),
                               buf_slice(&signature), NULL);
    buf_done(&signature);
    return ok ? context : NULL;
}

static void test_threads(void **state)
{
    (void)state;
    tool_run("openssl dgst -sha256 -sign rsa.pem -out signature message");
    struct public_key *key = parse("rsa.spki");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, key), 0);
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, key);
    }
    public_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_interop),
        cmocka_unit_test(test_pss_is_strict),
        cmocka_unit_test(test_unsuitable_algorithms),
        cmocka_unit_test(test_encrypt_interop),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
