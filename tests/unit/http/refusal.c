/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "http/errors.h"

#define GOOD "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n"

struct row {
    const char *sent;
    const char *request; /* method and path as they are told; a line for each that is not known */
    unsigned status;
    const struct error_code *code;
};

static void expect_told(struct fixture *fixture, size_t index, const struct row *row)
{
    const struct fixture_refusal *refusal = fixture_refusal(fixture, index);
    char request[400];
    snprintf(request, sizeof request, "%s %s", refusal->method, refusal->path);
    assert_string_equal(refusal->peer, "127.0.0.1");
    assert_string_equal(request, row->request);
    assert_string_equal(refusal->code->name, row->code->name);
    assert_int_equal(refusal->status, row->status);
}

/* The server has ended: whatever it had to tell is told. */
static void stop_and_expect(struct fixture *fixture, size_t count)
{
    fixture_stop(fixture);
    assert_int_equal(fixture->refusal_count, count);
}

/* Each as the first request of its connection, or behind others that are good. */
static void expect_rows(const struct row *rows, size_t count, const char *before)
{
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    for (size_t i = 0; i < count; i++) {
        struct fixture_reply reply = {0};
        int fd = fixture_connect(&fixture, 0);
        if (before != NULL)
            fixture_expect(fd, before, 200, NULL);
        fixture_send(fd, rows[i].sent);
        if (rows[i].status != 0) {
            assert_true(fixture_receive(fd, &reply));
            assert_int_equal(reply.status, rows[i].status);
            buf_done(&reply.body);
        }
        assert_true(fixture_is_cut(fd));
        expect_told(&fixture, i, &rows[i]);
        close(fd);
    }
    assert_int_equal(fixture.handled, before != NULL ? count : 0);
    stop_and_expect(&fixture, count);
}

static void malformed_requests(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"GET /echo%00 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /echo", 400, &http_request_malformed},
        {"GET /echo HTTP/1.1\r\n\r\n", "- -", 400, &http_request_malformed},
        {"GET /echo HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", "- -", 400, &http_request_malformed},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "- -", 400,
         &http_request_malformed},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n", "- -",
         413, &http_body_too_large},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n", "POST /echo", 413,
         &http_body_too_large},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nxx", "POST /echo", 501,
         &http_encoding_unknown},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "POST /echo",
         400, &http_request_malformed},
        /* What the library refuses before there is a request line. */
        {"GET /echo HTTP/x.y\r\n\r\n", "- -", 0, &http_request_malformed},
        {"NONSENSE\r\n\r\n", "- -", 0, &http_request_malformed},
        {"GET /e cho HTTP/1.1\r\nHost: h\r\n\r\n", "- -", 0, &http_request_malformed},
    };
    expect_rows(rows, sizeof rows / sizeof rows[0], NULL);
    expect_rows(rows, sizeof rows / sizeof rows[0], GOOD);
}

static void heads_too_large(void **state)
{
    (void)state;
    static char header[200000], line[200000];
    snprintf(header, sizeof header, "GET /echo HTTP/1.1\r\nHost: h\r\nX-Test: %0100000d\r\n\r\n",
             0);
    snprintf(line, sizeof line, "GET /%0100000d HTTP/1.1\r\nHost: h\r\n\r\n", 0);
    static const struct row rows[] = {
        {header, "- -", 431, &http_head_too_large},
        {line, "- -", 0, &http_head_too_large},
    };
    for (size_t i = 0; i < 4; i++) {
        struct fixture fixture;
        fixture_start(&fixture, NULL);
        int fd = fixture_connect(&fixture, 0);
        if (i >= 2)
            fixture_expect(fd, GOOD, 200, NULL);
        send(fd, rows[i % 2].sent, strlen(rows[i % 2].sent), MSG_NOSIGNAL);
        assert_true(fixture_is_cut(fd));
        expect_told(&fixture, 0, &rows[i % 2]);
        close(fd);
        stop_and_expect(&fixture, 1);
    }
}

/* Behind a good one in the same packet, and behind one whose body comes in chunks. */
static void pipelined_requests(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {GOOD "GET /ec", "- -", 0, &http_request_incomplete},
        {GOOD "NONSENSE\r\n\r\n", "- -", 0, &http_request_malformed},
        {GOOD "GET /echo HTTP/1.1\r\nHost: h\r\nX-Te", "- -", 0, &http_request_incomplete},
        {GOOD "GET /echo%0 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /echo%0", 400,
         &http_request_malformed},
        {"POST /peer HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbodyGET", "- -", 0,
         &http_request_incomplete},
    };
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    size_t count = sizeof rows / sizeof rows[0];
    for (size_t i = 0; i < count; i++) {
        int fd = fixture_connect(&fixture, 0);
        fixture_expect(fd, rows[i].sent, 200, NULL);
        if (rows[i].code == &http_request_incomplete)
            shutdown(fd, SHUT_WR);
        expect_told(&fixture, i, &rows[i]);
        close(fd);
    }
    /* However many requests are counted, nothing is left over in the end. */
    int fd = fixture_connect(&fixture, 0);
    for (int i = 0; i < 100; i++)
        fixture_expect(fd,
                       i % 2 == 0
                           ? "POST /peer HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                             "\r\n3\r\nabc\r\n0\r\n\r\n"
                           : "POST /peer HTTP/1.1\r\nHost: h\r\nX-Folded: a\r\n b\r\n"
                             "Content-Length: 4\r\n\r\nbody",
                       200, NULL);
    close(fd);
    stop_and_expect(&fixture, count);
}

