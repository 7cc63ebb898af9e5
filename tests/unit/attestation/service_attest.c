/* SPDX-License-Identifier: Apache-2.0 */

/* Attestation in host key mode, as a whole: the certificate, every refusal, every door. */

#include "listed.h"

#include "base/file.h"
#include "base/hex.h"

static void write_file(struct fixture *fixture, const char *name, struct slice bytes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    assert_ok(file_replace(path, bytes, 0600, err));
}

/* What a command prints, run in the fixture's folder; it must succeed. */
static void run(struct fixture *fixture, const char *command, struct buf *out)
{
    char line[512];
    buf_init(out, VECTOR_MAX);
    snprintf(line, sizeof line, "cd %s && %s", fixture->folder, command);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    size_t size;
    uint8_t bytes[4096];
    while ((size = fread(bytes, 1, sizeof bytes, pipe)) > 0)
        buf_append_bytes(out, bytes, size);
    assert_int_equal(pclose(pipe), 0);
}

/* Where text stands; it must. */
static const char *stands(const char *where, const char *text)
{
    const char *place = strstr(where, text);
    if (place == NULL)
        fail_msg("no \"%s\" in: %s", text, where);
    return place;
}

static void assert_seen_by_openssl(struct fixture *fixture, const char *key_id)
{
    _cleanup_buf_ struct buf verified, text, signer, upper;
    run(fixture,
        "openssl x509 -inform der -in health.der -out health.pem && "
        "openssl x509 -inform der -in signer.der -out signer.pem && "
        "openssl verify -x509_strict -check_ss_sig -CAfile signer.pem health.pem",
        &verified);
    stands(buf_text(&verified), "health.pem: OK");
    run(fixture, "openssl x509 -in signer.pem -noout -text", &signer);
    stands(buf_text(&signer), "CN = HGS Attestation Signer n1");
    stands(buf_text(&signer), "Public-Key: (2048 bit)");
    stands(buf_text(&signer), "CA:TRUE");
    stands(buf_text(&signer), "Certificate Sign");
    run(fixture, "openssl x509 -in health.pem -noout -text", &text);
    const char *place = stands(buf_text(&text), "Version: 3");
    place = stands(place, "sha256WithRSAEncryption");
    place = stands(place, "Issuer: CN = HGS Attestation Signer n1");
    place = stands(place, "X509v3 Key Usage: critical");
    place = stands(place, "Key Encipherment\n");
    place = stands(place, "1.3.6.1.4.1.311.21.10");
    place = stands(place, "X509v3 Subject Key Identifier");
    place = stands(place, "X509v3 Authority Key Identifier");
    place = stands(place, "keyid:");
    place = stands(place, "DirName:/CN=HGS Attestation Signer n1");
    stands(place, "serial:");
    assert_null(strstr(buf_text(&text), "Basic Constraints"));
    assert_null(strstr(buf_text(&text), "Extended Key Usage"));
    buf_init(&upper, 256);
    buf_append_text(&upper, "Subject: CN = ");
    for (const char *c = key_id; *c != '\0'; c++)
        buf_append_u8(&upper, (uint8_t)(*c >= 'a' ? *c - 'a' + 'A' : *c));
    stands(buf_text(&text), buf_text(&upper));
}

static void assert_in_trail(const struct certificate *health, const struct certificate *signer,
                            const char *key_id)
{
    const struct certificate_facts *facts = certificate_facts(health);
    char time[CLOCK_TEXT_SIZE], thumbprint[65];
    assert_string_equal(trail.event, "attestation.passed");
    assert_string_equal(trail_text("host"), "rsa");
    assert_string_equal(trail_text("key_id"), key_id);
    assert_string_equal(trail_text("peer"), "192.0.2.1");
    hex_format(slice_of(facts->thumbprint, 32), thumbprint);
    assert_string_equal(trail_text("certificate"), thumbprint);
    assert_string_equal(trail_text("not_after"), clock_format(facts->not_after, time));
    hex_format(slice_of(certificate_facts(signer)->thumbprint, 32), thumbprint);
    assert_string_equal(trail_text("signer"), thumbprint);
}

