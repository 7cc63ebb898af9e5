/* SPDX-License-Identifier: Apache-2.0 */
#include "host/attest.h"

/* Which URL is asked, and what is made of what answers there. */

#include "../folder.h"

#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "host/errors.h"
#include "host/host_key.h"
#include "http/errors.h"
#include "http/server.h"

static struct http_server *server;
static struct host_config config;
static struct clock clock_of_host;
static char folder[FOLDER_SIZE], base[64], dead[64];

/* What the service says: of its mode, and at its door. */
static struct attestation_reply info, verdict;
static unsigned http_status, asked_at_door;
/* So many times it says at its door that it was switched to another mode, before its verdict. */
static unsigned switches;

static size_t limit(void *context, const struct http_request *request)
{
    (void)context;
    (void)request;
    return 1 << 20;
}

static void handle(void *context, struct http_request *request)
{
    struct buf out;
    bool is_info = strstr(http_request_path(request), "/v2.0/getinfo") != NULL;
    (void)context;
    buf_init(&out, 65536);
    const struct attestation_reply switched = {
        .type = ATTESTATION_REPLY_OPERATION_MODE_ERROR, .mode = info.mode, .retryable = true};
    bool is_switched = !is_info && switches > 0;
    if (http_status == 200)
        attestation_reply_format(&out, is_info ? &info : is_switched ? &switched : &verdict);
    asked_at_door += !is_info;
    switches -= is_switched;
    http_reply(request, http_status, "application/json", &out, NULL, NULL);
}

static int set_up(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", NULL};
    struct http_server_options options = {
        .http_addresses = addresses, .limit = limit, .handle = handle};
    struct private_key *key = NULL;
    char conf[FOLDER_SIZE + 16], key_file[FOLDER_SIZE + 16], kept[FOLDER_SIZE + 16];
    (void)state;
    folder_make(folder);
    clock_init(&clock_of_host);
    snprintf(conf, sizeof conf, "%s/host.conf", folder);
    snprintf(key_file, sizeof key_file, "%s/host.key", folder);
    snprintf(kept, sizeof kept, "%s/state", folder);
    assert_ok(http_server_start(&server, &options, err));
    snprintf(base, sizeof base, "http://127.0.0.1:%u/Attestation", http_server_port(server, 0));
    /* Nobody listens at port 1 of this machine. */
    snprintf(dead, sizeof dead, "http://127.0.0.1:1/Attestation");
    assert_ok(host_key_generate(&key, key_file, false, err));
    private_key_free(&key);
    assert_ok(host_config_load(&config, conf, kept, err));
    host_config_set(&config.attestation_url, base);
    host_config_set(&config.key_protection_url, base);
    info = (struct attestation_reply){.type = ATTESTATION_REPLY_SERVICE_INFO,
                                      .mode = ATTESTATION_MODE_HOST_KEY,
                                      .functional_level = 2,
                                      .levels = {1, 2},
                                      .level_count = 2};
    verdict = (struct attestation_reply){.type = ATTESTATION_REPLY_UNAUTHORIZED_ERROR};
    http_status = 200;
    asked_at_door = switches = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_server_stop(&server, 1000);
    host_config_done(&config);
    folder_remove(folder);
    return 0;
}

/* Attests, and fails with this code. */
static void assert_fails(struct host_status_record *record, bool only_fallback,
                         const struct error_code *code)
{
    const struct host_attest_options options = {&config, &clock_of_host, only_fallback};
    _cleanup_host_identity_ struct host_identity identity = {0};
    struct error err = {0};
    assert_false(host_attest(&identity, record, &options, &err));
    if (err.code != code)
        fail_msg("%s: %s; wanted %s", err.code->name, err.message, code->name);
}

static void follows_the_mode_of_the_service(void **state)
{
    (void)state;
    struct host_status_record record;
    assert_fails(&record, false, &host_unauthorized);
    assert_int_equal(record.mode, ATTESTATION_MODE_HOST_KEY);
    assert_int_equal(record.status, HOST_STATUS_UNAUTHORIZED_HOST);
    assert_int_equal(asked_at_door, 1);
    info.mode = ATTESTATION_MODE_AD;
    assert_fails(&record, false, &host_mode);
    assert_int_equal(asked_at_door, 1);
}

static void begins_anew_when_the_mode_was_switched(void **state)
{
    (void)state;
    struct host_status_record record;
    switches = 2;
    assert_fails(&record, false, &host_unauthorized);
    assert_int_equal(asked_at_door, 3);
    switches = 3; /* but not for ever */
    assert_fails(&record, false, &host_mode);
    assert_int_equal(asked_at_door, 6);
    assert_int_equal(record.status, HOST_STATUS_TRANSIENT_ERROR);
    /* a service that is busy is not asked again at once */
    verdict =
        (struct attestation_reply){.type = ATTESTATION_REPLY_UNAVAILABLE_ERROR, .retryable = true};
    assert_fails(&record, false, &host_unavailable);
    assert_int_equal(asked_at_door, 7);
}

static void asks_the_fallback_when_the_first_does_not_answer(void **state)
{
    (void)state;
    struct host_status_record record;
    host_config_set(&config.attestation_url, dead);
    host_config_set(&config.attestation_fallback_url, base);
    assert_fails(&record, false, &host_unauthorized);
    assert_true(record.fallback);
    /* A refusal is final: the other is not asked. */
    host_config_set(&config.attestation_url, base);
    host_config_set(&config.attestation_fallback_url, dead);
    assert_fails(&record, false, &host_unauthorized);
    assert_false(record.fallback);
    /* Trouble is not, and the first one's trouble is what is told. */
    verdict.type = ATTESTATION_REPLY_UNAVAILABLE_ERROR;
    verdict.retryable = true;
    assert_fails(&record, false, &host_unavailable);
    assert_fails(&record, true, &http_unreachable);
    host_config_set(&config.attestation_fallback_url, "");
    assert_fails(&record, true, &host_not_configured);
    assert_int_equal(record.status, HOST_STATUS_NOT_CONFIGURED);
}

static void believes_no_other_service(void **state)
{
    (void)state;
    struct host_status_record record;
    http_status = 404;
    assert_fails(&record, false, &host_reply);
    http_status = 200;
    info.type = ATTESTATION_REPLY_ERROR;
    assert_fails(&record, false, &host_reply);
    info.type = ATTESTATION_REPLY_SERVICE_INFO;
    verdict = info;
    assert_fails(&record, false, &host_reply);
    verdict = (struct attestation_reply){.type = ATTESTATION_REPLY_HEALTH_CERTIFICATE};
    assert_fails(&record, false, &host_reply); /* with no certificate in it */
    assert_int_equal(record.status, HOST_STATUS_TRANSIENT_ERROR);
}

static void needs_its_urls(void **state)
{
    (void)state;
    struct host_status_record record;
    struct attestation_reply reply = {0};
    const struct host_attest_options options = {&config, &clock_of_host, false};
    host_config_set(&config.attestation_url, "");
    assert_fails(&record, false, &host_not_configured);
    assert_int_equal(record.status, HOST_STATUS_NOT_CONFIGURED);
    assert_refused(host_attest_what_if(&reply, &options, err), host_not_configured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(follows_the_mode_of_the_service, set_up, tear_down),
        cmocka_unit_test_setup_teardown(begins_anew_when_the_mode_was_switched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(asks_the_fallback_when_the_first_does_not_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(believes_no_other_service, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_its_urls, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
