/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <sched.h>

/* Stopping, while clients and workers are at different points. */

struct stopper {
    struct http_server *server;
    int64_t milliseconds;
    pthread_t thread;
};

static void *stop(void *context)
{
    struct stopper *stopper = context;
    http_server_stop(&stopper->server, stopper->milliseconds);
    return NULL;
}

static void start_stop(struct stopper *stopper, struct fixture *fixture, int64_t milliseconds)
{
    stopper->server = fixture->server;
    stopper->milliseconds = milliseconds;
    fixture->server = NULL;
    assert_int_equal(pthread_create(&stopper->thread, NULL, stop, stopper), 0);
}

static void nothing_under_way(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    fixture_stop(&fixture);
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    int port = (int)http_server_port(fixture.server, 0);
    fixture_expect(fd, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    fixture_stop(&fixture);
    assert_true(fixture_is_cut(fd));
    close(fd);
    /* Nobody listens there any more. */
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), -1);
    close(fd);
}

static void requests_at_work_are_finished(void **state)
{
    (void)state;
    struct fixture fixture;
    struct stopper stopper;
    int fds[20];
    fixture_start(&fixture, NULL);
    int idle = fixture_connect(&fixture, 0);
    fixture_expect(idle, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    for (int i = 0; i < 20; i++) {
        fds[i] = fixture_connect(&fixture, 0);
        fixture_send(fds[i], "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nheld");
    }
    fixture_wait_held(&fixture, 20);
    start_stop(&stopper, &fixture, FIXTURE_WAIT_MS);
    assert_true(fixture_is_cut(idle)); /* so the stop has begun */
    close(idle);
    fixture_release(&fixture);
    pthread_join(stopper.thread, NULL);
    for (int i = 0; i < 20; i++) {
        struct fixture_reply reply;
        assert_true(fixture_receive(fds[i], &reply));
        assert_int_equal(reply.status, 200);
        assert_non_null(strstr(reply.head, "\r\nConnection: close\r\n"));
        assert_string_equal(buf_text(&reply.body), "held");
        buf_done(&reply.body);
        close(fds[i]);
    }
    fixture_stop(&fixture);
}

static void a_request_that_is_arriving_is_finished(void **state)
{
    (void)state;
    struct fixture fixture;
    struct stopper stopper;
    fixture_start(&fixture, NULL);
    int fd = fixture_connect(&fixture, 0);
    char line[26] = {0};
    fixture_send(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                     "Content-Length: 4\r\n\r\n");
    assert_int_equal(recv(fd, line, 25, MSG_WAITALL), 25);
    int idle = fixture_connect(&fixture, 0);
    fixture_expect(idle, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", 200, NULL);
    start_stop(&stopper, &fixture, FIXTURE_WAIT_MS);
    assert_true(fixture_is_cut(idle));
    close(idle);
    fixture_expect(fd, "late", 200, "late");
    pthread_join(stopper.thread, NULL);
    close(fd);
    fixture_stop(&fixture);
}

/* What the workers have not finished in time is answered without them, and their replies, when the
 * server is long gone, harm nobody. */
static void requests_at_work_are_abandoned(void **state)
{
    (void)state;
    struct fixture fixture;
    int fds[20];
    fixture_start(&fixture, NULL);
    for (int i = 0; i < 20; i++) {
        fds[i] = fixture_connect(&fixture, 0);
        fixture_send(fds[i], "POST /hold HTTP/1.1\r\nHost: h\r\nX-Test: header\r\n"
                             "Content-Length: 4\r\n\r\nheld");
    }
    fixture_wait_held(&fixture, 20);
    http_server_stop(&fixture.server, 50);
    for (int i = 0; i < 20; i++) {
        struct fixture_reply reply;
        assert_true(fixture_receive(fds[i], &reply));
        assert_int_equal(reply.status, 503);
        assert_true(fixture_is_cut(fds[i]));
        buf_done(&reply.body);
        close(fds[i]);
        /* The worker still has all of the request. */
        assert_string_equal(http_request_path(fixture.held[i]), "/hold");
        assert_string_equal(http_request_header(fixture.held[i], "X-Test"), "header");
        assert_true(slice_equals_text(http_request_body(fixture.held[i]), "held"));
    }
    fixture_release(&fixture);
    fixture_stop(&fixture);
}

static void slow_clients_do_not_hold_up_the_stop(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    int half = fixture_connect(&fixture, 0);
    char line[26] = {0};
    fixture_send(half, "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                       "Content-Length: 4\r\n\r\n");
    assert_int_equal(recv(half, line, 25, MSG_WAITALL), 25);
    int deaf = fixture_connect(&fixture, 0);
    for (int i = 0; i < 10; i++)
        fixture_send(deaf, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(recv(deaf, line, 25, MSG_PEEK | MSG_WAITALL), 25);
    fixture_stop(&fixture);
    assert_true(fixture_is_cut(half));
    close(half);
    close(deaf);
}

/* Replies that arrive while the server stops without waiting: each is either taken or not missed.
 */
static void replies_race_with_the_stop(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        struct fixture fixture;
        struct stopper stopper;
        int fds[10];
        fixture_start(&fixture, NULL);
        for (int i = 0; i < 10; i++) {
            fds[i] = fixture_connect(&fixture, 0);
            fixture_send(fds[i], "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nheld");
        }
        fixture_wait_held(&fixture, 10);
        start_stop(&stopper, &fixture, 0);
        fixture_release(&fixture);
        pthread_join(stopper.thread, NULL);
        for (int i = 0; i < 10; i++) {
            struct fixture_reply reply;
            assert_true(fixture_receive(fds[i], &reply));
            assert_true(reply.status == 200 || reply.status == 503);
            buf_done(&reply.body);
            close(fds[i]);
        }
        fixture_stop(&fixture);
    }
}

/* Each look has the thread go around once more; a handler that does not return keeps it from that.
 */
static void tells_whether_it_moves(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t mark = 0;
    fixture_start(&fixture, NULL);
    assert_true(http_server_moves(fixture.server, &mark));
    for (int i = 0; i < 3; i++) {
        uint64_t before = mark;
        while (!http_server_moves(fixture.server, &mark))
            sched_yield();
        assert_true(mark > before);
    }
    fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_whether_it_moves),
        cmocka_unit_test(nothing_under_way),
        cmocka_unit_test(requests_at_work_are_finished),
        cmocka_unit_test(a_request_that_is_arriving_is_finished),
        cmocka_unit_test(requests_at_work_are_abandoned),
        cmocka_unit_test(slow_clients_do_not_hold_up_the_stop),
        cmocka_unit_test(replies_race_with_the_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
