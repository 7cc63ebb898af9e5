/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/frame.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../testing.h"

struct pair {
    int ends[2];
};

static int make_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair->ends) != 0)
        return -1;
    *state = pair;
    return 0;
}

static int drop_pair(void **state)
{
    struct pair *pair = *state;
    close(pair->ends[0]);
    close(pair->ends[1]);
    free(pair);
    return 0;
}

struct received {
    struct buf json;
    int fds[FRAME_DESCRIPTORS_MAX];
    size_t count;
    bool closed;
    struct error err;
};

static bool receive(struct received *received, int socket, size_t limit, size_t descriptors)
{
    *received = (struct received){.count = descriptors};
    buf_init(&received->json, limit);
    return frame_receive(socket, &received->json, limit, received->fds, &received->count,
                         &received->closed, &received->err);
}

static void carries_json_and_descriptors(void **state)
{
    struct pair *pair = *state;
    struct error err = {0};
    struct received received;
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(frame_send(pair->ends[0], slice_from_text("{\"a\":1}"), &file, 1, &err));
    assert_true(receive(&received, pair->ends[1], 100, FRAME_DESCRIPTORS_MAX));
    assert_false(received.closed);
    assert_string_equal(buf_text(&received.json), "{\"a\":1}");
    assert_int_equal(received.count, 1);
    assert_true(fcntl(received.fds[0], F_GETFD) & FD_CLOEXEC);
    close(received.fds[0]);
    close(file);
    buf_done(&received.json);
}

static void carries_many_frames_one_after_the_other(void **state)
{
    struct pair *pair = *state;
    struct error err = {0};
    for (int i = 0; i < 3; i++)
        assert_true(frame_send(pair->ends[0], slice_from_text("{}"), NULL, 0, &err));
    for (int i = 0; i < 3; i++) {
        struct received received;
        assert_true(receive(&received, pair->ends[1], 100, 0));
        assert_int_equal(received.json.size, 2);
        buf_done(&received.json);
    }
}

static void says_when_the_peer_closed_between_frames(void **state)
{
    struct pair *pair = *state;
    struct received received;
    shutdown(pair->ends[0], SHUT_WR);
    assert_true(receive(&received, pair->ends[1], 100, 0));
    assert_true(received.closed);
    buf_done(&received.json);
}

static void refuses_a_frame_cut_at_every_byte(void **state)
{
    (void)state;
    static const uint8_t whole[] = {3, 0, 0, 0, '[', '1', ']'};
    for (size_t size = 1; size < sizeof whole; size++) {
        int ends[2];
        struct received received;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        assert_int_equal(write(ends[0], whole, size), (ssize_t)size);
        close(ends[0]);
        assert_false(receive(&received, ends[1], 100, 0));
        assert_string_equal(received.err.code->name, "admin.message");
        close(ends[1]);
        buf_done(&received.json);
    }
}

static void refuses_a_frame_over_the_limit_before_reading_it(void **state)
{
    struct pair *pair = *state;
    static const uint8_t head[] = {0xff, 0xff, 0xff, 0xff};
    struct received received;
    assert_int_equal(write(pair->ends[0], head, sizeof head), sizeof head);
    assert_false(receive(&received, pair->ends[1], 1000, 0));
    assert_string_equal(received.err.code->name, "admin.message");
    assert_int_equal(received.json.capacity, 0);
    buf_done(&received.json);
}

static void refuses_and_closes_more_descriptors_than_there_is_place_for(void **state)
{
    struct pair *pair = *state;
    struct error err = {0};
    struct received received;
    int files[3];
    for (int i = 0; i < 3; i++)
        files[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int next = dup(files[0]); /* the lowest free number: nothing above may stay open afterwards */
    close(next);
    assert_true(frame_send(pair->ends[0], slice_from_text("{}"), files, 3, &err));
    assert_false(receive(&received, pair->ends[1], 100, 2));
    assert_string_equal(received.err.code->name, "admin.message");
    int now = dup(files[0]);
    assert_int_equal(now, next);
    close(now);
    for (int i = 0; i < 3; i++)
        close(files[i]);
    buf_done(&received.json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(carries_json_and_descriptors, make_pair, drop_pair),
        cmocka_unit_test_setup_teardown(carries_many_frames_one_after_the_other, make_pair,
                                        drop_pair),
        cmocka_unit_test_setup_teardown(says_when_the_peer_closed_between_frames, make_pair,
                                        drop_pair),
        cmocka_unit_test(refuses_a_frame_cut_at_every_byte),
        cmocka_unit_test_setup_teardown(refuses_a_frame_over_the_limit_before_reading_it, make_pair,
                                        drop_pair),
        cmocka_unit_test_setup_teardown(refuses_and_closes_more_descriptors_than_there_is_place_for,
                                        make_pair, drop_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
