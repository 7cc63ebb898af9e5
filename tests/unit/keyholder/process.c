/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "guest.h"
#include "keyholder/message.h"
#include "process/descriptors.h"
#include "running.h"

/* These tests speak to the process themselves, as a service that was taken over could. */
static struct running running;
static int sockets[2];

static int start(void **state)
{
    (void)state;
    folder_make(running.folder);
    running_spawn(&running, sockets, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    file_close(&sockets[0]);
    file_close(&sockets[1]);
    if (running.pid != 0)
        assert_int_equal(running_wait(&running), 0);
    folder_remove(running.folder);
    return 0;
}

/* The reply to bytes, or false when the channel ended. */
static bool ask(int socket, struct slice bytes, const int *fds, size_t count,
                struct keyholder_reply *reply)
{
    static uint8_t answer[KEYHOLDER_REPLY_MAX];
    if (count > 0)
        assert_ok(descriptors_send(socket, bytes, fds, count, err));
    else
        assert_int_equal(send(socket, bytes.data, bytes.size, MSG_NOSIGNAL), bytes.size);
    ssize_t got = recv(socket, answer, sizeof answer, 0);
    if (got <= 0)
        return false;
    assert_ok(keyholder_message_parse_reply(reply, slice_of(answer, (size_t)got), err));
    return true;
}

static void refused(const struct keyholder_reply *reply, uint32_t sequence, const char *code)
{
    assert_true(reply->failed);
    assert_int_equal(reply->sequence, sequence);
    assert_true(slice_equals_text(reply->fields[0], code));
}

/* The channel still answers in step. */
static void still_serves(int socket)
{
    uint8_t head[KEYHOLDER_REQUEST_HEAD];
    struct keyholder_request request = {
        .sequence = 4711, .opcode = KEYHOLDER_FORGET, .key_id = {9}};
    keyholder_message_format_request(head, &request);
    struct keyholder_reply reply;
    assert_true(ask(socket, slice_of(head, sizeof head), NULL, 0, &reply));
    refused(&reply, 4711, "keyholder.key-unknown");
}

static void malformed_requests_are_refused_in_step(void **state)
{
    (void)state;
    struct keyholder_reply reply;
    uint8_t bytes[200] = {0x11, 0x22, 0x33, 0x44};
    for (size_t size = 1; size < sizeof bytes; size++) {
        assert_true(ask(sockets[0], slice_of(bytes, size), NULL, 0, &reply));
        refused(&reply, size < 4 ? 0 : 0x44332211, "keyholder.message");
    }
    srandom(2);
    for (int i = 0; i < 500; i++) {
        for (size_t b = 4; b < sizeof bytes; b++)
            bytes[b] = (uint8_t)random();
        bytes[4] |= 0x80; /* no opcode */
        assert_true(ask(sockets[0], slice_of(bytes, sizeof bytes), NULL, 0, &reply));
        refused(&reply, 0x44332211, "keyholder.message");
    }
    still_serves(sockets[0]);
}

static void oversized_requests_close_their_channel_only(void **state)
{
    (void)state;
    static uint8_t bytes[KEYHOLDER_REQUEST_MAX + 1];
    struct keyholder_reply reply;
    assert_false(ask(sockets[0], slice_of(bytes, sizeof bytes), NULL, 0, &reply));
    still_serves(sockets[1]);
}

static void descriptors_are_counted_and_closed(void **state)
{
    (void)state;
    uint8_t head[KEYHOLDER_REQUEST_HEAD];
    struct keyholder_reply reply;
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    int fds[KEYHOLDER_REQUEST_DESCRIPTORS_MAX] = {pipes[1], pipes[1]};
    for (enum keyholder_opcode opcode = KEYHOLDER_FORGET; opcode <= KEYHOLDER_RESTORE; opcode++) {
        struct keyholder_request request = {.sequence = 5, .opcode = opcode};
        if (opcode == KEYHOLDER_SIGN || opcode == KEYHOLDER_DECRYPT ||
            opcode == KEYHOLDER_CHECKPOINT)
            continue; /* they have payloads; forget stands for them */
        keyholder_message_format_request(head, &request);
        size_t expected = keyholder_message_descriptors(&request);
        for (size_t count = 0; count <= KEYHOLDER_REQUEST_DESCRIPTORS_MAX; count++) {
            if (count == expected)
                continue;
            assert_true(ask(sockets[0], slice_of(head, sizeof head), fds, count, &reply));
            refused(&reply, 5, "keyholder.message");
        }
    }
    /* Nobody but us has the writing end any more: the reading end sees the end. */
    close(pipes[1]);
    char byte;
    assert_int_equal(read(pipes[0], &byte, 1), 0);
    close(pipes[0]);
    still_serves(sockets[0]);
}

/* At the socket, past the client: a descriptor of the permit's name alone is no permit either. */
static void no_backup_without_permit(void **state)
{
    (void)state;
    uint8_t head[KEYHOLDER_REQUEST_HEAD];
    struct keyholder_request request = {.sequence = 6, .opcode = KEYHOLDER_BACKUP};
    keyholder_message_format_request(head, &request);
    struct keyholder_reply reply;
    char path[128];
    still_serves(sockets[0]); /* the folder is there now */
    snprintf(path, sizeof path, "%s/%s", running.folder, KEYHOLDER_PERMIT_FILE);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int fds[2] = {null, null};
    assert_true(ask(sockets[0], slice_of(head, sizeof head), fds, 2, &reply));
    refused(&reply, 6, "keyholder.meeting");
    const int permits[] = {-1, dup(null), open(path, O_PATH | O_CLOEXEC)};
    for (size_t i = 0; i < 3; i++) {
        struct guest guest;
        struct meeting files = MEETING_NONE;
        files.fds[MEETING_PERMIT] = permits[i];
        files.fds[MEETING_PASSWORD] = dup(null);
        files.fds[MEETING_BACKUP] = dup(null);
        fds[0] = guest_come(&guest, KEYHOLDER_BACKUP, files, running.pid);
        assert_true(ask(sockets[0], slice_of(head, sizeof head), fds, 2, &reply));
        refused(&reply, 6, "keyholder.permit");
        assert_true(guest_go(&guest));
        close(fds[0]);
    }
    close(null);
    still_serves(sockets[0]);
}

static void it_ends_with_its_channels_and_ignores_the_terminal(void **state)
{
    (void)state;
    still_serves(sockets[0]);
    kill(running.pid, SIGINT);
    kill(running.pid, SIGHUP);
    kill(running.pid, SIGPIPE);
    still_serves(sockets[0]);
    file_close(&sockets[0]);
    still_serves(sockets[1]);
    file_close(&sockets[1]);
    assert_int_equal(running_wait(&running), 0);
}

static void a_peer_that_does_not_wait_for_replies_does_no_harm(void **state)
{
    (void)state;
    uint8_t bytes[8] = {1};
    for (int i = 0; i < 50; i++)
        assert_int_equal(send(sockets[0], bytes, sizeof bytes, MSG_NOSIGNAL), sizeof bytes);
    file_close(&sockets[0]);
    still_serves(sockets[1]);
}

static void a_wide_open_cluster_key_stops_it(void **state)
{
    (void)state;
    still_serves(sockets[0]);
    file_close(&sockets[0]);
    file_close(&sockets[1]);
    assert_int_equal(running_wait(&running), 0);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", running.folder, CLUSTER_KEY_FILE);
    assert_int_equal(chmod(path, 0644), 0);
    int sockets_there[1] = {dup(0)};
    struct keyholder_process_options options = {running.folder, sockets_there, 1, false};
    assert_refused(keyholder_process_run(&options, err), "keyholder.cluster-key");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(malformed_requests_are_refused_in_step),
        TEST(oversized_requests_close_their_channel_only),
        TEST(descriptors_are_counted_and_closed),
        TEST(no_backup_without_permit),
        TEST(it_ends_with_its_channels_and_ignores_the_terminal),
        TEST(a_peer_that_does_not_wait_for_replies_does_no_harm),
        TEST(a_wide_open_cluster_key_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
