/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/private_key.h"

#include <pthread.h>

#include "crypto/library.h"
#include "tool.h"

static int set_up(void **state)
{
    library_prepare();
    if (tool_set_up(state) != 0)
        return 1;
    tool_run("printf 'the message' > message\n"
             "openssl genrsa -out rsa.pem 2048; openssl genrsa -out small.pem 1024\n"
             "openssl ecparam -name prime256v1 -genkey -noout -out p256.pem\n"
             "openssl ecparam -name secp384r1 -genkey -noout -out p384.pem\n"
             "openssl ecparam -name secp521r1 -genkey -noout -out p521.pem\n"
             "openssl genpkey -algorithm ed25519 -out ed25519.pem\n"
             "openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048 -out pss.pem\n"
             "for k in rsa small p256 p384 p521 ed25519 pss; do "
             "openssl pkcs8 -topk8 -nocrypt -in $k.pem -outform der -out $k.p8\n"
             "openssl pkey -in $k.pem -pubout -outform der -out $k.spki; done");
    return 0;
}

static struct private_key *parse(const char *file)
{
    struct buf pkcs8;
    struct private_key *key = NULL;
    assert_ok(private_key_parse(&key, tool_read(&pkcs8, file), err));
    buf_done(&pkcs8);
    return key;
}

static void test_parse_and_format(void **state)
{
    (void)state;
    static const char *const names[] = {"rsa", "p256", "p384"};
    for (size_t i = 0; i < 3; i++) {
        char *file = memory_format("%s.p8", names[i]);
        struct private_key *key = parse(file);
        free(file);
        file = memory_format("%s.spki", names[i]);
        struct buf spki, made;
        assert_slice_equal(public_key_spki(private_key_public(key)), tool_read(&spki, file));
        free(file);
        struct secret pkcs8;
        private_key_format(&pkcs8, key);
        tool_write("made.p8", secret_slice(&pkcs8));
        tool_run("openssl pkey -inform der -in made.p8 -pubout -outform der -out made.spki");
        assert_slice_equal(tool_read(&made, "made.spki"), buf_slice(&spki));
        secret_done(&pkcs8);
        buf_done(&made);
        buf_done(&spki);
        private_key_free(&key);
        assert_null(key);
    }
    private_key_free(NULL);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *code;
    } refused[] = {
        {"small.p8", "crypto.key-too-small"},     {"p521.p8", "crypto.key-unsupported"},
        {"ed25519.p8", "crypto.key-unsupported"}, {"pss.p8", "crypto.key-unsupported"},
        {"rsa.spki", "crypto.key-malformed"},     {"message", "crypto.key-malformed"},
        {"rsa.pem", "crypto.key-malformed"},
    };
    struct private_key *key = NULL;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct buf pkcs8;
        assert_refused(private_key_parse(&key, tool_read(&pkcs8, refused[i].file), err),
                       refused[i].code);
        buf_done(&pkcs8);
    }
    assert_refused(private_key_parse(&key, SLICE_EMPTY, err), "crypto.key-malformed");
    uint8_t *large = memory_allocate_zero(1, 20000);
    assert_refused(private_key_parse(&key, slice_of(large, 20000), err), "crypto.key-malformed");
    free(large);
    assert_refused(private_key_generate(&key, (enum private_key_kind)99, err),
                   "crypto.key-unsupported");
    assert_null(key);
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const files[] = {"p256.p8", "rsa.p8"};
    for (size_t f = 0; f < 2; f++) {
        struct buf pkcs8;
        struct private_key *key = NULL;
        tool_read(&pkcs8, files[f]);
        for (size_t i = 0; i < pkcs8.size; i += 1 + f * 20)
            assert_false(private_key_parse(&key, slice_of(pkcs8.data, i), NULL));
        for (size_t i = 0; i < pkcs8.size; i += 1 + f * 20) {
            pkcs8.data[i] ^= 0x04;
            if (private_key_parse(&key, buf_slice(&pkcs8), NULL))
                private_key_free(&key);
            pkcs8.data[i] ^= 0x04;
        }
        buf_append_u8(&pkcs8, 0);
        assert_refused(private_key_parse(&key, buf_slice(&pkcs8), err), "crypto.key-malformed");
        buf_done(&pkcs8);
    }
}

/* A key whose public numbers are another key's. */
static void test_numbers_that_do_not_belong_together(void **state)
{
    (void)state;
    tool_run("openssl ecparam -name prime256v1 -genkey -noout -out other.pem\n"
             "openssl pkey -in other.pem -pubout -outform der -out other.spki\n"
             "python3 -c 'p=open(\"p256.p8\",\"rb\").read();s=open(\"other.spki\",\"rb\").read()\n"
             "open(\"mixed.p8\",\"wb\").write(p[:-65]+s[-65:])'");
    struct buf pkcs8;
    struct private_key *key = NULL;
    struct error err;
    assert_refused_with(private_key_parse(&key, tool_read(&pkcs8, "mixed.p8"), &err), &err,
                        "crypto.key-malformed");
    assert_non_null(strstr(err.message, "belong together"));
    buf_done(&pkcs8);
}

