/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/thumbprint.h"

#include <stdio.h>

#include "../testing.h"
#include "admin/errors.h"
#include "base/hex.h"
#include "crypto/private_key.h"

static struct certificate *make_certificate(void)
{
    struct private_key *key = NULL;
    struct certificate *certificate = NULL;
    struct error err = {0};
    struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    assert_true(private_key_generate(&key, PRIVATE_KEY_P256, &err));
    struct signer signer = signer_of_key(key);
    struct certificate_template form = {.subject_cn = "one",
                                        .subject_key = signer.public_key,
                                        .not_before = 1800000000,
                                        .not_after = 1800003600};
    assert_true(certificate_issue(&der, &form, &signer, &err));
    assert_true(certificate_parse(&certificate, buf_slice(&der), &err));
    buf_done(&der);
    private_key_free(&key);
    return certificate;
}

static bool matches(const char *text, const struct certificate *certificate)
{
    struct thumbprint thumbprint;
    assert_true(thumbprint_parse(&thumbprint, text, NULL));
    return thumbprint_matches(&thumbprint, certificate);
}

static void what_people_paste_is_understood(void **state)
{
    (void)state;
    char sha256[65], sha1[41], text[128];
    struct certificate *certificate = make_certificate();
    const struct certificate_facts *facts = certificate_facts(certificate);
    hex_format(slice_of(facts->thumbprint, 32), sha256);
    hex_format(slice_of(facts->thumbprint_sha1, 20), sha1);
    assert_true(matches(sha256, certificate));
    assert_true(matches(sha1, certificate));
    for (int digits = THUMBPRINT_DIGITS_MIN; digits < 64; digits++) {
        snprintf(text, sizeof text, "%.*s", digits, sha256);
        assert_true(matches(text, certificate));
    }
    snprintf(text, sizeof text, "%.4s:%.4s %.4s", sha256, sha256 + 4, sha256 + 8);
    for (char *c = text; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'f')
            *c = (char)(*c - 32);
    assert_true(matches(text, certificate));
    snprintf(text, sizeof text, "%.39s", sha1); /* SHA-1 counts whole only */
    assert_false(matches(text, certificate));
    sha256[10] = sha256[10] == '0' ? '1' : '0';
    assert_false(matches(sha256, certificate));
    certificate_free(&certificate);
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "1234567", "12345678g", "0x12345678",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct thumbprint thumbprint;
        struct error err = {0};
        assert_false(thumbprint_parse(&thumbprint, texts[i], &err));
        assert_ptr_equal(err.code, &admin_argument);
    }
}

static void a_whole_one_is_its_bytes(void **state)
{
    (void)state;
    static const char *const others[] = {"", "00112233", "00112233445566778899aabbccddeeff001122",
                                         "00112233445566778899aabbccddeeff0011223344",
                                         "0x112233445566778899aabbccddeeff00112233"};
    static const uint8_t expected[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
                                       0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, 0x22, 0x33};
    struct buf out;
    buf_init(&out, 32);
    assert_true(thumbprint_whole(&out, "00:11:22:33:44:55:66:77:88:99:AA:bb:cc:dd:ee:ff:00112233"));
    assert_int_equal(out.size, sizeof expected);
    assert_memory_equal(out.data, expected, sizeof expected);
    buf_reset(&out);
    assert_true(thumbprint_whole(&out, "00112233445566778899aabbccddeeff"
                                       "00112233445566778899aabbccddeeff"));
    assert_int_equal(out.size, 32);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        buf_reset(&out);
        assert_false(thumbprint_whole(&out, others[i]));
        assert_int_equal(out.size, 0);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_paste_is_understood),
        cmocka_unit_test(a_whole_one_is_its_bytes),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
