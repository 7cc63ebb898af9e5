/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include "tool.h"

static void test_concat_against_python(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 31, 32, 33, 64, 100};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        tool_run("python3 -c 'import hashlib\n"
                 "k=bytes(range(32)); o=b\"TransportKeySignature\"\n"
                 "d=b\"\".join(hashlib.sha256(c.to_bytes(4,\"big\")+k+o).digest() "
                 "for c in range(1,6))\n"
                 "open(\"d\",\"wb\").write(d[:%zu])'",
                 sizes[i]);
        struct buf expected;
        tool_read(&expected, "d");
        uint8_t key[32];
        for (size_t j = 0; j < sizeof key; j++)
            key[j] = (uint8_t)j;
        struct secret made;
        kdf_concat(&made, slice_of(key, sizeof key), slice_from_text("TransportKeySignature"),
                   sizes[i]);
        assert_slice_equal(secret_slice(&made), buf_slice(&expected));
        secret_done(&made);
        buf_done(&expected);
    }
}

/* RFC 5869 appendix A, the SHA-256 ones. */
static void test_hkdf_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *key, *salt, *info, *pseudorandom, *made;
    } vectors[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829"
         "2a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283848586878889"
         "8a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9"
         "dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb"
         "41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf key, salt, info, pseudorandom, made;
        struct secret extracted, expanded;
        tool_hex(&key, vectors[i].key);
        tool_hex(&salt, vectors[i].salt);
        tool_hex(&info, vectors[i].info);
        tool_hex(&pseudorandom, vectors[i].pseudorandom);
        tool_hex(&made, vectors[i].made);
        kdf_hkdf_extract(&extracted, buf_slice(&salt), buf_slice(&key));
        assert_slice_equal(secret_slice(&extracted), buf_slice(&pseudorandom));
        kdf_hkdf_expand(&expanded, secret_slice(&extracted), buf_slice(&info), made.size);
        assert_slice_equal(secret_slice(&expanded), buf_slice(&made));
        secret_done(&extracted);
        secret_done(&expanded);
        buf_done(&key);
        buf_done(&salt);
        buf_done(&info);
        buf_done(&pseudorandom);
        buf_done(&made);
    }
}

/* RFC 7914 section 12. */
static void test_scrypt_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *password, *salt;
        uint64_t n;
        uint32_t r, p;
        const char *key;
    } vectors[] = {
        {"", "", 16, 1, 1,
         "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
         "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
        {"password", "NaCl", 1024, 8, 16,
         "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
         "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
        {"pleaseletmein", "SodiumChloride", 16384, 8, 1,
         "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
         "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf expected;
        tool_hex(&expected, vectors[i].key);
        struct secret made = SECRET_EMPTY;
        assert_ok(kdf_scrypt(&made, slice_from_text(vectors[i].password),
                             slice_from_text(vectors[i].salt), vectors[i].n, vectors[i].r,
                             vectors[i].p, 64, err));
        assert_slice_equal(secret_slice(&made), buf_slice(&expected));
        secret_done(&made);
        buf_done(&expected);
    }
}

/* The most memory that is allowed is really allowed. */
static void test_scrypt_at_the_limit(void **state)
{
    (void)state;
    struct secret made = SECRET_EMPTY;
    assert_ok(
        kdf_scrypt(&made, slice_from_text("p"), slice_from_text("s"), 1 << 18, 8, 1, 32, err));
    secret_done(&made);
}

static void test_scrypt_refusals(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        uint32_t r, p;
    } refused[] = {
        {0, 8, 1},
        {1, 8, 1},
        {3, 8, 1},
        {1000, 8, 1},
        {1024, 0, 1},
        {1024, 8, 0},
        {1 << 19, 8, 1},
        {1 << 18, 9, 1},
        {2, 65, 1},
        {1024, 8, 17},
        {UINT64_C(1) << 63, 1, 1},
        {1024, UINT32_MAX, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct secret made = SECRET_EMPTY;
        assert_refused(kdf_scrypt(&made, slice_from_text("p"), slice_from_text("s"), refused[i].n,
                                  refused[i].r, refused[i].p, 32, err),
                       "crypto.kdf-parameters");
        assert_null(made.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_concat_against_python), cmocka_unit_test(test_hkdf_vectors),
        cmocka_unit_test(test_scrypt_vectors),        cmocka_unit_test(test_scrypt_at_the_limit),
        cmocka_unit_test(test_scrypt_refusals),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
