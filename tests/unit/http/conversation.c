/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define MIB (1024UL * 1024)

/* What the server says to this text, and that it then ends the connection. */
static void expect_refusal(struct fixture *fixture, const char *request, size_t size,
                           unsigned status)
{
    struct fixture_reply reply;
    int fd = fixture_connect(fixture, 0);
    assert_int_equal(send(fd, request, size, MSG_NOSIGNAL), size);
    assert_true(fixture_receive(fd, &reply));
    assert_int_equal(reply.status, status);
    assert_true(fixture_is_cut(fd));
    buf_done(&reply.body);
    close(fd);
}

static void malformed_requests(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *text;
    } cases[] = {
        {400, "GET /echo%00 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /echo%0a HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /echo%7F HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /echo\x01 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /echo%zz HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /echo%2 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /echo% HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "get /echo HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /echo HTTP/1.1\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "GET /echo HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length : 2\r\n\r\nab"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {501, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nxx"},
        {501, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\nxx"},
        {501, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
        {413, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n"},
    };
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_refusal(&fixture, cases[i].text, strlen(cases[i].text), cases[i].status);
    }
    assert_int_equal(fixture.handled, 0);
    fixture_stop(&fixture);
}

/* Lines that the library drops without a word, or refuses in some way or other. */
static void lines_that_are_none(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET\r\n\r\n",         "GET \r\n\r\n",  "GET  \r\n\r\n",        "GET /echo\r\n\r\n",
        " /echo HTTP/1.1\r\n", "\r\n \r\n\r\n", "GET HTTP/1.1\r\n\r\n", "/ HTTP/1.1\r\n\r\n",
    };
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int fd = fixture_connect(&fixture, 0);
        fixture_send(fd, lines[i]);
        assert_true(fixture_is_cut(fd));
        assert_string_equal(fixture_refusal(&fixture, i)->code->name, "http.request-malformed");
        close(fd);
    }
    assert_int_equal(fixture.handled, 0);
    fixture_stop(&fixture);
}

/* Before a byte of the body was sent. */
static void body_too_large_by_its_length(void **state)
{
    (void)state;
    static const char large[] = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n";
    static const char small[] = "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n";
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    expect_refusal(&fixture, large, sizeof large - 1, 413);
    expect_refusal(&fixture, small, sizeof small - 1, 413);
    assert_int_equal(fixture.handled, 0);
    int fd = fixture_connect(&fixture, 0);
    char request[300];
    snprintf(request, sizeof request,
             "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n%0100d", 7);
    fixture_expect(fd, request, 404, NULL);
    close(fd);
    fixture_stop(&fixture);
}

/* A client that sends all of its body before it reads still reads the refusal. */
static void refusal_is_read_by_a_busy_sender(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    char *body = memory_allocate_zero(1, 4 * MIB);
    for (int i = 0; i < 10; i++) {
        struct fixture_reply reply;
        int fd = fixture_connect(&fixture, 0);
        fixture_send(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4194304\r\n\r\n");
        for (size_t sent = 0; sent < 4 * MIB;) {
            ssize_t size = send(fd, body + sent, 4 * MIB - sent, MSG_NOSIGNAL);
            assert_true(size > 0);
            sent += (size_t)size;
        }
        assert_true(fixture_receive(fd, &reply));
        assert_int_equal(reply.status, 413);
        buf_done(&reply.body);
        close(fd);
    }
    free(body);
    fixture_stop(&fixture);
}

/* Sends chunks until the server has had enough, at most limit of 4 KiB; true when it refused. */
static bool send_chunks(int fd, size_t limit, unsigned status)
{
    char chunk[4096 + 8];
    memcpy(chunk, "1000\r\n", 6);
    memset(chunk + 6, 'x', 4096);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    for (size_t i = 0; i < limit; i++) {
        if (poll(&readable, 1, 0) == 1)
            break;
        if (send(fd, chunk, sizeof chunk, MSG_NOSIGNAL) < 0)
            break;
    }
    struct fixture_reply reply;
    bool refused = fixture_receive(fd, &reply) && reply.status == status;
    buf_done(&reply.body);
    return refused;
}

static void body_too_large_in_chunks(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    fixture_send(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(send_chunks(fd, 1000000, 413));
    assert_true(fixture_is_cut(fd));
    assert_int_equal(fixture.handled, 0);
    close(fd);
    fixture_stop(&fixture);
}

/* Bodies that are each small enough may still be too many. */
static void bodies_too_large_together(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, &(struct http_server_options){.bodies_limit = 100000});
    int first = fixture_connect(&fixture, 0);
    int second = fixture_connect(&fixture, 0);
    char *request =
        memory_format("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n%090000d", 1);
    fixture_send(first, request);
    fixture_wait_held(&fixture, 1);
    fixture_send(second, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(send_chunks(second, 200, 503));
    fixture_release(&fixture);
    fixture_expect(first, "", 200, NULL);
    /* What the first had is free again. */
    memcpy(request, "POST /echo", 10);
    fixture_expect(first, request, 200, NULL);
    free(request);
    close(first);
    close(second);
    fixture_stop(&fixture);
}

static void head_size(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    char *large =
        memory_format("GET /peer HTTP/1.1\r\nHost: h\r\nAuthorization: Negotiate %048000d\r\n"
                      "X-Test: yes\r\n\r\n",
                      0);
    for (int i = 0; i < 3; i++)
        fixture_expect(fd, large, 200, "127.0.0.1 /peer yes plain");
    free(large);
    large = memory_format(
        "GET /peer HTTP/1.1\r\nHost: h\r\nAuthorization: Negotiate %064000d\r\n\r\n", 0);
    fixture_expect(fd, large, 200, NULL);
    free(large);
    large = memory_format(
        "GET /peer HTTP/1.1\r\nHost: h\r\nAuthorization: Negotiate %0200000d\r\n\r\n", 0);
    send(fd, large, strlen(large), MSG_NOSIGNAL);
    struct fixture_reply reply;
    assert_true(fixture_receive(fd, &reply));
    assert_int_equal(reply.status, 431);
    assert_true(fixture_is_cut(fd));
    buf_done(&reply.body);
    free(large);
    close(fd);
    assert_int_equal(fixture.handled, 4);
    fixture_stop(&fixture);
}

/* Sends begin, then piece again and again; true when the server ends the connection meanwhile. */
static bool drip_is_cut(int fd, const char *begin, const char *piece)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    fixture_send(fd, begin);
    for (int i = 0; i < FIXTURE_WAIT_MS / 20; i++) {
        if (poll(&readable, 1, 20) == 1)
            return recv(fd, (char[1]){0}, 1, 0) <= 0;
        if (send(fd, piece, strlen(piece), MSG_NOSIGNAL) < 0)
            return true;
    }
    return false;
}

static void slow_requests_are_cut(void **state)
{
    (void)state;
    static const char *const begins[] = {
        "GET /echo HTTP/1.1\r\nHost: h\r\n",
        "GET /echo HTTP/1.1\r\nHost: h\r\nX-Test: ",
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n40000\r\n",
    };
    struct fixture fixture;
    fixture_start(&fixture, &(struct http_server_options){.request_ms = 300});
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        int fd = fixture_connect(&fixture, 0);
        assert_true(drip_is_cut(fd, begins[i], i == 0 ? "A: b\r\n" : "x"));
        close(fd);
    }
    /* The same after a good request on the connection. */
    int fd = fixture_connect(&fixture, 0);
    fixture_expect(fd, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    assert_true(drip_is_cut(fd, begins[2], "x"));
    close(fd);
    assert_int_equal(fixture.handled, 1);
    fixture_stop(&fixture);
}

static void idle_connections_are_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, &(struct http_server_options){.idle_ms = 300});
    int silent = fixture_connect(&fixture, 0);
    int served = fixture_connect(&fixture, 0);
    int dripping = fixture_connect(&fixture, 0);
    fixture_expect(served, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    assert_true(drip_is_cut(dripping, "GET /", "x")); /* a request line without an end */
    assert_true(fixture_is_cut(silent));
    assert_true(fixture_is_cut(served));
    close(silent);
    close(served);
    close(dripping);
    fixture_stop(&fixture);
}

/* Connections that begin after it are cut, each after the idle time; the one at work is not. */
static void a_request_at_work_is_not_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, &(struct http_server_options){.idle_ms = 100, .request_ms = 100});
    int fd = fixture_connect(&fixture, 0);
    fixture_send(fd, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nheld");
    fixture_wait_held(&fixture, 1);
    for (int i = 0; i < 3; i++) {
        int idle = fixture_connect(&fixture, 0);
        assert_true(fixture_is_cut(idle));
        close(idle);
    }
    fixture_release(&fixture);
    fixture_expect(fd, "", 200, "held");
    close(fd);
    fixture_stop(&fixture);
}

