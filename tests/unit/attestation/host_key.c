/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "attestation/host_key.h"
#include "attestation/message_request.h"

/* The vectors, a map in which their good hosts are registered, the keys that all tests remember,
 * and default settings. */
struct fixture {
    struct json *vectors;
    struct attestation_host_map *hosts;
    struct cache *host_keys;
    struct attestation_settings settings;
};

static int set_up(void **state)
{
    static const char *const registered[] = {"rsa-pkcs1", "p256", "p384"};
    static struct fixture fixture;
    _cleanup_buf_ struct buf text;
    testing_vector(&text, "MS-HGSA_3.1.5.3_host_key.json");
    fixture = (struct fixture){.hosts = attestation_host_map_new(),
                               .host_keys = public_key_cache_new(16)};
    assert_ok(json_parse(&fixture.vectors, buf_slice(&text), err));
    attestation_settings_init(&fixture.settings);
    for (size_t i = 0; i < sizeof registered / sizeof registered[0]; i++) {
        struct attestation_host host;
        _cleanup_buf_ struct buf key;
        testing_decode(&key, json_get(fixture.vectors, registered[i]), "spki");
        assert_ok(attestation_host_init(&host, registered[i], buf_slice(&key), 0, "root", err));
        struct attestation_host_identity identity = {.mode = ATTESTATION_MODE_HOST_KEY};
        memcpy(identity.id, host.key_id, sizeof identity.id);
        attestation_host_map_put(fixture.hosts, host.name, &identity);
        attestation_host_done(&host);
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    json_free(&fixture->vectors);
    attestation_host_map_free(&fixture->hosts);
    cache_free(&fixture->host_keys);
    return 0;
}

static struct attestation_mode_input input_of(struct fixture *fixture, unsigned version,
                                              struct slice body)
{
    return (struct attestation_mode_input){.version = version,
                                           .body = body,
                                           .hosts = fixture->hosts,
                                           .host_keys = fixture->host_keys,
                                           .settings = &fixture->settings};
}

static bool attest(struct fixture *fixture, struct attestation_evidence *evidence,
                   struct slice body, struct error *err)
{
    struct attestation_mode_input input = input_of(fixture, 2, body);
    *evidence = (struct attestation_evidence){0};
    return attestation_host_key_attest(evidence, &input, err);
}

static const char *request_of(const struct fixture *fixture, const char *name)
{
    const char *request;
    assert_ok(json_get_text(&request, json_get(fixture->vectors, name), "request", err));
    return request;
}

static void test_passes(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *vector, *host;
    } cases[] = {
        {"rsa-pkcs1", "rsa-pkcs1"},       {"rsa-pss", "rsa-pkcs1"}, {"p256", "p256"},
        {"rsa-certificate", "rsa-pkcs1"}, {"p384", "p384"},         {"rsa-blob", "rsa-pkcs1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attestation_evidence evidence;
        print_message("%s\n", cases[i].vector);
        assert_ok(
            attest(fixture, &evidence, slice_from_text(request_of(fixture, cases[i].vector)), err));
        assert_string_equal(evidence.host, cases[i].host);
        assert_true(evidence.has_host_id);
        assert_int_equal(evidence.requested_count, 1);
        _cleanup_buf_ struct buf identity;
        testing_decode(&identity, json_get(fixture->vectors, "rsa-pkcs1"), "identity_key");
        assert_true(slice_equal(public_key_spki(evidence.identity_keys[0]), buf_slice(&identity)));
        attestation_evidence_done(&evidence);
    }
}

static void test_refuses(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *vector;
        const struct error_code *code;
    } cases[] = {
        {"rsa-pkcs1-sha1", &attestation_signature_wrong},
        {"p384-sha256", &attestation_signature_wrong},
        {"weak-host", &attestation_host_key},
        {"p521-host", &attestation_host_key},
        {"garbage-host", &attestation_payload_malformed},
        {"trailing-host", &attestation_payload_malformed},
        {"weak-identity", &attestation_identity_key},
        {"ec-identity", &attestation_identity_key},
        {"garbage-identity", &attestation_identity_key},
        {"trailing-identity", &attestation_identity_key},
        {"wants-signing", &attestation_content_refused},
        {"wants-both", &attestation_content_refused},
        {"wants-ca", &attestation_content_refused},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attestation_evidence evidence;
        struct error err = {0};
        bool good =
            attest(fixture, &evidence, slice_from_text(request_of(fixture, cases[i].vector)), &err);
        if (good || err.code != cases[i].code)
            fail_msg("%s: %s", cases[i].vector, good ? "passed" : err.code->name);
        attestation_evidence_done(&evidence);
    }
}

static void test_unprotected_signing_key(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_evidence evidence;
    fixture->settings.allow_unprotected_signing_keys = true;
    assert_ok(attest(fixture, &evidence, slice_from_text(request_of(fixture, "wants-both")), err));
    assert_int_equal(evidence.requested_count, 2);
    attestation_evidence_done(&evidence);
    assert_refused(
        attest(fixture, &evidence, slice_from_text(request_of(fixture, "wants-ca")), err),
        &attestation_content_refused);
    attestation_evidence_done(&evidence);
    fixture->settings.allow_unprotected_signing_keys = false;
}

