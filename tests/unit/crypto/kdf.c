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
        struct error err = {0};
        assert_success(kdf_scrypt(&made, slice_from_text(vectors[i].password),
                                  slice_from_text(vectors[i].salt), vectors[i].n, vectors[i].r,
                                  vectors[i].p, 64, &err),
                       &err);
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
    struct error err = {0};
    assert_success(
        kdf_scrypt(&made, slice_from_text("p"), slice_from_text("s"), 1 << 18, 8, 1, 32, &err),
        &err);
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
        struct error err;
        assert_refused(kdf_scrypt(&made, slice_from_text("p"), slice_from_text("s"), refused[i].n,
                                  refused[i].r, refused[i].p, 32, &err),
                       &err, "crypto.kdf-parameters");
        assert_null(made.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_concat_against_python),
        cmocka_unit_test(test_scrypt_vectors),
        cmocka_unit_test(test_scrypt_at_the_limit),
        cmocka_unit_test(test_scrypt_refusals),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
