/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void request_and_reply(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    struct fixture_reply reply;
    fixture_send(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    assert_true(fixture_receive(fd, &reply));
    assert_int_equal(reply.status, 200);
    assert_string_equal(buf_text(&reply.body), "hello");
    assert_non_null(strstr(reply.head, "\r\nContent-Type: text/plain\r\n"));
    assert_non_null(strstr(reply.head, "\r\nX-Echo: POST\r\n"));
    assert_non_null(strstr(reply.head, "\r\nDate: "));
    buf_done(&reply.body);
    fixture_expect(fd, "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n", 404, "no such place");
    fixture_expect(fd, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", 200, "");
    close(fd);
    fixture_stop(&fixture);
}

static void what_a_handler_sees(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    fixture_expect(fd, "GET /peer%2Fa%20b?x=%00 HTTP/1.1\r\nHost: h\r\nX-TEST: some value\r\n\r\n",
                   200, "127.0.0.1 /peer/a b some value plain");
    fixture_expect(fd, "GET http://proxy.example:80/peer/x HTTP/1.1\r\nHost: h\r\n\r\n", 200,
                   "127.0.0.1 /peer/x - plain");
    fixture_expect(fd, "GET http://proxy.example HTTP/1.1\r\nHost: h\r\n\r\n", 404, NULL);
    close(fd);
    fixture_stop(&fixture);
}

static void many_requests_on_one_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    char request[200];
    char body[20];
    for (int i = 0; i < 500; i++) {
        snprintf(body, sizeof body, "number %d", i);
        snprintf(request, sizeof request,
                 "POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
                 i % 2 == 0 ? "echo" : "worker", strlen(body), body);
        fixture_expect(fd, request, 200, body);
    }
    unsigned now = 0;
    unsigned most = 0;
    http_server_connections(fixture.server, &now, &most);
    assert_int_equal(now, 1);
    assert_int_equal(most, 1);
    close(fd);
    fixture_stop(&fixture);
}

/* Requests that come before the replies to those before them are answered in order. */
static void pipelining(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    for (int i = 0; i < 50; i++) {
        char request[200];
        snprintf(request, sizeof request,
                 "POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n%02d",
                 i % 3 == 0 ? "worker" : "echo", i);
        fixture_send(fd, request);
    }
    for (int i = 0; i < 50; i++) {
        struct fixture_reply reply;
        char body[20];
        snprintf(body, sizeof body, "%02d", i);
        assert_true(fixture_receive(fd, &reply));
        assert_int_equal(reply.status, 200);
        assert_string_equal(buf_text(&reply.body), body);
        buf_done(&reply.body);
    }
    close(fd);
    fixture_stop(&fixture);
}

static void connection_close_and_http_1_0(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    fixture_expect(fd,
                   "POST /worker HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                   "Content-Length: 2\r\n\r\nhi",
                   200, "hi");
    assert_true(fixture_is_cut(fd));
    close(fd);
    fd = fixture_connect(&fixture, 0);
    fixture_send(fd, "GET /peer HTTP/1.0\r\n\r\n");
    assert_true(fixture_is_cut(fd));
    close(fd);
    fixture_stop(&fixture);
}

static void chunked_request(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    fixture_expect(fd,
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
                   200, "abcdefg");
    close(fd);
    fixture_stop(&fixture);
}

static void expect_continue(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    char line[26] = {0};
    fixture_send(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                     "Content-Length: 3\r\n\r\n");
    assert_int_equal(recv(fd, line, 25, MSG_WAITALL), 25);
    assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
    fixture_expect(fd, "yes", 200, "yes");
    close(fd);
    fixture_stop(&fixture);
}

static void head_has_no_body(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    fixture_send(fd, "HEAD /peer HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    char bytes[4096] = {0};
    size_t size = 0;
    ssize_t got;
    while ((got = recv(fd, bytes + size, sizeof bytes - 1 - size, 0)) > 0)
        size += (size_t)got;
    const char *end = strstr(bytes, "\r\n\r\n");
    assert_non_null(end);
    assert_int_equal(end[4], '\0');
    assert_non_null(strstr(bytes, "\r\nContent-Length: "));
    close(fd);
    fixture_stop(&fixture);
}

/* Without a byte in between, however large: the receiver sees whole head and body in order. */
static void large_reply(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    struct fixture_reply reply;
    for (int i = 0; i < 3; i++) {
        fixture_send(fd, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_true(fixture_receive(fd, &reply));
        assert_int_equal(reply.body.size, FIXTURE_LARGE);
        assert_int_equal(strspn(buf_text(&reply.body), "x"), FIXTURE_LARGE);
        buf_done(&reply.body);
    }
    close(fd);
    fixture_stop(&fixture);
}

/* A small reply has arrived whole as soon as any of it has: one read gets it all. */
static void one_write(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    char request[8300];
    char bytes[16384];
    for (int i = 0; i < 100; i++) {
        memset(bytes, 'b', 8000);
        snprintf(request, sizeof request,
                 "POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n%.8000s",
                 i % 2 == 0 ? "worker" : "echo", bytes);
        fixture_send(fd, request);
        ssize_t got = recv(fd, bytes, sizeof bytes - 1, 0);
        assert_true(got > 8000);
        bytes[got] = '\0';
        assert_non_null(strstr(bytes, "\r\n\r\n"));
        assert_int_equal(strlen(strstr(bytes, "\r\n\r\n") + 4), 8000);
    }
    close(fd);
    fixture_stop(&fixture);
}

static void several_addresses(void **state)
{
    (void)state;
    struct fixture fixture;
    static const char *const addresses[] = {"127.0.0.1:0", "127.0.0.2:0", "*:0", NULL};
    fixture_start(&fixture, &(struct http_server_options){.http_addresses = addresses});
    for (size_t i = 0; i < 3; i++) {
        if (i == 1)
            continue; /* fixture_connect speaks to 127.0.0.1 */
        int fd = fixture_connect(&fixture, i);
        fixture_expect(fd, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, "127.0.0.1 /peer - plain");
        close(fd);
    }
    assert_int_not_equal(http_server_port(fixture.server, 0), 0);
    assert_int_not_equal(http_server_port(fixture.server, 0), http_server_port(fixture.server, 2));
    fixture_stop(&fixture);
}

/* All of them at work at once, then all answered. */
static void a_thousand_connections(void **state)
{
    (void)state;
    struct fixture fixture;
    static int fds[1000];
    fixture_start(&fixture, NULL);
    for (size_t i = 0; i < 1000; i++) {
        fds[i] = fixture_connect(&fixture, 0);
        fixture_send(fds[i], "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nheld");
    }
    fixture_wait_held(&fixture, 1000);
    unsigned now = 0;
    unsigned most = 0;
    http_server_connections(fixture.server, &now, &most);
    assert_int_equal(now, 1000);
    assert_int_equal(most, 1000);
    fixture_release(&fixture);
    for (size_t i = 0; i < 1000; i++) {
        fixture_expect(fds[i], "POST /worker HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\ntoo",
                       200, "held");
        fixture_expect(fds[i], "", 200, "too");
        close(fds[i]);
    }
    fixture_stop(&fixture);
}

/* Noticed when the reply is given; the server goes on. */
static void client_vanishes_at_work(void **state)
{
    (void)state;
    struct fixture fixture;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    fixture_start(&fixture, NULL);
    for (int i = 0; i < 20; i++) {
        int fd = fixture_connect(&fixture, 0);
        fixture_send(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
        fixture_wait_held(&fixture, 1);
        if (i % 2 == 0) /* a reset instead of an end */
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        fixture_release(&fixture);
    }
    int fd = fixture_connect(&fixture, 0);
    fixture_expect(fd, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    close(fd);
    fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_and_reply),
        cmocka_unit_test(what_a_handler_sees),
        cmocka_unit_test(many_requests_on_one_connection),
        cmocka_unit_test(pipelining),
        cmocka_unit_test(connection_close_and_http_1_0),
        cmocka_unit_test(chunked_request),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(large_reply),
        cmocka_unit_test(one_write),
        cmocka_unit_test(several_addresses),
        cmocka_unit_test(a_thousand_connections),
        cmocka_unit_test(client_vanishes_at_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
