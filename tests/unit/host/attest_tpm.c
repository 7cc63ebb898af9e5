/* SPDX-License-Identifier: Apache-2.0 */
#include "host/attest_tpm.h"

/* The real service behind HTTP, and a host with a software TPM that holds a made boot. Where a test
 * wants it, something else than the service answers. */

#include "tpm_fixture.h"

#include "../attestation/tpm_fixture.h"
#include "crypto/pem.h"
#include "host/attest.h"
#include "host/platform.h"
#include "http/server.h"
#include "tpm/command.h"

static struct fixture *fixture;
static struct http_server *server;
static struct host_config config;
static struct clock clock_of_host;
static char base[64], log_path[128], state_path[128];

/* What answers at the attestation door instead of the service; NULL: the service. */
static void (*stranger)(struct attestation_reply *reply, struct buf *context);

/* Before so many requests that go on with an exchange, an administrator changes policies. */
static unsigned changes, asked_at_door;

/* What the record is does not matter: the policies are others then. */
static void change_policies(void)
{
    static unsigned number;
    char name[32];
    snprintf(name, sizeof name, "policy%u", number++);
    changes--;
    change(fixture, STORE_POLICY, name, "{}");
}

static size_t limit(void *context, const struct http_request *request)
{
    (void)context;
    (void)request;
    return ATTESTATION_BODY_MAX;
}

static void answer_as_stranger(struct buf *out)
{
    struct attestation_reply reply = {.type = ATTESTATION_REPLY_TPM_CONTINUE};
    _cleanup_buf_ struct buf context;
    buf_init(&context, RTPM_CONTEXT_MAX);
    stranger(&reply, &context);
    if (reply.type == ATTESTATION_REPLY_TPM_CONTINUE)
        reply.context = buf_slice(&context);
    attestation_reply_format(out, &reply);
}

static void handle(void *context, struct http_request *request)
{
    struct buf out;
    const char *path = http_request_path(request);
    struct slice body = http_request_body(request);
    bool is_attestation = strstr(path, "/attest") != NULL && stranger == NULL;
    (void)context;
    buf_init(&out, ATTESTATION_REPLY_MAX);
    asked_at_door += is_attestation;
    if (is_attestation && asked_at_door % 2 == 0 && changes > 0)
        change_policies();
    if (strstr(path, "getinfo") != NULL)
        attestation_get_info(fixture->service, &out);
    else if (stranger != NULL)
        answer_as_stranger(&out);
    else if (strstr(path, "evaluate") != NULL)
        attestation_evaluate(fixture->service, 2, body, "192.0.2.1", &out);
    else
        attestation_attest(fixture->service, ATTESTATION_DOOR_TPM, 2, body, "192.0.2.1", NULL,
                           &out);
    http_reply(request, 200, "application/json", &out, NULL, NULL);
}

/* The software TPM's makers become the administrator's. */
static void trust_makers(void)
{
    static const char *const files[] = {"ca/issuer.pem", "ca/swtpm-localca-rootca-cert.pem"};
    for (size_t i = 0; i < 2; i++) {
        struct buf pem, der;
        buf_init(&der, CERTIFICATE_SIZE_MAX);
        assert_true(pem_find(&der, software_tpm_file(&pem, &tpm, files[i]), "CERTIFICATE"));
        add_root(fixture, buf_slice(&der), i == 0);
        buf_done(&pem);
        buf_done(&der);
    }
}

static void register_this_host(void)
{
    struct attestation_host record;
    struct attestation_registration registration = {.profile = EVENTLOG_PROFILE_LINUX,
                                                    .version = POLICY_VERSION_2};
    _cleanup_host_tpm_endorsement_ struct host_tpm_endorsement endorsement = {0};
    _cleanup_platform_identifier_ struct platform_identifier identifier = {0};
    _cleanup_tpm_trust_ struct tpm_trust *trust = attestation_trust(fixture->service);
    _cleanup_buf_ struct buf file, value;
    buf_init(&file, VECTOR_MAX);
    buf_init(&value, VECTOR_MAX);
    assert_ok(host_tpm_endorsement_find(&endorsement, device, "auto", err));
    assert_ok(host_platform_read(&identifier, &endorsement, "node", err));
    platform_identifier_format(&file, &identifier);
    assert_ok(attestation_host_init_tpm(&record, "node", buf_slice(&file), &registration, trust,
                                        clock_now(&fixture->clock), "root", err));
    attestation_host_format(&value, &record);
    change(fixture, STORE_HOST, "node", buf_text(&value));
    attestation_host_done(&record);
}

