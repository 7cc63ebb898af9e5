/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/meeting.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "keyholder/errors.h"
#include "keyholder/stream.h"
#include "process/descriptors.h"
#include "process/errors.h"

#define BIT(file) (1u << (file))

/* The message over the line: the operation, and which files come with it, in their order. */
#define MESSAGE_SIZE 2

static const struct {
    enum keyholder_opcode operation;
    unsigned needed, allowed;
} uses[] = {
    {KEYHOLDER_IMPORT, BIT(MEETING_KEY),
     BIT(MEETING_KEY) | BIT(MEETING_CERTIFICATE) | BIT(MEETING_PASSWORD)},
    {KEYHOLDER_BACKUP, BIT(MEETING_PASSWORD) | BIT(MEETING_BACKUP),
     BIT(MEETING_PASSWORD) | BIT(MEETING_BACKUP) | BIT(MEETING_PERMIT)},
    {KEYHOLDER_RESTORE, BIT(MEETING_PASSWORD) | BIT(MEETING_BACKUP),
     BIT(MEETING_PASSWORD) | BIT(MEETING_BACKUP)},
    {KEYHOLDER_UNLOCK, BIT(MEETING_PASSWORD), BIT(MEETING_PASSWORD)},
};

void meeting_done(struct meeting *meeting)
{
    for (size_t i = 0; i < MEETING_FILES; i++)
        file_close(&meeting->fds[i]);
}

bool meeting_open(int *here, int *there, struct error *err)
{
    int pair[2], on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set_errno(err, &process_socket, errno, "keyholder", "no meeting can be made");
    if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
        int number = errno;
        close(pair[0]);
        close(pair[1]);
        return error_set_errno(err, &process_socket, number, "keyholder", "no meeting can be made");
    }
    *here = pair[0];
    *there = pair[1];
    return true;
}

/* What came to the meeting: a line, and who sent it. */
struct arrival {
    int line;
    pid_t sender;
};

static void take_control(struct arrival *arrival, struct msghdr *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        struct ucred credentials;
        if (header->cmsg_level != SOL_SOCKET)
            continue;
        if (header->cmsg_type == SCM_CREDENTIALS) {
            memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
            arrival->sender = credentials.pid;
        } else if (header->cmsg_type == SCM_RIGHTS) {
            memcpy(&arrival->line, CMSG_DATA(header), sizeof arrival->line);
        }
    }
}

/* *arrival has no line when nobody came. */
static bool await(struct arrival *arrival, int here, struct error *err)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    } control;
    char byte;
    struct iovec vector = {&byte, sizeof byte};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got;
    do
        got = recvmsg(here, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    *arrival = (struct arrival){.line = -1};
    if (got < 0 && errno != ECONNRESET)
        return error_set_errno(err, &process_socket, errno, "keyholder", "cannot be met");
    if (got > 0)
        take_control(arrival, &message);
    return true;
}

static bool send_files(int line, const struct meeting *meeting, struct error *err)
{
    int fds[MEETING_FILES];
    size_t count = 0;
    uint8_t bytes[MESSAGE_SIZE] = {(uint8_t)meeting->operation, 0};
    for (unsigned file = 0; file < MEETING_FILES; file++) {
        if (meeting->fds[file] < 0)
            continue;
        bytes[1] |= (uint8_t)BIT(file);
        fds[count++] = meeting->fds[file];
    }
    return descriptors_send(line, slice_of(bytes, sizeof bytes), fds, count, err);
}

bool meeting_give(int here, const struct meeting *meeting,
                  bool (*is_keyholder)(void *context, pid_t sender, struct error *err),
                  void *context, struct error *err)
{
    struct arrival arrival;
    if (!await(&arrival, here, err))
        return false;
    _cleanup_fd_ int line = arrival.line;
    return line < 0 ||
           (is_keyholder(context, arrival.sender, err) && send_files(line, meeting, err));
}

static bool none(struct error *err, const char *why)
{
    return error_set(err, &keyholder_meeting, NULL, "hgsctl", "%s", why);
}

/* Sends one end of a new line to the meeting and keeps the other. */
static bool offer_line(int *line, int there, struct error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return none(err, "no line can be made to it");
    bool sent = descriptors_send(there, slice_from_text("!"), &pair[1], 1, NULL);
    close(pair[1]);
    if (!sent) {
        close(pair[0]);
        return none(err, "it is not there");
    }
    *line = pair[0];
    return true;
}

static bool wait_for_files(int line)
{
    struct pollfd wait = {.fd = line, .events = POLLIN};
    int ready;
    do
        ready = poll(&wait, 1, STREAM_WAIT_MS);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Which files operation takes, and no others. */
static bool is_fit(enum keyholder_opcode operation, const uint8_t message[MESSAGE_SIZE])
{
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        if (uses[i].operation == operation)
            return message[0] == operation && (message[1] & uses[i].needed) == uses[i].needed &&
                   (message[1] & ~uses[i].allowed) == 0;
    }
    return false;
}

static bool take_files(struct meeting *out, int line, struct error *err)
{
    uint8_t message[MESSAGE_SIZE];
    int fds[MEETING_FILES];
    size_t size = 0, count = MEETING_FILES, next = 0;
    if (!wait_for_files(line) ||
        !descriptors_receive(line, message, sizeof message, &size, fds, &count, NULL))
        return none(err, "it gave no files");
    bool whole = size == MESSAGE_SIZE && count == (size_t)__builtin_popcount(message[1]);
    for (unsigned file = 0; whole && file < MEETING_FILES; file++)
        if ((message[1] & BIT(file)) != 0)
            out->fds[file] = fds[next++];
    while (next < count)
        close(fds[next++]);
    return (whole && is_fit(out->operation, message)) ||
           none(err, size == 0 ? "it gave no files" : "it gave files for something else");
}

bool meeting_receive(struct meeting *out, int there, enum keyholder_opcode operation,
                     struct error *err)
{
    _cleanup_fd_ int line = -1;
    _cleanup_meeting_ struct meeting meeting = MEETING_NONE;
    meeting.operation = operation;
    if (!offer_line(&line, there, err) || !take_files(&meeting, line, err))
        return false;
    *out = meeting;
    meeting = MEETING_NONE;
    return true;
}
