/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <sys/wait.h>
#include <time.h>

#include "certificates.h"
#include "http/client.h"
#include "http/date.h"
#include "http/errors.h"

static char *url_of(const struct fixture *fixture, size_t index, const char *path)
{
    return memory_format("http%s://127.0.0.1:%u%s",
                         fixture->options.https_addresses != NULL ? "s" : "",
                         http_server_port(fixture->server, index), path);
}

static void exchange(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    struct http_client *client = http_client_new(&(struct http_client_options){0});
    struct buf out;
    unsigned status = 0;
    unsigned now = 0;
    unsigned most = 0;
    struct slice body = slice_from_text("question");
    buf_init(&out, 1000);
    char *url = url_of(&fixture, 0, "/echo");
    char *absent = url_of(&fixture, 0, "/absent");
    assert_true(http_client_request(client, url, "application/json", &body, &out, &status, NULL));
    assert_int_equal(status, 200);
    assert_string_equal(buf_text(&out), "question");
    /* Appended; and 404 is an answer. */
    assert_true(http_client_request(client, absent, NULL, NULL, &out, &status, NULL));
    assert_int_equal(status, 404);
    assert_string_equal(buf_text(&out), "questionno such place");
    buf_reset(&out);
    struct slice empty = SLICE_EMPTY;
    assert_true(http_client_request(client, url, "text/plain", &empty, &out, &status, NULL));
    assert_int_equal(out.size, 0);
    /* One connection for all. */
    http_server_connections(fixture.server, &now, &most);
    assert_int_equal(most, 1);
    http_client_free(&client);
    assert_null(client);
    http_client_free(&client);
    buf_done(&out);
    free(url);
    free(absent);
    fixture_stop(&fixture);
}

/* Each side learns how far the other's clock is from its own. */
static void clocks_are_compared(void **state)
{
    (void)state;
    static const struct clock ahead = {.offset = 3600}, right = {.offset = 0};
    static const struct {
        const struct clock *server, *client;
        bool known;
        int64_t offset; /* of the client */
    } cases[] = {
        {&right, &ahead, true, 3600},
        {&ahead, &right, true, -3600},
        {NULL, &right, true, 0},
        {&right, NULL, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        struct buf out;
        unsigned status;
        int64_t offset = 1 << 30, sent;
        struct http_client_options options = {.clock = cases[i].client};
        fixture_start(&fixture, &(struct http_server_options){.clock = cases[i].server});
        struct http_client *client = http_client_new(&options);
        char *url = url_of(&fixture, 0, "/date");
        buf_init(&out, 1000);
        assert_false(http_client_offset(client, &offset));
        assert_true(http_client_request(client, url, NULL, NULL, &out, &status, NULL));
        assert_int_equal(http_client_offset(client, &offset), cases[i].known);
        if (cases[i].known)
            assert_in_range(offset - cases[i].offset + 60, 0, 120);
        assert_int_equal(http_date_parse(&sent, buf_text(&out)), cases[i].client != NULL);
        if (cases[i].client != NULL)
            assert_in_range(clock_now(cases[i].client) - sent + 60, 0, 120);
        http_client_free(&client);
        buf_done(&out);
        free(url);
        fixture_stop(&fixture);
    }
}

/* A client that finds its connection closed opens another. */
static void server_restarts(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    struct http_client *client = http_client_new(&(struct http_client_options){0});
    struct buf out;
    unsigned status = 0;
    struct slice body = slice_from_text("again");
    buf_init(&out, 1000);
    char *url = url_of(&fixture, 0, "/echo");
    char *address = memory_format("127.0.0.1:%u", http_server_port(fixture.server, 0));
    const char *const addresses[] = {address, NULL};
    assert_true(http_client_request(client, url, "text/plain", &body, &out, &status, NULL));
    fixture_stop(&fixture);
    fixture_start(&fixture, &(struct http_server_options){.http_addresses = addresses});
    buf_reset(&out);
    assert_true(http_client_request(client, url, "text/plain", &body, &out, &status, NULL));
    assert_string_equal(buf_text(&out), "again");
    fixture_stop(&fixture);
    http_client_free(&client);
    buf_done(&out);
    free(url);
    free(address);
}

static void expect_error(const struct http_client_options *options, const char *url,
                         size_t out_limit, const struct error_code *code)
{
    struct http_client *client = http_client_new(options);
    struct error err = {0};
    struct buf out;
    unsigned status = 77;
    buf_init(&out, out_limit);
    buf_append_text(&out, "kept");
    assert_false(http_client_request(client, url, NULL, NULL, &out, &status, &err));
    if (err.code != code)
        fail_msg("%s: %s (%s) instead of %s", url, err.message, err.code->name, code->name);
    assert_true(err.message[0] != '\0');
    assert_string_equal(buf_text(&out), "kept");
    assert_int_equal(status, 77);
    buf_done(&out);
    http_client_free(&client);
}

static void urls_that_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",           "http://",         "ftp://127.0.0.1/", "file:///etc/passwd",
        "127.0.0.1/", "http://a b/",     "http://[::1/",     "http://127.0.0.1:99999/",
        "/path",      "gopher://h:1/_x", "mailto:a@b"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        expect_error(&(struct http_client_options){0}, urls[i], 1000, &http_url_malformed);
}