/* protocol.md 2.4, seen by openssl's command line: it verifies, and the profile in its order. */
static void test_certificate(void **state)
{
    struct fixture *fixture = *state;
    struct listed listed;
    struct attestation_reply reply;
    struct certificate *health = NULL;
    const char *key_id;
    initialise(fixture);
    assert_ok(json_get_text(&key_id, json_get(fixture->vectors, "rsa-pkcs1"), "key_id", err));
    get_listed(fixture, &listed);
    assert_int_equal(listed.count, 1);
    ask(fixture, &reply, ATTESTATION_DOOR_HOST_KEY,
        slice_from_text(request_of(fixture, "rsa-pkcs1")));
    assert_int_equal(reply.type, ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    assert_int_equal(reply.certificate_count, 1);
    assert_int_equal(reply.certificates[0].result, ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE);
    write_file(fixture, "health.der", reply.certificates[0].der);
    write_file(fixture, "signer.der", certificate_der(listed.items[0]));
    assert_seen_by_openssl(fixture, key_id);
    assert_ok(certificate_parse(&health, reply.certificates[0].der, err));
    const struct certificate_facts *facts = certificate_facts(health);
    assert_in_range(clock_now(&fixture->clock) + 28800 - facts->not_after, 0, 60);
    assert_in_range(facts->not_after - facts->not_before, 28800, 29100);
    assert_true(facts->has_health_policy);
    assert_in_trail(health, listed.items[0], key_id);
    certificate_free(&health);
    attestation_reply_done(&reply);
    free_listed(&listed);
}

static void test_passes(void **state)
{
    struct fixture *fixture = *state;
    static const char *const vectors[] = {"rsa-pkcs1", "rsa-pss", "rsa-certificate",
                                          "rsa-blob",  "p256",    "p384"};
    initialise(fixture);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        assert_int_equal(type_of(fixture, vectors[i]), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

static void test_refusals(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *vector;
        enum attestation_reply_type type;
        const char *code;
    } cases[] = {
        {"rsa-pkcs1-sha1", ATTESTATION_REPLY_UNAUTHORIZED_ERROR, "attestation.signature-wrong"},
        {"weak-host", ATTESTATION_REPLY_UNAUTHORIZED_ERROR, "attestation.host-key"},
        {"p521-host", ATTESTATION_REPLY_UNAUTHORIZED_ERROR, "attestation.host-key"},
        {"garbage-host", ATTESTATION_REPLY_PAYLOAD_ERROR, "attestation.payload-malformed"},
        {"trailing-host", ATTESTATION_REPLY_PAYLOAD_ERROR, "attestation.payload-malformed"},
        {"weak-identity", ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR, "attestation.identity-key"},
        {"ec-identity", ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR, "attestation.identity-key"},
        {"garbage-identity", ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR,
         "attestation.identity-key"},
        {"wants-signing", ATTESTATION_REPLY_PAYLOAD_ERROR, "attestation.content-refused"},
        {"wants-both", ATTESTATION_REPLY_PAYLOAD_ERROR, "attestation.content-refused"},
        {"wants-ca", ATTESTATION_REPLY_PAYLOAD_ERROR, "attestation.content-refused"},
    };
    initialise(fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(type_of(fixture, cases[i].vector), cases[i].type);
        assert_string_equal(trail.event, "attestation.failed");
        assert_string_equal(trail_text("code"), cases[i].code);
        assert_string_equal(trail_text("peer"), "192.0.2.1");
        assert_string_not_equal(trail_text("reason"), "");
    }
    assert_int_equal(trail.count, sizeof cases / sizeof cases[0]);

    /* a host that is taken from the list, and one whose key is replaced */
    const char *key_id;
    assert_ok(json_get_text(&key_id, json_get(fixture->vectors, "p256"), "key_id", err));
    change(fixture, STORE_HOST, "p256", NULL);
    assert_int_equal(type_of(fixture, "p256"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
    assert_string_equal(trail_text("code"), "attestation.host-unknown");
    assert_string_equal(trail_text("key_id"), key_id);
    register_host(fixture, "rsa", "p256");
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
    assert_int_equal(type_of(fixture, "p256"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

static void test_truncated_everywhere(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    const char *request = request_of(fixture, "rsa-pkcs1");
    for (size_t size = 0; size < strlen(request); size++) {
        struct attestation_reply reply;
        ask(fixture, &reply, ATTESTATION_DOOR_HOST_KEY, slice_of(request, size));
        assert_int_equal(reply.type, ATTESTATION_REPLY_PAYLOAD_ERROR);
        assert_false(reply.retryable);
        attestation_reply_done(&reply);
    }
}

/* Every mode at every door. */
static void test_doors(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *service;
        enum attestation_mode mode;
        enum attestation_door own;
    } modes[] = {
        {"{\"mode\":\"tpm\"}", ATTESTATION_MODE_TPM, ATTESTATION_DOOR_TPM},
        {"{\"mode\":\"ad\"}", ATTESTATION_MODE_AD, ATTESTATION_DOOR_AD},
        {"{\"mode\":\"hostkey\"}", ATTESTATION_MODE_HOST_KEY, ATTESTATION_DOOR_HOST_KEY},
    };
    initialise(fixture);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        change(fixture, STORE_SETTING, "service", modes[i].service);
        assert_int_equal(attestation_current_mode(fixture->service), modes[i].mode);
        for (int door = ATTESTATION_DOOR_TPM; door <= ATTESTATION_DOOR_HOST_KEY; door++) {
            struct attestation_reply reply;
            ask(fixture, &reply, (enum attestation_door)door,
                slice_from_text(request_of(fixture, "rsa-pkcs1")));
            if (door != (int)modes[i].own) {
                assert_int_equal(reply.type, ATTESTATION_REPLY_OPERATION_MODE_ERROR);
                assert_int_equal(reply.mode, modes[i].mode);
                assert_true(reply.retryable);
                assert_string_equal(trail_text("code"), "attestation.mode-wrong");
            } else if (modes[i].mode == ATTESTATION_MODE_TPM) { /* "not valid for TPM mode" */
                assert_int_equal(reply.type, ATTESTATION_REPLY_PAYLOAD_ERROR);
                assert_string_equal(trail_text("code"), "attestation.content-refused");
            } else if (modes[i].mode == ATTESTATION_MODE_AD) {
                assert_int_equal(reply.type, ATTESTATION_REPLY_UNAVAILABLE_ERROR);
                assert_string_equal(trail_text("code"), "attestation.mode-unsupported");
            } else {
                assert_int_equal(reply.type, ATTESTATION_REPLY_HEALTH_CERTIFICATE);
            }
            attestation_reply_done(&reply);
        }
    }
}

static void test_keyholder_away(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    kill_keyholder(fixture);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail_text("code"), "attestation.signer-failed");
    start_keyholder(fixture); /* which knows no key */
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);

    /* nor can a signer be made without one */
    kill_keyholder(fixture);
    struct error err = {0};
    assert_false(attestation_signer_renew(fixture->service, &err));
    assert_int_equal(error_kind(&err), ERROR_UNAVAILABLE);
}

static void test_unaudited(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    trail.refuses = true;
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_int_equal(type_of(fixture, "weak-host"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
    trail.refuses = false;
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

/* A body that nobody looked at. */
static void test_refused_payload(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buf_ struct buf out, payload;
    testing_vector(&payload, "MS-HGSA_2.2.2.15_payload_error.json");
    buf_init(&out, VECTOR_MAX);
    initialise(fixture);
    attestation_refuse_payload(fixture->service, ATTESTATION_DOOR_HOST_KEY, "192.0.2.1",
                               "its Content-Type is not JSON's", &out);
    assert_string_equal(buf_text(&out), buf_text(&payload));
    assert_string_equal(trail.event, "attestation.failed");
    assert_string_equal(trail_text("code"), "attestation.payload-malformed");
    assert_string_equal(trail_text("reason"), "its Content-Type is not JSON's");
    assert_string_equal(trail_text("peer"), "192.0.2.1");
    /* The door comes first: it tells a host where to go. */
    buf_reset(&out);
    attestation_refuse_payload(fixture->service, ATTESTATION_DOOR_TPM, "192.0.2.1", "whatever",
                               &out);
    assert_non_null(strstr(buf_text(&out), "\"OperationModeErrorReply:"));
    assert_string_equal(trail_text("code"), "attestation.mode-wrong");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_certificate), FIXTURE_TEST(test_passes),
        FIXTURE_TEST(test_refusals),    FIXTURE_TEST(test_truncated_everywhere),
        FIXTURE_TEST(test_doors),       FIXTURE_TEST(test_keyholder_away),
        FIXTURE_TEST(test_unaudited),   FIXTURE_TEST(test_refused_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