/* Whether the host's key is remembered. */
static bool remembers(struct fixture *fixture, const char *name)
{
    _cleanup_buf_ struct buf spki;
    testing_decode(&spki, json_get(fixture->vectors, name), "spki");
    _cleanup_public_key_ struct public_key *key = cache_find(fixture->host_keys, buf_slice(&spki));
    return key != NULL;
}

static void test_remembers_registered_keys(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_evidence evidence;
    struct cache *others = fixture->host_keys;
    fixture->host_keys = public_key_cache_new(16);
    for (int round = 0; round < 2; round++) {
        assert_ok(attest(fixture, &evidence, slice_from_text(request_of(fixture, "p384")), err));
        assert_string_equal(evidence.host, "p384");
        assert_true(remembers(fixture, "p384"));
        attestation_evidence_done(&evidence);
    }
    assert_refused(
        attest(fixture, &evidence, slice_from_text(request_of(fixture, "p384-sha256")), err),
        &attestation_signature_wrong);
    attestation_evidence_done(&evidence);
    attestation_host_map_remove(fixture->hosts, "rsa-pkcs1");
    assert_refused(
        attest(fixture, &evidence, slice_from_text(request_of(fixture, "rsa-pkcs1")), err),
        &attestation_host_unknown);
    attestation_evidence_done(&evidence);
    assert_false(remembers(fixture, "rsa-pkcs1"));
    cache_free(&fixture->host_keys);
    fixture->host_keys = others;
}

/* One that was registered, and passed. */
static void test_unknown_host(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_evidence evidence;
    uint8_t none[ATTESTATION_HOST_ID_SIZE] = {0};
    assert_true(remembers(fixture, "p256"));
    attestation_host_map_remove(fixture->hosts, "p256");
    assert_refused(attest(fixture, &evidence, slice_from_text(request_of(fixture, "p256")), err),
                   &attestation_host_unknown);
    assert_string_equal(evidence.host, "");
    assert_true(evidence.has_host_id); /* for the audit trail */
    assert_memory_not_equal(evidence.host_id, none, sizeof none);
    attestation_evidence_done(&evidence);
}

static void test_version(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_evidence evidence = {0};
    struct attestation_mode_input input =
        input_of(fixture, 1, slice_from_text(request_of(fixture, "rsa-pkcs1")));
    assert_refused(attestation_host_key_attest(&evidence, &input, err),
                   &attestation_payload_malformed);
}

/* Each item left out, and each that has no place here added. */
static void test_content(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_request request;
    struct attestation_evidence evidence;
    assert_ok(attestation_request_parse(&request, slice_from_text(request_of(fixture, "rsa-pkcs1")),
                                        err));
    for (int type = 1; type <= ATTESTATION_CONTENT_MAX; type++) {
        bool expected = request.content[type].size != 0;
        struct attestation_request changed = request;
        _cleanup_buf_ struct buf body;
        buf_init(&body, VECTOR_MAX);
        changed.content[type] = expected ? SLICE_EMPTY : slice_from_text("x");
        attestation_request_format(&body, &changed);
        assert_refused(attest(fixture, &evidence, buf_slice(&body), err),
                       expected ? &attestation_payload_malformed : &attestation_content_refused);
    }
    uint8_t *large = calloc(1, 20000);
    struct attestation_request changed = request;
    _cleanup_buf_ struct buf body;
    buf_init(&body, VECTOR_MAX);
    changed.content[ATTESTATION_CONTENT_IDENTITY_KEY] = slice_of(large, 20000);
    attestation_request_format(&body, &changed);
    assert_refused(attest(fixture, &evidence, buf_slice(&body), err),
                   &attestation_payload_malformed);
    free(large);
    attestation_request_done(&request);
}

/* Any bit of the three items matters. */
static void test_altered(void **state)
{
    struct fixture *fixture = *state;
    static const int types[] = {ATTESTATION_CONTENT_IDENTITY_KEY,
                                ATTESTATION_CONTENT_HOST_KEY_PUBLIC_KEY,
                                ATTESTATION_CONTENT_HOST_KEY_SIGNATURE};
    struct attestation_request request;
    assert_ok(attestation_request_parse(&request, slice_from_text(request_of(fixture, "rsa-pkcs1")),
                                        err));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint8_t *item = request.bytes.data + (request.content[types[i]].data - request.bytes.data);
        for (size_t at = 0; at < request.content[types[i]].size; at += 7) {
            struct attestation_evidence evidence;
            struct error err = {0};
            _cleanup_buf_ struct buf body;
            buf_init(&body, VECTOR_MAX);
            item[at] ^= 0x20;
            attestation_request_format(&body, &request);
            if (attest(fixture, &evidence, buf_slice(&body), &err))
                fail_msg("passed with byte %zu of item %d altered", at, types[i]);
            assert_true(err.code == &attestation_signature_wrong ||
                        err.code == &attestation_payload_malformed ||
                        err.code == &attestation_host_unknown || err.code == &attestation_host_key);
            attestation_evidence_done(&evidence);
            item[at] ^= 0x20;
        }
    }
    attestation_request_done(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_unprotected_signing_key),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_unknown_host),
        cmocka_unit_test(test_remembers_registered_keys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
