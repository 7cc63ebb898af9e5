/* SPDX-License-Identifier: Apache-2.0 */

/* Which keys are taken: kinds, sizes, numbers, and the form of a SubjectPublicKeyInfo. */

#include "public_key_files.h"

#include "crypto/der.h"

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum public_key_type type;
        int bits;
    } kinds[] = {
        {"rsa.spki", PUBLIC_KEY_RSA, 2048},  {"rsa3.spki", PUBLIC_KEY_RSA, 3072},
        {"odd.spki", PUBLIC_KEY_RSA, 2056},  {"p256.spki", PUBLIC_KEY_P256, 256},
        {"p384.spki", PUBLIC_KEY_P384, 384},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct public_key *key = parse(kinds[i].file);
        assert_int_equal(public_key_type(key), kinds[i].type);
        assert_int_equal(public_key_bits(key), kinds[i].bits);
        tool_run("openssl dgst -sha256 -binary -out digest %s", kinds[i].file);
        struct buf digest;
        assert_slice_equal(slice_of(public_key_digest(key), 32), tool_read(&digest, "digest"));
        buf_done(&digest);
        struct public_key *second = public_key_ref(key);
        public_key_free(&key);
        assert_null(key);
        assert_int_equal(public_key_bits(second), kinds[i].bits);
        public_key_free(&second);
    }
    public_key_free(NULL);
}

static void test_refused_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *file, *code, *word;
    } refused[] = {
        {"small.spki", "crypto.key-too-small", "1024"},
        {"p521.spki", "crypto.key-unsupported", "P-521"},
        {"ed25519.spki", "crypto.key-unsupported", "Ed25519"},
        {"pss.spki", "crypto.key-unsupported", "RSASSA-PSS"},
        {"compressed", "crypto.key-unsupported", "compressed"},
        {"explicit", "crypto.key-unsupported", "named curves"},
        {"rsa.pub", "crypto.key-malformed", "SubjectPublicKeyInfo"},
        {"message", "crypto.key-malformed", "SubjectPublicKeyInfo"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct buf spki;
        struct public_key *key = NULL;
        struct error err;
        assert_refused_with(public_key_parse(&key, tool_read(&spki, refused[i].file), &err), &err,
                            refused[i].code);
        assert_non_null(strstr(err.message, refused[i].word));
        assert_null(key);
        buf_done(&spki);
    }
}

/* A SubjectPublicKeyInfo made of any parts. algorithm: hex of what the first SEQUENCE holds. */
static void make_spki(struct buf *out, const char *algorithm, struct slice modulus_element,
                      struct slice exponent_element)
{
    struct buf contents;
    buf_init(out, 8192);
    size_t spki = der_begin(out, DER_SEQUENCE);
    der_write(out, DER_SEQUENCE, tool_hex(&contents, algorithm));
    size_t bits = der_begin(out, DER_BIT_STRING);
    buf_append_u8(out, 0);
    size_t key = der_begin(out, DER_SEQUENCE);
    buf_append(out, modulus_element);
    buf_append(out, exponent_element);
    der_end(out, key);
    der_end(out, bits);
    der_end(out, spki);
    buf_done(&contents);
}

#define RSA_ALGORITHM "06092a864886f70d0101010500"

static void assert_rsa(const char *algorithm, struct slice modulus_element,
                       const char *exponent_hex, const char *expected)
{
    struct buf spki, exponent;
    struct public_key *key = NULL;
    make_spki(&spki, algorithm, modulus_element, tool_hex(&exponent, exponent_hex));
    if (expected == NULL)
        assert_ok(public_key_parse(&key, buf_slice(&spki), err));
    else
        assert_refused(public_key_parse(&key, buf_slice(&spki), err), expected);
    public_key_free(&key);
    buf_done(&spki);
    buf_done(&exponent);
}

/* An INTEGER element of so many bits, its lowest byte as given. */
static struct slice make_integer(struct buf *out, int bits, uint8_t lowest)
{
    size_t size = (size_t)(bits + 7) / 8;
    uint8_t *bytes = memory_allocate_zero(1, size);
    memset(bytes, 0xc3, size);
    bytes[0] = (uint8_t)(1u << ((bits - 1) % 8));
    bytes[size - 1] = lowest;
    buf_init(out, 8192);
    der_write_unsigned(out, slice_of(bytes, size));
    free(bytes);
    return buf_slice(out);
}

static void test_rsa_numbers(void **state)
{
    (void)state;
    struct buf modulus, other;
    struct slice good = make_integer(&modulus, 2048, 0x01);
    assert_rsa(RSA_ALGORITHM, good, "0203010001", NULL);
    assert_rsa(RSA_ALGORITHM, good, "020103", NULL);
    assert_rsa(RSA_ALGORITHM, good, "020900ffffffffffffffff", NULL);
    assert_rsa(RSA_ALGORITHM, good, "0209010000000000000001", "crypto.key-unsupported");
    assert_rsa(RSA_ALGORITHM, good, "020101", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, good, "020100", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, good, "02020100", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, good, "0201ff", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, good, "020400010001", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, good, "02810103", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, good, "0200", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, good, "0203010001020103", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, good, "", "crypto.key-malformed");
    assert_rsa(RSA_ALGORITHM, make_integer(&other, 2047, 0x01), "020103", "crypto.key-too-small");
    buf_done(&other);
    assert_rsa(RSA_ALGORITHM, make_integer(&other, 8192, 0x01), "020103", NULL);
    buf_done(&other);
    assert_rsa(RSA_ALGORITHM, make_integer(&other, 8193, 0x01), "020103", "crypto.key-unsupported");
    buf_done(&other);
    assert_rsa(RSA_ALGORITHM, make_integer(&other, 2048, 0x02), "020103", "crypto.key-malformed");
    buf_done(&other);
    assert_rsa(RSA_ALGORITHM, slice_of("\x02\x01\x00", 3), "020103", "crypto.key-too-small");
    /* The same modulus without the zero that keeps it positive. */
    buf_init(&other, 1000);
    der_write(&other, DER_INTEGER, slice_of(good.data + 5, 256));
    assert_rsa(RSA_ALGORITHM, buf_slice(&other), "020103", "crypto.key-malformed");
    buf_done(&other);
    buf_done(&modulus);
}

