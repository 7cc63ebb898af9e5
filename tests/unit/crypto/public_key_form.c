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
    struct error err = {0};
    assert_success(read(&key, tool_read(&bytes, file), &err), &err);
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
    struct error err;
    assert_refused(read(&key, tool_read(&bytes, file), &err), &err, code);
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
    struct error err;
    assert_refused(public_key_parse_any(&key, SLICE_EMPTY, &err), &err, "crypto.key-malformed");
    uint8_t *large = memory_allocate_zero(1, 300000);
    assert_refused(public_key_parse_file(&key, slice_of(large, 300000), &err), &err,
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
        struct error err;
        tool_read(&bytes, files[i]);
        buf_append_u8(&bytes, 0);
        assert_refused(public_key_parse_any(&key, buf_slice(&bytes), &err), &err, codes[i]);
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_trailing_bytes),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