static void configure(void)
{
    char conf[128];
    snprintf(conf, sizeof conf, "%s/host.conf", tpm.folder);
    snprintf(state_path, sizeof state_path, "%s/state-of-host", tpm.folder);
    assert_ok(host_config_load(&config, conf, state_path, err));
    host_config_set(&config.attestation_url, base);
    host_config_set(&config.key_protection_url, base);
    host_config_set(&config.moved_tcti, tcti);
    host_config_set(&config.moved_bios_log, log_path);
    host_config_set(&config.moved_ima_log, "/dev/null");
}

static int set_up(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", NULL};
    static const enum digest_algorithm bank[] = {DIGEST_SHA256};
    struct host reference;
    _cleanup_log_builder_ struct log_builder builder;
    struct log_linux linux_boot;
    fixture_set_up(state);
    fixture = *state;
    stranger = NULL;
    changes = asked_at_door = 0;
    tpm_set_up(state);
    initialise_tpm(fixture);
    host_init(&reference, SIMULATED_RSA_2048, EVENTLOG_PROFILE_LINUX);
    add_baseline(fixture, "baseline", &reference);
    host_done(&reference);
    log_builder_init(&builder, bank, 1);
    log_linux_init(&linux_boot);
    log_linux_build(&builder, &linux_boot);
    tpm_measure(log_builder_slice(&builder));
    snprintf(log_path, sizeof log_path, "%s/bios.bin", tpm.folder);
    assert_ok(file_create(log_path, log_builder_slice(&builder), 0600, err));
    trust_makers();
    struct http_server_options options = {
        .http_addresses = addresses, .limit = limit, .handle = handle};
    assert_ok(http_server_start(&server, &options, err));
    snprintf(base, sizeof base, "http://127.0.0.1:%u/Attestation", http_server_port(server, 0));
    configure();
    return 0;
}

/* The host opens the TPM itself. */
static void let_go(void)
{
    host_tpm_device_close(&device);
}

static int tear_down(void **state)
{
    http_server_stop(&server, 1000);
    host_config_done(&config);
    tpm_tear_down(state);
    *state = fixture;
    return fixture_tear_down(state);
}

static const struct host_attest_options *options(void)
{
    static struct host_attest_options made;
    clock_init(&clock_of_host);
    made = (struct host_attest_options){&config, &clock_of_host, false};
    return &made;
}

/* Attests, is refused with this code, and leaves nothing behind. */
static void assert_ends(const struct error_code *code, enum host_status status)
{
    _cleanup_host_identity_ struct host_identity identity = {0};
    struct host_status_record record;
    struct error err = {0};
    let_go();
    assert_false(host_attest(&identity, &record, options(), &err));
    take_tpm();
    if (err.code != code)
        fail_msg("%s: %s; wanted %s", err.code->name, err.message, code->name);
    assert_int_equal(record.status, status);
    assert_int_equal(record.mode, ATTESTATION_MODE_TPM);
    assert_empty();
}

static void passes_and_keeps_a_key_of_its_tpm(void **state)
{
    (void)state;
    _cleanup_host_identity_ struct host_identity identity = {0}, kept = {0};
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    _cleanup_buf_ struct buf ciphertext;
    struct host_status_record record;
    struct error lost = {0};
    bool cached = false;
    buf_init(&ciphertext, 1024);
    register_this_host();
    let_go();
    assert_ok(host_attest(&identity, &record, options(), err));
    assert_int_equal(record.status, HOST_STATUS_PASSED);
    assert_null(identity.key);
    assert_ok(public_key_encrypt(&ciphertext, certificate_key(identity.certificate),
                                 ENCRYPTION_RSA_OAEP_SHA256, slice_from_text("key"), err));
    assert_ok(host_identity_decrypt(&plain, &identity, tcti, ENCRYPTION_RSA_OAEP_SHA256,
                                    buf_slice(&ciphertext), err));
    assert_true(slice_equals_text(secret_slice(&plain), "key"));
    assert_ok(host_attest_if_needed(&kept, &cached, &lost, options(), err));
    assert_true(cached);
    assert_null(lost.code);
    take_tpm();
    assert_empty();
}

/* A machine that starts while an administrator works unlocks its disk all the same. */
static void begins_anew_when_policies_change(void **state)
{
    (void)state;
    _cleanup_host_identity_ struct host_identity identity = {0};
    struct host_status_record record;
    register_this_host();
    changes = 2;
    let_go();
    assert_ok(host_attest(&identity, &record, options(), err));
    take_tpm();
    assert_int_equal(record.status, HOST_STATUS_PASSED);
    assert_int_equal(asked_at_door, 2 + 2 + 3);
    assert_empty();
    asked_at_door = 0;
    changes = 3; /* but not for ever */
    assert_ends(&host_tpm, HOST_STATUS_TPM_ERROR);
    assert_int_equal(asked_at_door, 2 + 2 + 2);
}

