/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "crypto/cms.h"

#include <stdatomic.h>

#define DAY INT64_C(86400)

/* The certificates of signingCertificates in their order; how many. */
struct listed {
    struct certificate *items[16];
    size_t count;
};

static bool take_listed(void *context, struct slice der, struct error *err)
{
    struct listed *listed = context;
    assert_true(listed->count < 16);
    return certificate_parse(&listed->items[listed->count++], der, err);
}

static void get_listed(struct fixture *fixture, struct listed *listed)
{
    _cleanup_buf_ struct buf text, der;
    buf_init(&text, VECTOR_MAX);
    buf_init(&der, VECTOR_MAX);
    *listed = (struct listed){0};
    attestation_signing_certificates(fixture->service, &text);
    assert_true(text.size < 8192); /* JDBC reads what came at once */
    for (size_t i = 0; i < text.size; i++)
        assert_non_null(strchr("0123456789,[]", text.data[i]));
    assert_ok(attestation_reply_parse_signing_certificates(&der, buf_slice(&text), err));
    assert_ok(cms_parse_certificates(buf_slice(&der), take_listed, listed, err));
}

static void free_listed(struct listed *listed)
{
    for (size_t i = 0; i < listed->count; i++)
        certificate_free(&listed->items[i]);
}

static void assert_info(struct fixture *fixture, const char *expected)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, VECTOR_MAX);
    attestation_get_info(fixture->service, &out);
    assert_string_equal(buf_text(&out), expected);
}

static void test_not_initialised(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buf_ struct buf out;
    buf_init(&out, VECTOR_MAX);
    assert_int_equal(attestation_current_mode(fixture->service), ATTESTATION_MODE_UNKNOWN);
    assert_info(fixture, "{\"__type\":\"ServiceInfoReply:#Microsoft.Windows.RemoteAttestation."
                         "Core\",\"FunctionalLevel\":2,\"OperationMode\":0,"
                         "\"SupportedFunctionalLevels\":[1,2]}");
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail.event, "attestation.failed");
    assert_string_equal(trail_text("code"), "attestation.not-initialized");
    struct attestation_reply reply;
    attestation_signing_certificates(fixture->service, &out);
    assert_ok(attestation_reply_parse(&reply, buf_slice(&out), err));
    assert_int_equal(reply.type, ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_true(reply.retryable);
    assert_true(tick(fixture) > clock_now(&fixture->clock));
    assert_refused(attestation_signer_renew(fixture->service, err), &attestation_not_initialized);
    int64_t count;
    assert_ok(store_count(fixture->store, STORE_ATTESTATION_SIGNER, &count, err));
    assert_int_equal(count, 0);
}

static void test_info(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buf_ struct buf expected;
    testing_vector(&expected, "MS-HGSA_2.2.2.10_service_info.json");
    initialise(fixture);
    assert_info(fixture, buf_text(&expected));
    assert_int_equal(attestation_host_count(fixture->service), 3);
}

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