static void test_algorithms(void **state)
{
    (void)state;
    struct buf modulus;
    struct slice good = make_integer(&modulus, 2048, 0x01);
    assert_rsa("06092a864886f70d010101", good, "020103", "crypto.key-malformed");
    assert_rsa("06092a864886f70d010101050100", good, "020103", "crypto.key-malformed");
    assert_rsa("06092a864886f70d01010105000500", good, "020103", "crypto.key-malformed");
    assert_rsa("06092a864886f70d0101013000", good, "020103", "crypto.key-malformed");
    assert_rsa("0600", good, "020103", "crypto.key-malformed");
    assert_rsa("", good, "020103", "crypto.key-malformed");
    struct buf spki;
    struct public_key *key = NULL;
    struct error err;
    make_spki(&spki, "06092a864886f70d0101070500", good, slice_of("\x02\x01\x03", 3));
    assert_refused_with(public_key_parse(&key, buf_slice(&spki), &err), &err,
                        "crypto.key-unsupported");
    assert_non_null(strstr(err.message, "RSAES-OAEP (1.2.840.113549.1.1.7)"));
    buf_done(&spki);
    make_spki(&spki, "06072a8648ce3d02010500", good, slice_of("\x02\x01\x03", 3));
    assert_refused_with(public_key_parse(&key, buf_slice(&spki), &err), &err,
                        "crypto.key-malformed");
    buf_done(&spki);
    buf_done(&modulus);
}

static void test_point_not_on_its_curve(void **state)
{
    (void)state;
    static const char *const files[] = {"p256.spki", "p384.spki"};
    for (size_t i = 0; i < 2; i++) {
        struct buf spki;
        struct public_key *key = NULL;
        struct error err;
        tool_read(&spki, files[i]);
        spki.data[spki.size - 1] ^= 1;
        assert_refused_with(public_key_parse(&key, buf_slice(&spki), &err), &err,
                            "crypto.key-malformed");
        assert_non_null(strstr(err.message, "curve"));
        /* Coordinates of the field's size and beyond. */
        size_t field = i == 0 ? 32 : 48;
        memset(spki.data + spki.size - 2 * field, 0xff, 2 * field);
        assert_refused_with(public_key_parse(&key, buf_slice(&spki), &err), &err,
                            "crypto.key-malformed");
        memset(spki.data + spki.size - 2 * field, 0, 2 * field);
        assert_refused_with(public_key_parse(&key, buf_slice(&spki), &err), &err,
                            "crypto.key-malformed");
        buf_done(&spki);
    }
    /* The point at infinity is one zero byte. */
    struct buf bytes;
    struct public_key *key = NULL;
    struct error err;
    tool_hex(&bytes, "3019301306072a8648ce3d020106082a8648ce3d03010703020000");
    assert_refused_with(public_key_parse(&key, buf_slice(&bytes), &err), &err,
                        "crypto.key-malformed");
    buf_done(&bytes);
}

/* No prefix and no longer form of a key is a key, whatever byte is changed nothing crashes. */
static void test_damaged(void **state)
{
    (void)state;
    static const char *const files[] = {"rsa.spki", "p256.spki"};
    for (size_t f = 0; f < 2; f++) {
        struct buf spki;
        struct public_key *key = NULL;
        tool_read(&spki, files[f]);
        for (size_t i = 0; i < spki.size; i++) {
            uint8_t *exact = memory_allocate(i + 1);
            memcpy(exact, spki.data, i);
            assert_false(public_key_parse(&key, slice_of(exact, i), NULL));
            free(exact);
        }
        for (size_t i = 0; i < spki.size; i++) {
            for (int bit = 0; bit < 8; bit++) {
                spki.data[i] ^= (uint8_t)(1 << bit);
                if (public_key_parse(&key, buf_slice(&spki), NULL))
                    public_key_free(&key);
                spki.data[i] ^= (uint8_t)(1 << bit);
            }
        }
        buf_append_u8(&spki, 0);
        assert_refused(public_key_parse(&key, buf_slice(&spki), err), "crypto.key-malformed");
        buf_done(&spki);
    }
}

static void test_indefinite_length(void **state)
{
    (void)state;
    struct buf spki, indefinite;
    struct public_key *key = NULL;
    struct slice whole = tool_read(&spki, "rsa.spki");
    buf_init(&indefinite, 1000);
    buf_append_bytes(&indefinite, "\x30\x80", 2);
    buf_append(&indefinite, slice_of(whole.data + 4, whole.size - 4));
    buf_append_bytes(&indefinite, "\0\0", 2);
    assert_refused(public_key_parse(&key, buf_slice(&indefinite), err), "crypto.key-malformed");
    buf_done(&indefinite);
    buf_done(&spki);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_refused_kinds),
        cmocka_unit_test(test_rsa_numbers),
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_point_not_on_its_curve),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_indefinite_length),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