static void nobody_there(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    char *url = url_of(&fixture, 0, "/peer");
    fixture_stop(&fixture);
    expect_error(&(struct http_client_options){0}, url, 1000, &http_unreachable);
    expect_error(&(struct http_client_options){0}, "http://name.invalid/", 1000, &http_unreachable);
    free(url);
}

static void reply_too_large(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    char *url = url_of(&fixture, 0, "/large");
    char *small = url_of(&fixture, 0, "/peer");
    expect_error(&(struct http_client_options){.reply_limit = FIXTURE_LARGE - 1}, url,
                 2 * FIXTURE_LARGE, &http_reply_too_large);
    expect_error(&(struct http_client_options){0}, url, FIXTURE_LARGE, &http_reply_too_large);
    expect_error(&(struct http_client_options){.reply_limit = 3}, small, 1000,
                 &http_reply_too_large);
    struct http_client *client =
        http_client_new(&(struct http_client_options){.reply_limit = FIXTURE_LARGE});
    struct buf out;
    unsigned status = 0;
    buf_init(&out, FIXTURE_LARGE);
    assert_true(http_client_request(client, url, NULL, NULL, &out, &status, NULL));
    assert_int_equal(out.size, FIXTURE_LARGE);
    buf_done(&out);
    http_client_free(&client);
    free(url);
    free(small);
    fixture_stop(&fixture);
}

static void timeout_at_work(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    char *url = url_of(&fixture, 0, "/hold");
    expect_error(&(struct http_client_options){.timeout_ms = 200}, url, 1000, &http_timeout);
    fixture_wait_held(&fixture, 1);
    fixture_release(&fixture);
    free(url);
    fixture_stop(&fixture);
}

/* A server that says these words to whoever connects, and then ends. */
struct speaker {
    int fd;
    const char *words;
    pthread_t thread;
};