static void test_sign_interop(void **state)
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
        {"rsa", SIGNATURE_RSA_PSS_SHA256,
         "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"},
        {"p256", SIGNATURE_ECDSA_SHA256, "-sha256"},
        {"p384", SIGNATURE_ECDSA_SHA384, "-sha384"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *file = memory_format("%s.p8", cases[i].key);
        struct private_key *key = parse(file);
        free(file);
        struct digest digest;
        digest_compute(&digest, signature_digest(cases[i].algorithm),
                       slice_from_text("the message"));
        for (int round = 0; round < 2; round++) {
            struct buf signature;
            buf_init(&signature, 1000);
            assert_ok(private_key_sign_digest(&signature, key, cases[i].algorithm,
                                              digest_slice(&digest), err));
            tool_write("signature", buf_slice(&signature));
            tool_run("openssl pkey -pubin -inform der -in %s.spki -out pub.pem\n"
                     "openssl dgst %s -verify pub.pem -signature signature message",
                     cases[i].key, cases[i].options);
            buf_done(&signature);
        }
        private_key_free(&key);
    }
}

static void test_sign_refusals(void **state)
{
    (void)state;
    struct private_key *rsa = parse("rsa.p8"), *ec = parse("p256.p8");
    uint8_t digest[64] = {0};
    struct buf out;
    buf_init(&out, 1000);
    assert_refused(
        private_key_sign_digest(&out, rsa, SIGNATURE_ECDSA_SHA256, slice_of(digest, 32), err),
        "crypto.key-unsupported");
    assert_refused(
        private_key_sign_digest(&out, ec, SIGNATURE_RSA_PKCS1_SHA256, slice_of(digest, 32), err),
        "crypto.key-unsupported");
    assert_refused(
        private_key_sign_digest(&out, ec, (enum signature_algorithm)0, slice_of(digest, 32), err),
        "crypto.key-unsupported");
    for (size_t size = 0; size <= 64; size++) {
        if (size == 32)
            continue;
        assert_refused(private_key_sign_digest(&out, rsa, SIGNATURE_RSA_PKCS1_SHA256,
                                               slice_of(digest, size), err),
                       "crypto.key-unsupported");
        assert_refused(
            private_key_sign_digest(&out, ec, SIGNATURE_ECDSA_SHA256, slice_of(digest, size), err),
            "crypto.key-unsupported");
    }
    struct buf little;
    buf_init(&little, 100);
    assert_refused(private_key_sign_digest(&little, rsa, SIGNATURE_RSA_PKCS1_SHA256,
                                           slice_of(digest, 32), err),
                   "base.buffer-full");
    assert_int_equal(out.size, 0);
    struct secret plain = SECRET_EMPTY;
    assert_refused(
        private_key_decrypt(&plain, ec, ENCRYPTION_RSA_OAEP_SHA256, slice_of(digest, 32), err),
        "crypto.key-unsupported");
    assert_refused(
        private_key_decrypt(&plain, rsa, (enum encryption_algorithm)9, slice_of(digest, 32), err),
        "crypto.key-unsupported");
    buf_done(&little);
    buf_done(&out);
    private_key_free(&rsa);
    private_key_free(&ec);
}

static void test_decrypt_interop(void **state)
{
    (void)state;
    static const struct {
        enum encryption_algorithm algorithm;
        const char *digest;
    } cases[] = {{ENCRYPTION_RSA_OAEP_SHA256, "sha256"}, {ENCRYPTION_RSA_OAEP_SHA1, "sha1"}};
    struct private_key *key = parse("rsa.p8");
    for (size_t i = 0; i < 2; i++) {
        tool_run("openssl pkeyutl -encrypt -inkey rsa.pem -in message -out sealed "
                 "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:%s -pkeyopt rsa_mgf1_md:%s",
                 cases[i].digest, cases[i].digest);
        struct buf sealed;
        struct secret plain = SECRET_EMPTY;
        struct error refusal = {0};
        tool_read(&sealed, "sealed");
        assert_ok(private_key_decrypt(&plain, key, cases[i].algorithm, buf_slice(&sealed), err));
        assert_slice_equal(secret_slice(&plain), slice_from_text("the message"));
        secret_done(&plain);
        /* The other hash, any change, any other length: all one answer. */
        char message[ERROR_MESSAGE_SIZE] = "";
        assert_refused_with(
            private_key_decrypt(&plain, key, cases[1 - i].algorithm, buf_slice(&sealed), &refusal),
            &refusal, "crypto.decryption-failed");
        memcpy(message, refusal.message, sizeof message);
        for (size_t j = 0; j < sealed.size; j += 17) {
            sealed.data[j] ^= 0x20;
            assert_refused_with(
                private_key_decrypt(&plain, key, cases[i].algorithm, buf_slice(&sealed), &refusal),
                &refusal, "crypto.decryption-failed");
            assert_string_equal(refusal.message, message);
            sealed.data[j] ^= 0x20;
            assert_refused_with(private_key_decrypt(&plain, key, cases[i].algorithm,
                                                    slice_of(sealed.data, j), &refusal),
                                &refusal, "crypto.decryption-failed");
            assert_string_equal(refusal.message, message);
        }
        assert_ok(private_key_decrypt(&plain, key, cases[i].algorithm, buf_slice(&sealed), err));
        secret_done(&plain);
        buf_append_u8(&sealed, 0);
        assert_refused_with(
            private_key_decrypt(&plain, key, cases[i].algorithm, buf_slice(&sealed), &refusal),
            &refusal, "crypto.decryption-failed");
        memset(sealed.data, 0xff, 256); /* not below the modulus */
        assert_refused_with(private_key_decrypt(&plain, key, cases[i].algorithm,
                                                slice_of(sealed.data, 256), &refusal),
                            &refusal, "crypto.decryption-failed");
        assert_null(plain.data);
        buf_done(&sealed);
    }
    private_key_free(&key);
}

