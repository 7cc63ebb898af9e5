/* SPDX-License-Identifier: Apache-2.0 */
#include "host/service.h"

#include "../folder.h"

#include <string.h>

#include "base/memory.h"
#include "host/errors.h"
#include "http/errors.h"
#include "http/server.h"

static struct http_server *server;
static char base[64];
static char seen[256]; /* the path last asked for */

static size_t limit(void *context, const struct http_request *request)
{
    (void)context;
    (void)request;
    return 4096;
}

static void handle(void *context, struct http_request *request)
{
    struct buf body;
    (void)context;
    snprintf(seen, sizeof seen, "%s", http_request_path(request));
    buf_init(&body, 4096);
    buf_append(&body, http_request_body(request));
    http_reply(request, 200, "text/plain", &body, NULL, NULL);
}

static int set_up(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", NULL};
    (void)state;
    struct http_server_options options = {
        .http_addresses = addresses, .limit = limit, .handle = handle};
    assert_ok(http_server_start(&server, &options, err));
    snprintf(base, sizeof base, "http://127.0.0.1:%u/Attestation", http_server_port(server, 0));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_server_stop(&server, 1000);
    return 0;
}

/* What the test's answer function does at each call. */
struct script {
    int calls;
    int refuse; /* the first so many calls */
    bool retry; /* … and say this */
};

static bool answer(void *context, const char *url, unsigned status, struct slice body, bool *retry,
                   struct error *err)
{
    struct script *script = context;
    assert_int_equal(status, 200);
    assert_true(slice_equals_text(body, "hello"));
    *retry = script->retry;
    if (script->calls++ < script->refuse)
        return error_set(err, script->calls == 1 ? &host_unavailable : &host_refused, NULL, url,
                         "no");
    return true;
}

static bool post(const char *first, const char *second, struct script *script, bool *fallback,
                 struct error *err)
{
    struct http_client_options options = {.timeout_ms = 5000};
    struct host_service service = {http_client_new(&options), {first, second}, "/v2.0/x"};
    bool good = host_service_post(&service, "text/plain", slice_from_text("hello"), answer, script,
                                  fallback, err);
    http_client_free(&service.client);
    return good;
}

/* A port that nobody listens at: one that was ours and is closed again. */
static void closed_url(char url[64])
{
    static const char *const addresses[] = {"127.0.0.1:0", NULL};
    struct http_server *closed = NULL;
    struct http_server_options options = {
        .http_addresses = addresses, .limit = limit, .handle = handle};
    assert_ok(http_server_start(&closed, &options, err));
    snprintf(url, 64, "http://127.0.0.1:%u", http_server_port(closed, 0));
    http_server_stop(&closed, 0);
}

static void joins_with_one_slash(void **state)
{
    (void)state;
    struct script script = {0};
    bool fallback = true;
    char with_slashes[80];
    snprintf(with_slashes, sizeof with_slashes, "%s//", base);
    assert_ok(post(with_slashes, NULL, &script, &fallback, err));
    assert_string_equal(seen, "/Attestation/v2.0/x");
    assert_false(fallback);
}

static void asks_the_fallback_when_nobody_answers(void **state)
{
    (void)state;
    struct script script = {0};
    bool fallback = false;
    char closed[64];
    closed_url(closed);
    assert_ok(post(closed, base, &script, &fallback, err));
    assert_true(fallback);
    assert_int_equal(script.calls, 1);
    assert_refused(post(closed, closed, &script, &fallback, err), http_unreachable);
}

static void asks_the_fallback_after_a_passing_error(void **state)
{
    (void)state;
    bool fallback = false;
    struct script once = {.refuse = 1, .retry = true};
    assert_ok(post(base, base, &once, &fallback, err));
    assert_true(fallback);
    /* both refuse: the first one's error is given */
    struct script always = {.refuse = 2, .retry = true};
    assert_refused(post(base, base, &always, &fallback, err), host_unavailable);
    assert_int_equal(always.calls, 2);
}

static void asks_nobody_else_after_a_final_no(void **state)
{
    (void)state;
    bool fallback = false;
    struct script script = {.refuse = 2, .retry = false};
    assert_refused(post(base, base, &script, &fallback, err), host_unavailable);
    assert_int_equal(script.calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_with_one_slash),
        cmocka_unit_test(asks_the_fallback_when_nobody_answers),
        cmocka_unit_test(asks_the_fallback_after_a_passing_error),
        cmocka_unit_test(asks_nobody_else_after_a_final_no),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
