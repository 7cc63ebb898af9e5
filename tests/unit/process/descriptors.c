/* SPDX-License-Identifier: Apache-2.0 */
#include "process/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../testing.h"
#include "process/errors.h"

static int pair[2];

static int set_up(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int tear_down(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static int count_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void test_message_alone(void **state)
{
    (void)state;
    char bytes[16];
    size_t received = 0, count = 4;
    int fds[4];
    assert_ok(descriptors_send(pair[0], slice_from_text("hello"), NULL, 0, err));
    assert_ok(descriptors_receive(pair[1], bytes, 5, &received, fds, &count, err));
    assert_int_equal(received, 5);
    assert_int_equal(count, 0);
    assert_memory_equal(bytes, "hello", 5);
}

static void test_descriptors_pass(void **state)
{
    (void)state;
    char bytes[16], line[16] = "";
    size_t received = 0, count = 2;
    int ends[2], fds[2];
    assert_int_equal(pipe(ends), 0);
    assert_ok(descriptors_send(pair[0], slice_from_text("x"), ends, 2, err));
    close(ends[0]);
    close(ends[1]);
    assert_ok(descriptors_receive(pair[1], bytes, sizeof bytes, &received, fds, &count, err));
    assert_int_equal(count, 2);
    assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(fds[1], "through", 7), 7);
    assert_int_equal(read(fds[0], line, sizeof line), 7);
    assert_string_equal(line, "through");
    close(fds[0]);
    close(fds[1]);
}

static void test_most(void **state)
{
    (void)state;
    char byte;
    size_t received = 0, count = DESCRIPTORS_MAX;
    int many[DESCRIPTORS_MAX], fds[DESCRIPTORS_MAX];
    for (size_t i = 0; i < DESCRIPTORS_MAX; i++)
        many[i] = STDERR_FILENO;
    assert_ok(descriptors_send(pair[0], slice_from_text("x"), many, DESCRIPTORS_MAX, err));
    assert_ok(descriptors_receive(pair[1], &byte, 1, &received, fds, &count, err));
    assert_int_equal(count, DESCRIPTORS_MAX);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* Sends count descriptors with a message of size bytes, past what descriptors_send allows. */
static void send_raw(size_t size, size_t count)
{
    char bytes[64] = "", control[CMSG_SPACE(200 * sizeof(int))] = "";
    struct iovec vector = {bytes, size};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; i++)
        memcpy(CMSG_DATA(header) + i * sizeof(int), &(int){STDERR_FILENO}, sizeof(int));
    assert_int_equal(sendmsg(pair[0], &message, 0), size);
}

/* Whatever is wrong with a message, no descriptor of it stays open. */
static void test_cut_messages(void **state)
{
    (void)state;
    static const struct {
        size_t size, room, descriptors, wanted;
    } cases[] = {
        {17, 16, 2, 2},   /* bytes cut */
        {1, 16, 3, 2},    /* more than wanted, in the space that alignment leaves */
        {1, 16, 1, 0},    /* none wanted */
        {1, 16, 65, 64},  /* the list cut */
        {1, 16, 200, 64}, /* the list cut */
        {0, 16, 2, 2},    /* nothing but descriptors */
    };
    int before = count_open();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[16];
        int fds[64];
        size_t received = 99, count = cases[i].wanted;
        send_raw(cases[i].size, cases[i].descriptors);
        assert_refused(
            descriptors_receive(pair[1], bytes, cases[i].room, &received, fds, &count, err),
            process_socket);
        assert_int_equal(received, 99);
        assert_int_equal(count_open(), before);
    }
}

static void test_closed_peer(void **state)
{
    (void)state;
    char byte;
    size_t received = 99, count = 0;
    close(pair[0]);
    assert_ok(descriptors_receive(pair[1], &byte, 1, &received, NULL, &count, err));
    assert_int_equal(received, 0);
    assert_refused(descriptors_send(pair[1], slice_from_text("x"), NULL, 0, err), process_socket);
    pair[0] = dup(STDERR_FILENO);
    assert_refused(descriptors_receive(pair[0], &byte, 1, &received, NULL, &count, err),
                   process_socket);
}

static void test_peer(void **state)
{
    (void)state;
    uid_t uid = 1;
    gid_t gid = 1, *groups = NULL, mine[256];
    pid_t pid = 1;
    size_t count = 99;
    assert_ok(descriptors_peer(pair[0], &uid, &gid, &pid, &groups, &count, err));
    assert_int_equal(uid, geteuid());
    assert_int_equal(gid, getegid());
    assert_int_equal(pid, getpid());
    int mine_count = getgroups(256, mine);
    assert_int_equal(count, mine_count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(groups[i], mine[i]);
    free(groups);
    assert_refused(descriptors_peer(STDERR_FILENO, &uid, &gid, &pid, &groups, &count, err),
                   process_socket);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_message_alone), TEST(test_descriptors_pass), TEST(test_most),
        TEST(test_cut_messages),  TEST(test_closed_peer),      TEST(test_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
