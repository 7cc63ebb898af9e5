/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/host.h"
#include "base/hex.h"
#include "crypto/errors.h"

struct vectors {
    struct json *all;
};

static void load(struct vectors *vectors)
{
    _cleanup_buf_ struct buf text;
    testing_vector(&text, "MS-HGSA_3.1.5.3_host_key.json");
    vectors->all = NULL;
    assert_ok(json_parse(&vectors->all, buf_slice(&text), err));
}

/* A host given by SubjectPublicKeyInfo, certificate or RSA1 blob is the same host. */
static void test_forms(void **state)
{
    (void)state;
    struct vectors vectors;
    load(&vectors);
    static const char *const names[] = {"rsa-pkcs1", "rsa-certificate", "rsa-blob", "p256", "p384"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json *vector = json_get(vectors.all, names[i]);
        char id[2 * ATTESTATION_HOST_ID_SIZE + 1];
        const char *expected;
        _cleanup_buf_ struct buf key, spki;
        testing_decode(&key, vector, "host_key");
        testing_decode(&spki, vector, "spki");
        struct attestation_host host;
        assert_ok(json_get_text(&expected, vector, "key_id", err));
        assert_ok(attestation_host_init(&host, "n1", buf_slice(&key), 1764000000, "root", err));
        assert_string_equal(hex_format(slice_of(host.key_id, sizeof host.key_id), id), expected);
        assert_true(slice_equal(buf_slice(&host.key), buf_slice(&spki)));
        attestation_host_done(&host);
    }
    json_free(&vectors.all);
}

static void test_record(void **state)
{
    (void)state;
    struct vectors vectors;
    load(&vectors);
    _cleanup_buf_ struct buf key, record, again;
    testing_decode(&key, json_get(vectors.all, "rsa-pkcs1"), "host_key");
    struct attestation_host host, read;
    assert_ok(attestation_host_init(&host, "n1", buf_slice(&key), 1764000000, "root", err));
    buf_init(&record, VECTOR_MAX);
    buf_init(&again, VECTOR_MAX);
    attestation_host_format(&record, &host);
    assert_non_null(strstr(buf_text(&record), "\"added\":\"2025-11-24T16:00:00Z\""));
    assert_ok(attestation_host_parse(&read, buf_slice(&record), err));
    assert_string_equal(read.name, "n1");
    assert_string_equal(read.added_by, "root");
    assert_int_equal(read.mode, ATTESTATION_MODE_HOST_KEY);
    assert_memory_equal(read.key_id, host.key_id, sizeof host.key_id);
    attestation_host_format(&again, &read);
    assert_string_equal(buf_text(&again), buf_text(&record));

    /* one character of the key changed: the identity is no longer its digest */
    char *changed = strstr((char *)record.data, "\"key\":\"") + strlen("\"key\":\"") + 100;
    *changed = *changed == 'A' ? 'B' : 'A';
    struct attestation_host damaged;
    assert_refused(attestation_host_parse(&damaged, buf_slice(&record), err),
                   &attestation_host_malformed);
    attestation_host_done(&host);
    attestation_host_done(&read);
    json_free(&vectors.all);
}

static void test_refuses(void **state)
{
    (void)state;
    struct vectors vectors;
    load(&vectors);
    _cleanup_buf_ struct buf key, weak;
    struct attestation_host host;
    testing_decode(&key, json_get(vectors.all, "rsa-pkcs1"), "host_key");
    testing_decode(&weak, json_get(vectors.all, "weak-host"), "host_key");
    assert_refused(attestation_host_init(&host, "a b", buf_slice(&key), 0, "root", err),
                   &attestation_host_name);
    assert_refused(attestation_host_init(&host, "n1", buf_slice(&weak), 0, "root", err),
                   &crypto_key_too_small);
    assert_refused(attestation_host_init(&host, "n1", slice_from_text("no key"), 0, "root", err),
                   &crypto_key_malformed);
    static const struct {
        const char *text;
        const struct error_code *code;
    } cases[] = {
        {"", &base_json_malformed},
        {"{}", &base_json_malformed},
        {"{\"name\":\"a b\",\"mode\":\"tpm\",\"added\":\"2025-01-01T00:00:00Z\",\"added_by\":\"\"}",
         &attestation_host_malformed},
        {"{\"name\":\"a\",\"mode\":\"none\",\"added\":\"2025-01-01T00:00:00Z\",\"added_by\":\"\"}",
         &attestation_host_malformed},
        {"{\"name\":\"a\",\"mode\":\"hostkey\",\"added\":\"2025-01-01T00:00:00Z\","
         "\"added_by\":\"\"}",
         &base_json_malformed},
        {"{\"name\":\"a\",\"mode\":\"tpm\",\"added\":\"noon\",\"added_by\":\"\"}",
         &base_time_malformed},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        bool good = attestation_host_parse(&host, slice_from_text(cases[i].text), &err);
        if (good || err.code != cases[i].code)
            fail_msg("case %zu: %s", i, good ? "accepted" : err.code->name);
    }
    json_free(&vectors.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
