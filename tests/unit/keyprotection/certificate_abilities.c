/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/certificate_abilities.h"

#include "../testing.h"
#include "crypto/public_key.h"
#include "keyprotection/errors.h"

#define BIT(value) (1u << (value))

static void format(struct buf *out, const struct certificate_abilities *abilities)
{
    struct json_writer writer;
    buf_init(out, 4096);
    json_writer_init(&writer, out);
    certificate_abilities_write(&writer, NULL, abilities);
}

static bool parse(struct certificate_abilities *out, const char *text, struct error *err)
{
    _cleanup_json_ struct json *json = NULL;
    return json_parse(&json, slice_from_text(text), err) &&
           certificate_abilities_parse(out, json, err);
}

static void what_a_key_can_survives_the_journey(void **state)
{
    (void)state;
    const struct certificate_abilities all = {
        .signatures = BIT(SIGNATURE_RSA_PKCS1_SHA256) | BIT(SIGNATURE_RSA_PKCS1_SHA384) |
                      BIT(SIGNATURE_RSA_PKCS1_SHA512) | BIT(SIGNATURE_RSA_PSS_SHA256),
        .encryptions = BIT(ENCRYPTION_RSA_OAEP_SHA256) | BIT(ENCRYPTION_RSA_OAEP_SHA1),
        .raw = BIT(ENCRYPTION_RSA_OAEP_SHA256)};
    struct certificate_abilities got;
    _cleanup_buf_ struct buf text;
    format(&text, &all);
    assert_ok(parse(&got, buf_text(&text), err));
    assert_memory_equal(&got, &all, sizeof all);
    assert_true(certificate_abilities_known(&got));
    assert_false(certificate_abilities_only_sha1(&got));
}

static void nothing_known_is_not_nothing_done(void **state)
{
    (void)state;
    struct certificate_abilities got = {1, 2, 3};
    assert_ok(certificate_abilities_parse(&got, NULL, err));
    assert_false(certificate_abilities_known(&got));
    assert_false(certificate_abilities_only_sha1(&got));
}

static void sha1_alone_is_told(void **state)
{
    (void)state;
    struct certificate_abilities got;
    assert_ok(parse(&got, "[\"rsa-oaep-sha1\"]", err));
    assert_true(certificate_abilities_only_sha1(&got));
    assert_ok(parse(&got, "[\"rsa-oaep-sha1\",\"raw:rsa-oaep-sha256\"]", err));
    assert_false(certificate_abilities_only_sha1(&got));
    assert_int_equal(got.raw, BIT(ENCRYPTION_RSA_OAEP_SHA256));
}

static void what_is_not_known_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[\"rsa-oaep-md5\"]", "[\"raw:rsa-pkcs1-sha256\"]", "[\"\"]", "[7]", "{}",
        "\"rsa-oaep-sha1\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct certificate_abilities got = {1, 2, 3};
        assert_refused(parse(&got, bad[i], err), keyprotection_record);
        assert_int_equal(got.signatures, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_key_can_survives_the_journey),
        cmocka_unit_test(nothing_known_is_not_nothing_done),
        cmocka_unit_test(sha1_alone_is_told),
        cmocka_unit_test(what_is_not_known_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