static const struct row unfinished[] = {
    {"GET /ec", "- -", 0, &http_request_incomplete},
    {"GET /echo HTTP/1.1\r\nHost: h\r\nX-Te", "- -", 0, &http_request_incomplete},
    {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nfour", "POST /echo", 0,
     &http_request_incomplete},
    {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nfour", "POST /echo",
     0, &http_request_incomplete},
};

#define UNFINISHED (sizeof unfinished / sizeof unfinished[0])

/* A client that goes away before its request is whole. */
static void unfinished_requests(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    for (size_t i = 0; i < 2 * UNFINISHED; i++) {
        int fd = fixture_connect(&fixture, 0);
        if (i >= UNFINISHED)
            fixture_expect(fd, GOOD, 200, NULL);
        fixture_send(fd, unfinished[i % UNFINISHED].sent);
        shutdown(fd, SHUT_WR);
        assert_true(fixture_is_cut(fd));
        close(fd);
        expect_told(&fixture, i, &unfinished[i % UNFINISHED]);
    }
    stop_and_expect(&fixture, 2 * UNFINISHED);
}

/* The same by a reset, which may overtake what was sent: then its path is not known. */
static void aborted_requests(void **state)
{
    (void)state;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    for (size_t i = 0; i < 2 * UNFINISHED; i++) {
        int fd = fixture_connect(&fixture, 0);
        if (i >= UNFINISHED)
            fixture_expect(fd, GOOD, 200, NULL);
        fixture_send(fd, unfinished[i % UNFINISHED].sent);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        const struct fixture_refusal *refusal = fixture_refusal(&fixture, i);
        assert_string_equal(refusal->code->name, "http.request-incomplete");
        assert_int_equal(refusal->status, 0);
    }
    stop_and_expect(&fixture, 2 * UNFINISHED);
}

/* A client that sends no more, and stays. */
static void slow_requests(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, &(struct http_server_options){.idle_ms = 200, .request_ms = 200});
    for (size_t i = 0; i < 2 * UNFINISHED; i++) {
        struct row row = unfinished[i % UNFINISHED];
        row.code = &http_request_slow;
        int fd = fixture_connect(&fixture, 0);
        if (i >= UNFINISHED)
            fixture_expect(fd, GOOD, 200, NULL);
        fixture_send(fd, row.sent);
        assert_true(fixture_is_cut(fd));
        expect_told(&fixture, i, &row);
        close(fd);
    }
    stop_and_expect(&fixture, 2 * UNFINISHED);
}

static void an_unread_reply(void **state)
{
    (void)state;
    static const struct row row = {NULL, "GET /large", 0, &http_reply_slow};
    struct fixture fixture;
    fixture_start(&fixture, &(struct http_server_options){.idle_ms = 200, .request_ms = 200});
    int fd = fixture_connect(&fixture, 0);
    for (int i = 0; i < 10; i++) /* more than the sockets' buffers hold */
        fixture_send(fd, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_told(&fixture, 0, &row);
    close(fd);
    stop_and_expect(&fixture, 1);
}

static void bodies_too_large_together(void **state)
{
    (void)state;
    static const struct row row = {NULL, "POST /echo", 503, &http_busy};
    struct fixture fixture;
    fixture_start(&fixture, &(struct http_server_options){.bodies_limit = 100});
    int fd = fixture_connect(&fixture, 0);
    char *request =
        memory_format("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n%0200d", 1);
    fixture_expect(fd, request, 503, NULL);
    expect_told(&fixture, 0, &row);
    free(request);
    close(fd);
    stop_and_expect(&fixture, 1);
}

/* Connections without a fault: silent, cut for being idle, ended between requests, pipelined with
 * a reply that is long on its way, at work when the server stops. */
static void what_is_no_refusal(void **state)
{
    (void)state;
    struct fixture fixture;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    fixture_start(&fixture, &(struct http_server_options){.idle_ms = 1000});
    for (int i = 0; i < 8; i++) {
        int fd = fixture_connect(&fixture, 0);
        if (i % 2 != 0)
            fixture_expect(fd, GOOD, 200, NULL);
        if (i >= 6)
            assert_true(fixture_is_cut(fd));
        else if (i >= 4)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        else if (i >= 2)
            shutdown(fd, SHUT_WR);
        close(fd);
    }
    int fd = fixture_connect(&fixture, 0);
    fixture_send(fd, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n" GOOD
                     "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nheld");
    fixture_expect(fd, "", 200, NULL);
    fixture_expect(fd, "", 200, NULL);
    fixture_wait_held(&fixture, 1);
    int idle = fixture_connect(&fixture, 0);
    fixture_expect(idle, GOOD, 200, NULL);
    http_server_stop(&fixture.server, 0);
    fixture_expect(fd, "", 503, NULL);
    fixture_release(&fixture); /* too late */
    close(idle);
    close(fd);
    stop_and_expect(&fixture, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_requests), cmocka_unit_test(heads_too_large),
        cmocka_unit_test(pipelined_requests), cmocka_unit_test(unfinished_requests),
        cmocka_unit_test(aborted_requests),   cmocka_unit_test(slow_requests),
        cmocka_unit_test(an_unread_reply),    cmocka_unit_test(bodies_too_large_together),
        cmocka_unit_test(what_is_no_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
