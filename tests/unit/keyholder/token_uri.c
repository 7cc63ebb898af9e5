/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/token_uri.h"

#include <string.h>

#include "../testing.h"

static void test_token(void **state)
{
    (void)state;
    static const char *const good[] = {
        "pkcs11:token=alpha",
        "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;serial=0123456789abcdef",
        "pkcs11:slot-id=7",
        "pkcs11:manufacturer=Snake%20Oil,%20Inc.;model=1.0",
        "pkcs11:library-description=Soft%20Token;library-version=3.1;slot-description=a",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_ok(token_uri_check_token(good[i], err));
}

static void test_token_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "pkcs11:",
        "alpha",
        "PKCS11:token=alpha",
        "pkcs11:token=alpha;object=key",
        "pkcs11:token=alpha;id=%01",
        "pkcs11:token=alpha;type=private",
        "pkcs11:token=alpha;token=beta",
        "pkcs11:token=alpha;",
        "pkcs11:token=alpha;;object=key",
        "pkcs11:;token=alpha",
        "pkcs11:token",
        "pkcs11:=alpha",
        "pkcs11:token=al pha",
        "pkcs11:token=alpha\n",
        "pkcs11:token=\xc3\xa4",
        "pkcs11:token=%4",
        "pkcs11:token=%zz",
        "pkcs11:token=a-label-of-thirty-three-characters",
        "pkcs11:slot-id=seven",
        "pkcs11:slot-id=18446744073709551617",
        "pkcs11:token=alpha;colour=red",
        "pkcs11:token=alpha;x-vendor=1",
        "pkcs11:token=alpha?",
        "pkcs11:token=alpha?module-path=/usr/lib/evil.so",
        "pkcs11:token=alpha?module-name=evil",
        "pkcs11:token=alpha?x-vendor=1",
        "pkcs11:token=alpha?token=beta",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("%s\n", bad[i]);
        assert_refused(token_uri_check_token(bad[i], err), "token.uri");
    }
}

static void test_key(void **state)
{
    (void)state;
    static const char *const good[] = {
        "pkcs11:object=sign",
        "pkcs11:token=alpha;object=HGS%20signing;id=%01%02",
        "pkcs11:id=%00%ff;type=private",
        "pkcs11:object=a;type=public",
        "pkcs11:object=a;type=cert",
    };
    static const char *const bad[] = {
        "pkcs11:token=alpha",        "pkcs11:object=",         "pkcs11:id=;object=a",
        "pkcs11:object=a;type=data", "pkcs11:object=a;type=x", "pkcs11:object=a;type=secret-key",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_ok(token_uri_check_key(good[i], err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(token_uri_check_key(bad[i], err), "token.uri");
}

static void test_too_long(void **state)
{
    (void)state;
    char text[TOKEN_URI_MAX + 2];
    memset(text, 'a', sizeof text);
    memcpy(text, "pkcs11:object=", 14);
    text[TOKEN_URI_MAX] = 0;
    assert_ok(token_uri_check_key(text, err));
    text[TOKEN_URI_MAX] = 'a';
    text[TOKEN_URI_MAX + 1] = 0;
    assert_refused(token_uri_check_key(text, err), "token.uri");
}

/* A PIN that stands where it should not is not written to a log as well. */
static void test_pin(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "pkcs11:token=alpha?pin-value=s3cr3t",
        "pkcs11:token=alpha?pin-source=file:/s3cr3t",
        "pkcs11:token=alpha;pin-value=s3cr3t",
        "pkcs11:token=alpha;pinfile=s3cr3t",
        "pkcs11:pin-value=s3cr3t",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};
        assert_false(token_uri_check_token(bad[i], &err));
        assert_string_equal(err.code->name, "token.uri-secret");
        assert_null(strstr(err.object, "s3cr3t"));
        assert_null(strstr(err.message, "s3cr3t"));
    }
    struct error err = {0};
    assert_false(token_uri_check_token("pkcs11:token=%zz?pin-value=s3cr3t", &err));
    assert_null(strstr(err.object, "s3cr3t"));
    assert_false(token_uri_check_token("pkcs11:to ken=a?pin-value=s3cr3t", &err));
    assert_null(strstr(err.object, "s3cr3t"));
}

static void test_may_match(void **state)
{
    (void)state;
    assert_true(token_uri_may_match("pkcs11:object=a", "pkcs11:token=alpha"));
    assert_true(token_uri_may_match("pkcs11:token=alpha;object=a", "pkcs11:token=alpha"));
    assert_true(token_uri_may_match("pkcs11:token=alpha;object=a", "pkcs11:serial=1"));
    assert_true(token_uri_may_match("pkcs11:slot-id=1;object=a", "pkcs11:slot-id=1"));
    assert_false(token_uri_may_match("pkcs11:token=alpha;object=a", "pkcs11:token=beta"));
    assert_false(token_uri_may_match("pkcs11:token=alpha;object=a", "pkcs11:token=alphabet"));
    assert_false(
        token_uri_may_match("pkcs11:token=alpha;serial=2;object=a", "pkcs11:token=alpha;serial=1"));
    assert_false(token_uri_may_match("pkcs11:slot-id=2;object=a", "pkcs11:slot-id=1"));
    assert_false(token_uri_may_match("no URI", "pkcs11:slot-id=1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token), cmocka_unit_test(test_token_refused),
        cmocka_unit_test(test_key),   cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_pin),   cmocka_unit_test(test_may_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
