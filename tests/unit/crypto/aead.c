/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include "tool.h"

/* Test cases 13 to 16 of McGrew and Viega's GCM specification, which NIST SP 800-38D cites
 * (AES-256). */
static const struct {
    const char *key, *nonce, *associated, *plain, *ciphertext, *tag;
} gcm_vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void test_gcm_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof gcm_vectors / sizeof gcm_vectors[0]; i++) {
        struct buf key, nonce, associated, plain, ciphertext, tag;
        tool_hex(&key, gcm_vectors[i].key);
        tool_hex(&nonce, gcm_vectors[i].nonce);
        tool_hex(&associated, gcm_vectors[i].associated);
        tool_hex(&plain, gcm_vectors[i].plain);
        tool_hex(&ciphertext, gcm_vectors[i].ciphertext);
        tool_hex(&tag, gcm_vectors[i].tag);
        uint8_t made[64], made_tag[AEAD_TAG_SIZE];
        aead_encrypt(made, made_tag, buf_slice(&key), nonce.data, buf_slice(&associated),
                     buf_slice(&plain));
        assert_slice_equal(slice_of(made, ciphertext.size), buf_slice(&ciphertext));
        assert_memory_equal(made_tag, tag.data, sizeof made_tag);
        struct secret opened;
        assert_true(aead_decrypt(&opened, buf_slice(&key), nonce.data, tag.data,
                                 buf_slice(&associated), buf_slice(&ciphertext), NULL));
        assert_slice_equal(secret_slice(&opened), buf_slice(&plain));
        secret_done(&opened);
        struct buf *all[] = {&key, &nonce, &associated, &plain, &ciphertext, &tag};
        for (size_t j = 0; j < 6; j++)
            buf_done(all[j]);
    }
}

static const uint8_t key_bytes[AEAD_KEY_SIZE] = {1, 2, 3};
#define KEY slice_of(key_bytes, sizeof key_bytes)

static void test_seal(void **state)
{
    (void)state;
    struct slice plain = slice_from_text("transport keys"), associated = slice_from_text("to whom");
    struct buf sealed, again;
    buf_init(&sealed, 1000);
    buf_init(&again, 1000);
    aead_seal(&sealed, KEY, associated, plain);
    aead_seal(&again, KEY, associated, plain);
    assert_int_equal(sealed.size, plain.size + AEAD_OVERHEAD);
    assert_memory_not_equal(sealed.data, again.data, AEAD_NONCE_SIZE);
    struct secret opened = SECRET_EMPTY;
    assert_true(aead_open(&opened, KEY, associated, buf_slice(&sealed), NULL));
    assert_slice_equal(secret_slice(&opened), plain);
    secret_done(&opened);
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.data[i] ^= 1;
        assert_refused(aead_open(&opened, KEY, associated, buf_slice(&sealed), err),
                       "crypto.decryption-failed");
        sealed.data[i] ^= 1;
        assert_refused(aead_open(&opened, KEY, associated, slice_of(sealed.data, i), err),
                       "crypto.decryption-failed");
    }
    assert_null(opened.data);
    assert_refused(aead_open(&opened, KEY, SLICE_EMPTY, buf_slice(&sealed), err),
                   "crypto.decryption-failed");
    uint8_t other[AEAD_KEY_SIZE] = {9};
    assert_refused(
        aead_open(&opened, slice_of(other, sizeof other), associated, buf_slice(&sealed), err),
        "crypto.decryption-failed");
    buf_done(&sealed);
    buf_done(&again);
}

static void test_seal_past_the_ceiling(void **state)
{
    (void)state;
    struct buf sealed;
    buf_init(&sealed, 20);
    aead_seal(&sealed, KEY, SLICE_EMPTY, slice_from_text("x"));
    assert_false(buf_ok(&sealed, "test", NULL));
    assert_int_equal(sealed.size, 0);
    buf_done(&sealed);
}

/* RFC 3394 4.3, 4.5 and 4.6. */
static void test_wrap_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *wrapped;
    } vectors[] = {
        {"00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
        {"00112233445566778899aabbccddeeff0001020304050607",
         "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
        {"00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
         "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
    };
    struct buf key;
    tool_hex(&key, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf plain, wrapped, made;
        tool_hex(&plain, vectors[i].plain);
        tool_hex(&wrapped, vectors[i].wrapped);
        buf_init(&made, 100);
        aead_key_wrap(&made, buf_slice(&key), buf_slice(&plain));
        assert_slice_equal(buf_slice(&made), buf_slice(&wrapped));
        struct secret opened = SECRET_EMPTY;
        assert_true(aead_key_unwrap(&opened, buf_slice(&key), buf_slice(&wrapped), NULL));
        assert_slice_equal(secret_slice(&opened), buf_slice(&plain));
        secret_done(&opened);
        for (size_t j = 0; j < wrapped.size; j++) {
            wrapped.data[j] ^= 0x10;
            assert_refused(aead_key_unwrap(&opened, buf_slice(&key), buf_slice(&wrapped), err),
                           "crypto.decryption-failed");
            wrapped.data[j] ^= 0x10;
            assert_refused(
                aead_key_unwrap(&opened, buf_slice(&key), slice_of(wrapped.data, j), err),
                "crypto.decryption-failed");
        }
        buf_done(&plain);
        buf_done(&wrapped);
        buf_done(&made);
    }
    buf_done(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gcm_vectors),
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_seal_past_the_ceiling),
        cmocka_unit_test(test_wrap_vectors),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