/* After a PCR has changed the host attests anew, and here is refused: its log no longer fits. */
static void loses_its_key_with_its_measurements(void **state)
{
    (void)state;
    _cleanup_host_identity_ struct host_identity identity = {0}, kept = {0};
    struct host_status_record record;
    struct error lost = {0};
    bool cached = false;
    register_this_host();
    let_go();
    assert_ok(host_attest(&identity, &record, options(), err));
    take_tpm();
    tpm_extend(7);
    let_go();
    assert_refused(host_attest_if_needed(&kept, &cached, &lost, options(), err), host_insecure);
    take_tpm();
    assert_ptr_equal(lost.code, &host_tpm_key_locked);
    host_status_load(&record, state_path);
    assert_string_equal(record.substatus, "TcgLogVerification");
    assert_empty();
}

static void is_told_what_would_be(void **state)
{
    (void)state;
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    register_this_host();
    let_go();
    assert_ok(host_attest_what_if(&reply, options(), err));
    take_tpm();
    assert_true(reply.passed);
    assert_true(reply.policy_count > 3);
    assert_int_not_equal(access(state_path, F_OK), 0); /* nothing was kept */
    assert_empty();
}

static void is_unknown_before_it_is_registered(void **state)
{
    (void)state;
    assert_ends(&host_unauthorized, HOST_STATUS_UNAUTHORIZED_HOST);
}

static void needs_its_log(void **state)
{
    (void)state;
    register_this_host();
    assert_int_equal(unlink(log_path), 0);
    assert_ends(&host_log_unreadable, HOST_STATUS_TPM_ERROR);
}

static void needs_its_tpm(void **state)
{
    (void)state;
    host_config_set(&config.moved_tcti, "device:/nonexistent");
    assert_ends(&host_tpm_missing, HOST_STATUS_TPM_ERROR);
}

/* TPM2_Clear under the lockout hierarchy: the owner's keys would be gone. */
static void ask_to_clear(struct attestation_reply *reply, struct buf *context)
{
    static const uint8_t clear[] = {0x80, 0x02, 0, 0, 0,    27, 0, 0, 0x01, 0x26, 0x40, 0, 0, 0x0A,
                                    0,    0,    0, 9, 0x40, 0,  0, 9, 0,    0,    0,    0, 0};
    struct rtpm_context asked = {.commands = {slice_of(clear, sizeof clear)}, .command_count = 1};
    (void)reply;
    rtpm_context_format(context, &asked);
}

static void ask_for_nothing(struct attestation_reply *reply, struct buf *context)
{
    struct rtpm_context asked = {0};
    (void)reply;
    rtpm_context_format(context, &asked);
}

static void talk_nonsense(struct attestation_reply *reply, struct buf *context)
{
    (void)reply;
    buf_append_text(context, "this is no context");
}

/* What the TPM refuses: there is nothing to flush there. */
static void ask_for_the_impossible(struct attestation_reply *reply, struct buf *context)
{
    _cleanup_buf_ struct buf command;
    (void)reply;
    buf_init(&command, 4096);
    tpm_command_flush_context(&command, 0x80FFFFFF);
    struct rtpm_context asked = {.commands = {buf_slice(&command)}, .command_count = 1};
    rtpm_context_format(context, &asked);
}

/* A certificate without an exchange. */
static void pass_at_once(struct attestation_reply *reply, struct buf *context)
{
    static const uint8_t der[] = {0x30, 0x00};
    (void)context;
    reply->type = ATTESTATION_REPLY_HEALTH_CERTIFICATE;
    reply->certificates[0] = (struct attestation_certificate){
        ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE, slice_of(der, sizeof der)};
    reply->certificate_count = 1;
}

static void serves_no_stranger(void **state)
{
    (void)state;
    stranger = ask_to_clear;
    assert_ends(&host_tpm_command, HOST_STATUS_TPM_ERROR);
    stranger = ask_for_nothing;
    assert_ends(&host_reply, HOST_STATUS_TRANSIENT_ERROR);
    stranger = talk_nonsense;
    assert_ends(&host_reply, HOST_STATUS_TRANSIENT_ERROR);
    stranger = ask_for_the_impossible;
    assert_ends(&host_tpm_failed, HOST_STATUS_TPM_ERROR);
    stranger = pass_at_once;
    assert_ends(&host_tpm_command, HOST_STATUS_TPM_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(passes_and_keeps_a_key_of_its_tpm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(begins_anew_when_policies_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loses_its_key_with_its_measurements, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_told_what_would_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_unknown_before_it_is_registered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_its_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_its_tpm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(serves_no_stranger, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