static void test_empty_plain_text(void **state)
{
    (void)state;
    struct private_key *key = parse("rsa.p8");
    struct buf sealed;
    struct secret plain = SECRET_EMPTY;
    buf_init(&sealed, 1000);
    assert_ok(public_key_encrypt(&sealed, private_key_public(key), ENCRYPTION_RSA_OAEP_SHA256,
                                 SLICE_EMPTY, err));
    assert_ok(
        private_key_decrypt(&plain, key, ENCRYPTION_RSA_OAEP_SHA256, buf_slice(&sealed), err));
    assert_int_equal(plain.size, 0);
    secret_done(&plain);
    buf_done(&sealed);
    private_key_free(&key);
}

static void test_generate(void **state)
{
    (void)state;
    static const struct {
        enum private_key_kind kind;
        int bits;
    } kinds[] = {{PRIVATE_KEY_RSA_2048, 2048},
                 {PRIVATE_KEY_RSA_3072, 3072},
                 {PRIVATE_KEY_RSA_4096, 4096},
                 {PRIVATE_KEY_P256, 256},
                 {PRIVATE_KEY_P384, 384}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct private_key *key = NULL;
        assert_ok(private_key_generate(&key, kinds[i].kind, err));
        assert_int_equal(public_key_bits(private_key_public(key)), kinds[i].bits);
        struct secret pkcs8;
        private_key_format(&pkcs8, key);
        tool_write("made.p8", secret_slice(&pkcs8));
        tool_run("openssl pkey -inform der -in made.p8 -check -noout");
        secret_done(&pkcs8);
        private_key_free(&key);
    }
}

struct job {
    const struct private_key *key;
    struct buf sealed;
};

static void *work_often(void *context)
{
    struct job *job = context;
    struct slice message = slice_from_text("the message");
    struct digest digest;
    digest_compute(&digest, DIGEST_SHA256, message);
    bool ok = true;
    for (int i = 0; i < 20 && ok; i++) {
        struct buf signature;
        struct secret plain = SECRET_EMPTY;
        buf_init(&signature, 1000);
        ok = private_key_sign_digest(&signature, job->key, SIGNATURE_RSA_PKCS1_SHA256,
                                     digest_slice(&digest), NULL) &&
             public_key_verify(private_key_public(job->key), SIGNATURE_RSA_PKCS1_SHA256, message,
                               buf_slice(&signature), NULL) &&
             private_key_decrypt(&plain, job->key, ENCRYPTION_RSA_OAEP_SHA256,
                                 buf_slice(&job->sealed), NULL) &&
             slice_equal(secret_slice(&plain), message);
        buf_done(&signature);
        secret_done(&plain);
    }
    return ok ? context : NULL;
}

/* More threads than idle workers are kept. */
static void test_threads(void **state)
{
    (void)state;
    struct private_key *key = parse("rsa.p8");
    struct job job = {.key = key};
    buf_init(&job.sealed, 1000);
    assert_true(public_key_encrypt(&job.sealed, private_key_public(key), ENCRYPTION_RSA_OAEP_SHA256,
                                   slice_from_text("the message"), NULL));
    pthread_t threads[20];
    for (int i = 0; i < 20; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work_often, &job), 0);
    for (int i = 0; i < 20; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, &job);
    }
    buf_done(&job.sealed);
    private_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_format),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_numbers_that_do_not_belong_together),
        cmocka_unit_test(test_sign_interop),
        cmocka_unit_test(test_sign_refusals),
        cmocka_unit_test(test_decrypt_interop),
        cmocka_unit_test(test_empty_plain_text),
        cmocka_unit_test(test_generate),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