/* protocol.md 2.4, seen by openssl's command line: it verifies, and the profile in its order. */
static void test_certificate(void **state)
{
    struct fixture *fixture = *state;
    struct listed listed;
    struct attestation_reply reply;
    _cleanup_buf_ struct buf verified, text, signer, upper;
    initialise(fixture);
    get_listed(fixture, &listed);
    assert_int_equal(listed.count, 1);
    ask(fixture, &reply, ATTESTATION_DOOR_HOST_KEY,
        slice_from_text(request_of(fixture, "rsa-pkcs1")));
    assert_int_equal(reply.type, ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    assert_int_equal(reply.certificate_count, 1);
    assert_int_equal(reply.certificates[0].result, ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE);
    write_file(fixture, "health.der", reply.certificates[0].der);
    write_file(fixture, "signer.der", certificate_der(listed.items[0]));
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

    const char *key_id;
    assert_ok(json_get_text(&key_id, json_get(fixture->vectors, "rsa-pkcs1"), "key_id", err));
    buf_init(&upper, 256);
    buf_append_text(&upper, "Subject: CN = ");
    for (const char *c = key_id; *c != '\0'; c++)
        buf_append_u8(&upper, (uint8_t)(*c >= 'a' ? *c - 'a' + 'A' : *c));
    stands(buf_text(&text), buf_text(&upper));

    /* and the trail says the same */
    struct certificate *health = NULL;
    assert_ok(certificate_parse(&health, reply.certificates[0].der, err));
    const struct certificate_facts *facts = certificate_facts(health);
    char time[CLOCK_TEXT_SIZE], thumbprint[65];
    int64_t now = clock_now(&fixture->clock);
    assert_in_range(now + 28800 - facts->not_after, 0, 60);
    assert_in_range(facts->not_after - facts->not_before, 28800, 29100);
    assert_true(facts->has_health_policy);
    for (size_t i = 0; i < 32; i++)
        snprintf(thumbprint + 2 * i, 3, "%02x", facts->thumbprint[i]);
    assert_string_equal(trail.event, "attestation.passed");
    assert_string_equal(trail_text("host"), "rsa");
    assert_string_equal(trail_text("key_id"), key_id);
    assert_string_equal(trail_text("peer"), "192.0.2.1");
    assert_string_equal(trail_text("certificate"), thumbprint);
    assert_string_equal(trail_text("not_after"), clock_format(facts->not_after, time));
    for (size_t i = 0; i < 32; i++)
        snprintf(thumbprint + 2 * i, 3, "%02x", certificate_facts(listed.items[0])->thumbprint[i]);
    assert_string_equal(trail_text("signer"), thumbprint);
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

static void test_no_signer(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    fixture->clock.offset += 31 * DAY;
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail_text("code"), "attestation.no-signer");
    tick(fixture);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

static void test_unprotected_signing_keys(void **state)
{
    struct fixture *fixture = *state;
    struct listed listed;
    struct attestation_reply reply;
    struct certificate *certificates[2] = {0};
    initialise(fixture);
    change(fixture, STORE_SETTING, "attestation", "{\"allow_unprotected_signing_keys\":true}");
    assert_int_equal(type_of(fixture, "wants-signing"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail_text("code"), "attestation.no-signer");
    tick(fixture);
    get_listed(fixture, &listed);
    assert_int_equal(listed.count, 2);
    ask(fixture, &reply, ATTESTATION_DOOR_HOST_KEY,
        slice_from_text(request_of(fixture, "wants-both")));
    assert_int_equal(reply.type, ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    assert_int_equal(reply.certificate_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_ok(certificate_parse(&certificates[i], reply.certificates[i].der, err));
    assert_int_equal(certificate_facts(certificates[0])->usage, CERTIFICATE_KEY_ENCIPHERMENT);
    assert_int_equal(certificate_facts(certificates[1])->usage, CERTIFICATE_DIGITAL_SIGNATURE);
    /* each by a signer of its own; the health certificate's stands first */
    assert_ok(certificate_verify_issued(certificates[0], listed.items[0], err));
    assert_ok(certificate_verify_issued(certificates[1], listed.items[1], err));
    assert_false(certificate_verify_issued(certificates[1], listed.items[0], NULL));
    for (size_t i = 0; i < 2; i++)
        certificate_free(&certificates[i]);
    attestation_reply_done(&reply);
    free_listed(&listed);

    change(fixture, STORE_SETTING, "attestation", NULL);
    get_listed(fixture, &listed); /* at once */
    assert_int_equal(listed.count, 1);
    free_listed(&listed);
    assert_int_equal(type_of(fixture, "wants-signing"), ATTESTATION_REPLY_PAYLOAD_ERROR);
    tick(fixture);
    int64_t count;
    assert_ok(store_count(fixture->store, STORE_ATTESTATION_SIGNER, &count, err));
    assert_int_equal(count, 1);
}

static void test_damaged_records(void **state)
{
    struct fixture *fixture = *state;
    struct error problem;
    initialise(fixture);
    assert_false(attestation_problem(fixture->service, &problem));
    change(fixture, STORE_HOST, "p256", "{}");
    assert_true(attestation_problem(fixture->service, &problem));
    assert_ptr_equal(problem.code, &base_json_malformed);
    assert_int_equal(type_of(fixture, "p256"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
    change(fixture, STORE_SETTING, "attestation", "{\"health_certificate_seconds\":1}");
    assert_true(attestation_problem(fixture->service, &problem));
    assert_ptr_equal(problem.code, &attestation_settings_malformed);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    change(fixture, STORE_SETTING, "service", "{\"mode\":\"none\"}");
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    start_service(fixture, "n1"); /* damaged records do not keep it from starting */
    assert_true(attestation_problem(fixture->service, &problem));
    assert_int_equal(attestation_host_count(fixture->service), 2);
}

/* A start finds what was there; lost commits are found by reading again; old ones do not return. */
static void test_reload(void **state)
{
    struct fixture *fixture = *state;
    initialise(fixture);
    start_service(fixture, "n1");
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    struct store_change gone = {
        .kind = STORE_HOST, .key = "rsa", .remove = true, .expected = STORE_ANY};
    assert_ok(store_commit(fixture->store, &gone, 1, NULL, err));
    attestation_apply(fixture->service, NULL, 0);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
    assert_int_equal(attestation_host_count(fixture->service), 2);

    struct attestation_host host;
    _cleanup_buf_ struct buf key, record;
    testing_decode(&key, json_get(fixture->vectors, "rsa-pkcs1"), "host_key");
    assert_ok(attestation_host_init(&host, "rsa", buf_slice(&key), 0, "root", err));
    buf_init(&record, VECTOR_MAX);
    attestation_host_format(&record, &host);
    attestation_host_done(&host);
    struct store_change old = {
        .kind = STORE_HOST, .key = "rsa", .value = buf_slice(&record), .expected = 1};
    attestation_apply(fixture->service, &old, 1);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAUTHORIZED_ERROR);
}

static void test_host_find(void **state)
{
    struct fixture *fixture = *state;
    char name[ATTESTATION_NAME_SIZE];
    uint8_t id[ATTESTATION_HOST_ID_SIZE] = {0};
    initialise(fixture);
    assert_false(attestation_host_find(fixture->service, ATTESTATION_MODE_HOST_KEY, id, name));
    struct attestation_host host;
    _cleanup_buf_ struct buf key;
    testing_decode(&key, json_get(fixture->vectors, "p384"), "host_key");
    assert_ok(attestation_host_init(&host, "x", buf_slice(&key), 0, "root", err));
    assert_true(
        attestation_host_find(fixture->service, ATTESTATION_MODE_HOST_KEY, host.key_id, name));
    assert_string_equal(name, "p384");
    attestation_host_done(&host);
}

static void note_by(struct fixture *fixture, const char *request, int64_t offset)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, VECTOR_MAX);
    attestation_attest(fixture->service, ATTESTATION_DOOR_HOST_KEY, 2, slice_from_text(request),
                       "192.0.2.1", &offset, &out);
}

/* Only what proved who it is has a clock here. */
static void test_host_clocks(void **state)
{
    struct fixture *fixture = *state;
    struct attestation_host_clock clock;
    struct attestation_host_clocks *clocks = attestation_clocks_of_hosts(fixture->service);
    int64_t bound, tolerance;
    initialise(fixture);
    note_by(fixture, "{}", 7200); /* refused */
    assert_false(attestation_host_clocks_find(clocks, "rsa", &clock));
    note_by(fixture, request_of(fixture, "rsa-pkcs1"), 3600);
    assert_true(attestation_host_clocks_find(clocks, "rsa", &clock));
    assert_int_equal(clock.offset, 3600);
    assert_int_equal(attestation_host_clocks_off(clocks), 1);
    attestation_host_clock_note(fixture->service, "p256", -7200);
    assert_int_equal(attestation_host_clocks_off(clocks), 2);
    assert_true(attestation_host_clocks_find(clocks, "p256", &clock));
    change(fixture, STORE_HOST, "p256", NULL);
    assert_false(attestation_host_clocks_find(clocks, "p256", &clock));
    change(fixture, STORE_SETTING, "attestation",
           "{\"clock_tolerance_seconds\":60,\"clock_warning_seconds\":900}");
    attestation_clock_settings(fixture->service, &bound, &tolerance);
    assert_int_equal(bound, 900);
    assert_int_equal(tolerance, 60);
}

/* The clock was set back to before a time that certificates are denied for: nothing is issued that
 * would not count, and that is said. */
static void test_denied_ahead(void **state)
{
    struct fixture *fixture = *state;
    char value[64], thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE];
    struct error why = {0};
    initialise(fixture);
    snprintf(value, sizeof value, "{\"deny_before\":%lld}", (long long)clock_now(&fixture->clock));
    change(fixture, STORE_TRUSTED_SIGNER, ATTESTATION_SIGNERS_ALL, value);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    fixture->clock.offset -= 3600;
    tick(fixture);
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    assert_string_equal(trail_text("code"), "attestation.deny-ahead");
    assert_false(attestation_signer_test(fixture->service, thumbprint, &why));
    assert_string_equal(why.code->name, "attestation.deny-ahead");
    fixture->clock.offset += 3600;
    assert_int_equal(type_of(fixture, "rsa-pkcs1"), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
}

/* The test of the signer's key, as server test has it. */
static void test_signer_test(void **state)
{
    struct fixture *fixture = *state;
    struct error why = {0};
    char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE];
    assert_false(attestation_signer_test(fixture->service, thumbprint, &why));
    assert_string_equal(why.code->name, "attestation.no-signer");
    initialise(fixture);
    assert_ok(attestation_signer_test(fixture->service, thumbprint, err));
    assert_int_equal(strlen(thumbprint), 64);
    kill_keyholder(fixture);
    assert_false(attestation_signer_test(fixture->service, thumbprint, &why));
    assert_string_equal(why.code->name, "attestation.signer-failed");
}

struct attesting {
    struct fixture *fixture;
    atomic_uint passed, refused;
};

static void *attest_often(void *context)
{
    struct attesting *attesting = context;
    const char *request = request_of(attesting->fixture, "p256");
    for (int i = 0; i < 40; i++) {
        _cleanup_buf_ struct buf out;
        buf_init(&out, VECTOR_MAX);
        attestation_attest(attesting->fixture->service, ATTESTATION_DOOR_HOST_KEY, 2,
                           slice_from_text(request), "192.0.2.1", NULL, &out);
        bool passed = strstr(buf_text(&out), "HealthCertificateReply") != NULL;
        atomic_fetch_add(passed ? &attesting->passed : &attesting->refused, 1);
    }
    return NULL;
}

/* Workers, while everything they read is replaced under them again and again. */
static void test_workers(void **state)
{
    struct fixture *fixture = *state;
    struct attesting attesting = {.fixture = fixture};
    pthread_t threads[4];
    initialise(fixture);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, attest_often, &attesting), 0);
    for (int i = 0; i < 20; i++) {
        change(fixture, STORE_SETTING, "attestation", "{\"health_certificate_seconds\":3600}");
        register_host(fixture, "other", i % 2 == 0 ? "p384" : "rsa-pkcs1");
        attestation_apply(fixture->service, NULL, 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&attesting.passed), 160);
    assert_int_equal(atomic_load(&attesting.refused), 0);
}

static void test_fixed_replies(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf out, unavailable;
    testing_vector(&unavailable, "MS-HGSA_2.2.2.22_unavailable_error.json");
    buf_init(&out, VECTOR_MAX);
    attestation_unavailable(&out);
    assert_string_equal(buf_text(&out), buf_text(&unavailable));
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

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_not_initialised), WITH_FIXTURE(test_info),
        WITH_FIXTURE(test_certificate),     WITH_FIXTURE(test_passes),
        WITH_FIXTURE(test_refusals),        WITH_FIXTURE(test_truncated_everywhere),
        WITH_FIXTURE(test_doors),           WITH_FIXTURE(test_keyholder_away),
        WITH_FIXTURE(test_unaudited),       WITH_FIXTURE(test_refused_payload),
        WITH_FIXTURE(test_no_signer),       WITH_FIXTURE(test_unprotected_signing_keys),
        WITH_FIXTURE(test_damaged_records), WITH_FIXTURE(test_reload),
        WITH_FIXTURE(test_host_find),       WITH_FIXTURE(test_host_clocks),
        WITH_FIXTURE(test_signer_test),     WITH_FIXTURE(test_denied_ahead),
        WITH_FIXTURE(test_workers),         cmocka_unit_test(test_fixed_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
