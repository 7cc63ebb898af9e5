/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/public_key.h"

#include "tool.h"

/* The RSA1 blob is made from the key by python, from openssl's own listing of its numbers. */
static int set_up(void **state)
{
    if (tool_set_up(state) != 0)
        return 1;
    tool_run("openssl genrsa -out rsa.pem 2048; openssl pkey -in rsa.pem -pubout -out rsa.pub\n"
             "openssl pkey -pubin -in rsa.pub -outform der -out spki\n"
             "openssl req -x509 -new -key rsa.pem -subj /CN=x -days 2 -out crt\n"
             "openssl x509 -in crt -outform der -out crt.der\n"
             "openssl rsa -pubin -in rsa.pub -noout -modulus > modulus");
    tool_run("python3 -c 'import struct\n"
             "n=bytes.fromhex(open(\"modulus\").read().strip().split(\"=\")[1])\n"
             "e=bytes.fromhex(\"010001\")\n"
             "f=lambda *a:struct.pack(\"<4s5I\",*a)\n"
             "w=lambda x,b:open(x,\"wb\").write(b)\n"
             "w(\"blob\",f(b\"RSA1\",2048,3,256,0,0)+e+n)\n"
             "w(\"primes\",f(b\"RSA1\",2048,3,256,128,128)+e+n)\n"
             "w(\"wrongbits\",f(b\"RSA1\",2047,3,256,0,0)+e+n)\n"
             "w(\"trailing\",f(b\"RSA1\",2048,3,256,0,0)+e+n+b\"x\")\n"
             "w(\"short\",f(b\"RSA1\",2048,3,256,0,0)+e+n[:-1])\n"
             "w(\"huge\",f(b\"RSA1\",2048,0xffffffff,0xffffffff,0,0)+e+n)\n"
             "w(\"noexponent\",f(b\"RSA1\",2048,0,256,0,0)+n)\n"
             "w(\"toolarge\",f(b\"RSA1\",524280,3,65535,0,0)+e+b\"\\xff\"*65535)\n"
             "w(\"small\",f(b\"RSA1\",1024,3,128,0,0)+e+n[128:-1]+b\"\\x01\")\n"
             "w(\"even\",f(b\"RSA1\",2048,3,256,0,0)+e+n[:-1]+b\"\\x02\")\n"
             "w(\"private\",f(b\"RSA2\",2048,3,256,0,0)+e+n)\n"
             "'");
    return 0;
}

static void assert_same_key(bool (*read)(struct public_key **, struct slice, struct error *),
                            const char *file)
{
    struct buf bytes, spki;
    struct public_key *key = NULL;
    assert_ok(read(&key, tool_read(&bytes, file), err));
    assert_slice_equal(public_key_spki(key), tool_read(&spki, "spki"));
    public_key_free(&key);
    buf_done(&bytes);
    buf_done(&spki);
}

static void test_forms(void **state)
{
    (void)state;
    assert_same_key(public_key_parse_any, "spki");
    assert_same_key(public_key_parse_any, "crt.der");
    assert_same_key(public_key_parse_any, "blob");
    assert_same_key(public_key_parse_file, "spki");
    assert_same_key(public_key_parse_file, "crt.der");
    assert_same_key(public_key_parse_file, "blob");
    assert_same_key(public_key_parse_file, "crt");
    assert_same_key(public_key_parse_file, "rsa.pub");
}

static void assert_file_refused(bool (*read)(struct public_key **, struct slice, struct error *),
                                const char *file, const char *code)
{
    struct buf bytes;
    struct public_key *key = NULL;
    assert_refused(read(&key, tool_read(&bytes, file), err), code);
    buf_done(&bytes);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {"primes", "wrongbits",  "trailing", "short",
                                            "huge",   "noexponent", "private",  "even"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_file_refused(public_key_parse_any, malformed[i], "crypto.key-malformed");
    }
    assert_file_refused(public_key_parse_any, "small", "crypto.key-too-small");
    assert_file_refused(public_key_parse_any, "toolarge", "crypto.key-unsupported");
    assert_file_refused(public_key_parse_any, "crt", "crypto.key-malformed");
    assert_file_refused(public_key_parse_file, "rsa.pem", "crypto.key-malformed");
    struct public_key *key = NULL;
    assert_refused(public_key_parse_any(&key, SLICE_EMPTY, err), "crypto.key-malformed");
    uint8_t *large = memory_allocate_zero(1, 300000);
    assert_refused(public_key_parse_file(&key, slice_of(large, 300000), err),
                   "crypto.key-malformed");
    free(large);
}