static void *speak(void *context)
{
    struct speaker *speaker = context;
    char request[4096];
    int fd = accept(speaker->fd, NULL, NULL);
    assert_true(recv(fd, request, sizeof request, 0) > 0);
    send(fd, speaker->words, strlen(speaker->words), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void expect_words(const char *words, const struct error_code *code)
{
    struct speaker speaker = {.fd = socket(AF_INET, SOCK_STREAM, 0), .words = words};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(speaker.fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(speaker.fd, 1), 0);
    assert_int_equal(getsockname(speaker.fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pthread_create(&speaker.thread, NULL, speak, &speaker), 0);
    char *url = memory_format("http://127.0.0.1:%u/", ntohs(address.sin_port));
    expect_error(&(struct http_client_options){.reply_limit = 1000}, url, 2000, code);
    pthread_join(speaker.thread, NULL);
    close(speaker.fd);
    free(url);
}

static void servers_that_misbehave(void **state)
{
    (void)state;
    char *endless = memory_format("HTTP/1.1 200 OK\r\n\r\n%02000d", 1);
    char *chunked = memory_format(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n%02000d\r\n0\r\n\r\n", 1);
    expect_words("", &http_unreachable);
    expect_words("SSH-2.0-OpenSSH\r\n", &http_unreachable);
    expect_words("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", &http_unreachable);
    expect_words("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", &http_reply_too_large);
    expect_words(endless, &http_reply_too_large);
    expect_words(chunked, &http_reply_too_large);
    free(endless);
    free(chunked);
}

static void redirects_are_answers(void **state)
{
    (void)state;
    struct speaker speaker = {.fd = socket(AF_INET, SOCK_STREAM, 0),
                              .words = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                                       "Content-Length: 5\r\n\r\nthere"};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(speaker.fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(speaker.fd, 1), 0);
    assert_int_equal(getsockname(speaker.fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pthread_create(&speaker.thread, NULL, speak, &speaker), 0);
    char *url = memory_format("http://127.0.0.1:%u/", ntohs(address.sin_port));
    struct http_client *client = http_client_new(&(struct http_client_options){0});
    struct buf out;
    unsigned status = 0;
    buf_init(&out, 100);
    assert_true(http_client_request(client, url, NULL, NULL, &out, &status, NULL));
    assert_int_equal(status, 302);
    assert_string_equal(buf_text(&out), "there");
    http_client_free(&client);
    buf_done(&out);
    pthread_join(speaker.thread, NULL);
    close(speaker.fd);
    free(url);
}

/* The environment's proxy is for others: nobody answers at this one. */
static void no_proxy_to_loopback(void **state)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    exchange(state);
    unsetenv("http_proxy");
}

static void trust(void **state)
{
    (void)state;
    static const char *const loopback[] = {"127.0.0.1:0", NULL};
    struct certificates certificates;
    struct fixture fixture;
    certificates_start(&certificates);
    certificates_make(&certificates, "other");
    char *certificate = certificates_path(&certificates, "one.pem");
    char *key = certificates_path(&certificates, "one.key");
    char *other = certificates_path(&certificates, "other.pem");
    char *absent = certificates_path(&certificates, "absent.pem");
    fixture_start(&fixture, &(struct http_server_options){.https_addresses = loopback,
                                                          .certificate_file = certificate,
                                                          .key_file = key});
    char *url = url_of(&fixture, 0, "/peer");
    char *name = memory_format("https://localhost:%u/peer", http_server_port(fixture.server, 0));
    struct http_client *client =
        http_client_new(&(struct http_client_options){.ca_file = certificate});
    struct buf out;
    unsigned status = 0;
    buf_init(&out, 1000);
    assert_true(http_client_request(client, url, NULL, NULL, &out, &status, NULL));
    assert_string_equal(buf_text(&out), "127.0.0.1 /peer - tls");
    http_client_free(&client);
    buf_done(&out);
    expect_error(&(struct http_client_options){0}, url, 1000, &http_tls_untrusted);
    expect_error(&(struct http_client_options){.ca_file = other}, url, 1000, &http_tls_untrusted);
    expect_error(&(struct http_client_options){.ca_file = absent}, url, 1000, &http_tls_untrusted);
    /* The certificate is for the address and not for this name. */
    expect_error(&(struct http_client_options){.ca_file = certificate}, name, 1000,
                 &http_tls_untrusted);
    fixture_stop(&fixture);
    certificates_stop(&certificates);
    free(certificate);
    free(key);
    free(other);
    free(absent);
    free(url);
    free(name);
}

/* The other client that everybody has: what it makes of our server. */
static void curl_on_the_command_line(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    char *command = memory_format(
        "head -c 900000 /dev/zero | curl -sS --fail --noproxy '*' --data-binary @- -o /dev/null "
        "-w '%%{http_code} %%{size_download}' http://127.0.0.1:%u/worker | grep -qx '200 900000' "
        "&& "
        "head -c 3000000 /dev/zero | curl -sS --noproxy '*' --data-binary @- -o /dev/null "
        "-w '%%{http_code}' http://127.0.0.1:%u/echo | grep -qx 413",
        http_server_port(fixture.server, 0), http_server_port(fixture.server, 0));
    assert_int_equal(system(command), 0);
    free(command);
    fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchange),
        cmocka_unit_test(clocks_are_compared),
        cmocka_unit_test(server_restarts),
        cmocka_unit_test(urls_that_are_refused),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(reply_too_large),
        cmocka_unit_test(timeout_at_work),
        cmocka_unit_test(servers_that_misbehave),
        cmocka_unit_test(redirects_are_answers),
        cmocka_unit_test(no_proxy_to_loopback),
        cmocka_unit_test(trust),
        cmocka_unit_test(curl_on_the_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
