/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rsa_padding.h"

#include "tool.h"

#define SIZE 256

/* What openssl's program pads, and only decrypts, without a look at the padding. */
static void make(uint8_t encoded[SIZE], const char *hash, const char *plain)
{
    struct buf made;
    tool_run("openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key &&"
             "printf '%s' | openssl pkeyutl -encrypt -inkey key -pkeyopt rsa_padding_mode:oaep"
             " -pkeyopt rsa_oaep_md:%s -pkeyopt rsa_mgf1_md:%s -out c &&"
             "openssl pkeyutl -decrypt -inkey key -in c -pkeyopt rsa_padding_mode:none -out e",
             plain, hash, hash);
    tool_read(&made, "e");
    assert_int_equal(made.size, SIZE);
    memcpy(encoded, made.data, SIZE);
    buf_done(&made);
}

static void test_removes(void **state)
{
    (void)state;
    static const struct {
        enum encryption_algorithm algorithm;
        const char *hash, *plain;
    } cases[] = {
        {ENCRYPTION_RSA_OAEP_SHA256, "sha256", "a secret"},
        {ENCRYPTION_RSA_OAEP_SHA1, "sha1", "another secret"},
        {ENCRYPTION_RSA_OAEP_SHA256, "sha256", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t encoded[SIZE];
        make(encoded, cases[i].hash, cases[i].plain);
        struct secret plain = SECRET_EMPTY;
        assert_ok(
            rsa_padding_remove_oaep(&plain, cases[i].algorithm, slice_of(encoded, SIZE), err));
        assert_true(slice_equals_text(secret_slice(&plain), cases[i].plain));
        secret_done(&plain);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const size_t places[] = {0, 1, 32, 33, 64, 128, SIZE - 1};
    uint8_t encoded[SIZE];
    struct secret plain = SECRET_EMPTY;
    make(encoded, "sha256", "a secret");
    assert_refused(
        rsa_padding_remove_oaep(&plain, ENCRYPTION_RSA_OAEP_SHA1, slice_of(encoded, SIZE), err),
        "crypto.decryption-failed");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        encoded[places[i]] ^= 1;
        assert_refused(rsa_padding_remove_oaep(&plain, ENCRYPTION_RSA_OAEP_SHA256,
                                               slice_of(encoded, SIZE), err),
                       "crypto.decryption-failed");
        encoded[places[i]] ^= 1;
    }
    /* Too short for any message. */
    assert_refused(
        rsa_padding_remove_oaep(&plain, ENCRYPTION_RSA_OAEP_SHA256, slice_of(encoded, 65), err),
        "crypto.decryption-failed");
    assert_null(plain.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removes),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