static void test_trailing_bytes(void **state)
{
    (void)state;
    static const char *const files[] = {"spki", "crt.der", "blob"};
    static const char *const codes[] = {"crypto.key-malformed", "crypto.certificate-malformed",
                                        "crypto.key-malformed"};
    for (size_t i = 0; i < 3; i++) {
        struct buf bytes;
        struct public_key *key = NULL;
        tool_read(&bytes, files[i]);
        buf_append_u8(&bytes, 0);
        assert_refused(public_key_parse_any(&key, buf_slice(&bytes), err), codes[i]);
        buf_done(&bytes);
    }
}

/* From numbers, as a TPM gives them. */
static void test_numbers(void **state)
{
    (void)state;
    struct buf blob, spki;
    struct public_key *key = NULL;
    tool_read(&blob, "blob");
    struct slice exponent = slice_of("\0\x01\x00\x01", 4);
    struct slice modulus = slice_of(blob.data + 27, 256);
    assert_ok(public_key_of_rsa(&key, modulus, exponent, err));
    assert_slice_equal(public_key_spki(key), tool_read(&spki, "spki"));
    public_key_free(&key);
    assert_refused(public_key_of_rsa(&key, slice_of(modulus.data, 128), exponent, err),
                   "crypto.key-too-small");
    assert_refused(public_key_of_rsa(&key, modulus, SLICE_EMPTY, err), "crypto.key-malformed");
    buf_done(&blob);
    buf_done(&spki);
}

static void test_points(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum public_key_type type;
        size_t field;
    } curves[] = {{"prime256v1", PUBLIC_KEY_P256, 32}, {"secp384r1", PUBLIC_KEY_P384, 48}};
    for (size_t i = 0; i < 2; i++) {
        struct buf spki;
        struct public_key *key = NULL;
        size_t field = curves[i].field;
        tool_run("openssl ecparam -name %s -genkey -noout -out ec.key && "
                 "openssl pkey -in ec.key -pubout -outform der -out ec.der",
                 curves[i].name);
        tool_read(&spki, "ec.der");
        const uint8_t *point = spki.data + spki.size - 2 * field;
        struct slice x = slice_of(point, field), y = slice_of(point + field, field);
        assert_ok(public_key_of_point(&key, curves[i].type, x, y, err));
        assert_slice_equal(public_key_spki(key), buf_slice(&spki));
        public_key_free(&key);
        assert_refused(public_key_of_point(&key, curves[i].type, y, y, err),
                       "crypto.key-malformed");
        assert_refused(public_key_of_point(&key, curves[i].type, SLICE_EMPTY, SLICE_EMPTY, err),
                       "crypto.key-malformed");
        assert_refused(
            public_key_of_point(&key, curves[i].type, slice_of(point - 1, field + 1), y, err),
            "crypto.key-malformed");
        buf_done(&spki);
    }
}

/* RSAES-OAEP by another name for the same numbers; only where it is expected. */
static void test_endorsement(void **state)
{
    (void)state;
    tool_run("python3 -c 'import sys\n"
             "k=open(\"spki\",\"rb\").read(); b=k[k.index(b\"\\x03\\x82\"):]\n"
             "t=lambda g,b:bytes([g])+(bytes([len(b)]) if len(b)<128 else "
             "b\"\\x82\"+len(b).to_bytes(2,\"big\"))+b\n"
             "o=bytes.fromhex(\"06092a864886f70d010107\")\n"
             "w=lambda n,p:open(n,\"wb\").write(t(0x30,t(0x30,o+p)+b))\n"
             "w(\"oaep\",b\"\"); w(\"oaepnull\",b\"\\x05\\0\"); "
             "w(\"oaepset\",b\"0\\0\"); open(\"oaepcut\",\"wb\").write("
             "open(\"oaep\",\"rb\").read()[:-1])'");
    static const char *const files[] = {"spki", "oaep", "oaepnull", "oaepset"};
    for (size_t i = 0; i < 4; i++) {
        assert_same_key(public_key_parse_endorsement, files[i]);
        struct buf bytes;
        struct public_key *key = NULL;
        if (i > 0)
            assert_refused(public_key_parse(&key, tool_read(&bytes, files[i]), err),
                           "crypto.key-unsupported");
        else
            tool_read(&bytes, files[i]);
        buf_done(&bytes);
    }
    struct buf bytes;
    struct public_key *key = NULL;
    assert_refused(public_key_parse_endorsement(&key, tool_read(&bytes, "oaepcut"), err),
                   "crypto.key-malformed");
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_trailing_bytes), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_points),         cmocka_unit_test(test_endorsement),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