static unsigned open_now(const struct fixture *fixture)
{
    unsigned now = 0;
    unsigned most = 0;
    http_server_connections(fixture->server, &now, &most);
    return now;
}

static bool wait_for_open(const struct fixture *fixture, unsigned count)
{
    for (int i = 0; i < FIXTURE_WAIT_MS / 10; i++) {
        if (open_now(fixture) == count)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

/* A client may say that nothing more will come, and wait for its reply; nobody waits for more. */
static void an_end_behind_the_request(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    fixture_send(fd, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nheld"
                     "POST /worker HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nnext"
                     "GET /large HTTP/1.1\r\nHost: h\r\n\r\n"
                     "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nlast");
    shutdown(fd, SHUT_WR);
    fixture_wait_held(&fixture, 1);
    fixture_release(&fixture);
    static const char *const bodies[] = {"held", "next", NULL, "last"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct fixture_reply reply;
        assert_true(fixture_receive(fd, &reply));
        if (bodies[i] != NULL)
            assert_string_equal(buf_text(&reply.body), bodies[i]);
        buf_done(&reply.body);
    }
    assert_true(fixture_is_cut(fd));
    close(fd);
    fixture_stop(&fixture);
}

/* A client that asks and does not listen. */
static void an_unread_reply_is_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, &(struct http_server_options){.idle_ms = 300, .request_ms = 300});
    int fd = fixture_connect(&fixture, 0);
    for (int i = 0; i < 10; i++) /* more than the sockets' buffers hold */
        fixture_send(fd, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(wait_for_open(&fixture, 1));
    assert_true(wait_for_open(&fixture, 0));
    close(fd);
    fixture_stop(&fixture);
}

static void the_longest_idle_makes_room(void **state)
{
    (void)state;
    struct fixture fixture;
    int fds[25];
    fixture_start(&fixture, &(struct http_server_options){.connection_limit = 20});
    for (size_t i = 0; i < 25; i++) {
        fds[i] = fixture_connect(&fixture, 0);
        fixture_expect(fds[i], "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    }
    for (size_t i = 0; i < 5; i++)
        assert_true(fixture_is_cut(fds[i]));
    for (size_t i = 5; i < 25; i++)
        fixture_expect(fds[i], "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    for (size_t i = 0; i < 25; i++)
        close(fds[i]);
    fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_requests),
        cmocka_unit_test(lines_that_are_none),
        cmocka_unit_test(body_too_large_by_its_length),
        cmocka_unit_test(refusal_is_read_by_a_busy_sender),
        cmocka_unit_test(body_too_large_in_chunks),
        cmocka_unit_test(bodies_too_large_together),
        cmocka_unit_test(head_size),
        cmocka_unit_test(slow_requests_are_cut),
        cmocka_unit_test(idle_connections_are_cut),
        cmocka_unit_test(a_request_at_work_is_not_cut),
        cmocka_unit_test(an_end_behind_the_request),
        cmocka_unit_test(an_unread_reply_is_cut),
        cmocka_unit_test(the_longest_idle_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
