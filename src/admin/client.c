/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "admin/errors.h"
#include "admin/frame.h"
#include "base/file.h"
#include "base/memory.h"

/* Of a trail, or a backup of all hosts: a reply has up to FRAME_REPLY_MAX bytes. */
#define REPLY_VALUES_MAX 16000000

struct admin_client {
    int socket;
    char *path;
    /* The code of the last error that the service sent, which may be newer than our tables. */
    struct error_code code;
    char *name, *cause, *remedy, *clause;
};

static void forget_code(struct admin_client *client)
{
    memory_free_pointer(&client->name);
    memory_free_pointer(&client->cause);
    memory_free_pointer(&client->remedy);
    memory_free_pointer(&client->clause);
}

static bool unreachable(struct error *err, const char *path, int number)
{
    if (number == ENOENT)
        return error_set(err, &admin_unreachable, NULL, path, "there is no such socket");
    if (number == ECONNREFUSED)
        return error_set(err, &admin_unreachable, NULL, path,
                         "the socket is left over from a service that does not run");
    if (number == EACCES)
        return error_set(err, &admin_denied, NULL, path,
                         "you may not open the socket; it is for the groups of [admin]");
    return error_set_errno(err, &admin_unreachable, number, path, "cannot connect");
}

bool admin_client_open(struct admin_client **out, const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, &admin_argument, NULL, path,
                         "a socket's path has at most %zu characters", sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return unreachable(err, path, errno);
    struct admin_client *client = memory_allocate_zero(1, sizeof *client);
    client->socket = fd;
    client->path = memory_copy_text(path);
    fd = -1;
    *out = client;
    return true;
}

void admin_client_close(struct admin_client **client_pointer)
{
    struct admin_client *client = memory_steal(client_pointer);
    if (client == NULL)
        return;
    file_close(&client->socket);
    forget_code(client);
    free(client->path);
    free(client);
}

pid_t admin_client_peer(const struct admin_client *client)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    bool known = getsockopt(client->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    return known ? peer.pid : 0;
}

static enum error_kind kind_of(const char *name)
{
    for (enum error_kind kind = ERROR_NONE; kind <= ERROR_INTERNAL; kind++)
        if (strcmp(error_kind_name(kind), name) == 0)
            return kind;
    return ERROR_INTERNAL;
}

/* Takes over the service's error: its texts are kept in the client, since the document goes away.
 */
static bool take_error(struct admin_client *client, const struct json *error, struct error *err)
{
    const char *name, *kind, *object, *message, *cause, *remedy, *clause;
    if (!json_get_text(&name, error, "code", err) || !json_get_text(&kind, error, "kind", err) ||
        !json_get_text(&message, error, "message", err) ||
        !json_get_text_or(&object, error, "object", "", err) ||
        !json_get_text_or(&cause, error, "cause", "", err) ||
        !json_get_text_or(&remedy, error, "remedy", "", err) ||
        !json_get_text_or(&clause, error, "clause", "", err))
        return false;
    forget_code(client);
    client->name = memory_copy_text(name);
    client->cause = memory_copy_text(cause);
    client->remedy = memory_copy_text(remedy);
    client->clause = memory_copy_text(clause);
    client->code = (struct error_code){client->name, kind_of(kind), client->cause, client->remedy};
    return error_set(err, &client->code, *client->clause != '\0' ? client->clause : NULL,
                     *object != '\0' ? object : NULL, "%s", message);
}

static void write_request(struct buf *out, const char *operation, struct slice arguments,
                          bool dry_run)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "operation", operation);
    json_write_raw(&writer, "arguments", arguments);
    json_write_bool(&writer, "dry_run", dry_run);
    json_write_object_end(&writer);
}

static bool exchange(struct admin_client *client, struct buf *request, struct buf *reply,
                     const int *fds, size_t count, struct error *err)
{
    size_t none = 0;
    bool closed = false;
    if (!buf_ok(request, "request", err) ||
        !frame_send(client->socket, buf_slice(request), fds, count, err) ||
        !frame_receive(client->socket, reply, FRAME_REPLY_MAX, NULL, &none, &closed, err))
        return false;
    if (closed)
        return error_set(err, &admin_unreachable, NULL, client->path,
                         "the service closed the connection before it answered");
    return true;
}

bool admin_client_call(struct admin_client *client, const char *operation, struct slice arguments,
                       bool dry_run, const int *fds, size_t count, struct json **document,
                       const struct json **result, struct error *err)
{
    _cleanup_buf_ struct buf request, reply;
    buf_init(&request, FRAME_REQUEST_MAX);
    buf_init(&reply, FRAME_REPLY_MAX);
    write_request(&request, operation, arguments, dry_run);
    _cleanup_json_ struct json *parsed = NULL;
    bool ok = false;
    if (!exchange(client, &request, &reply, fds, count, err) ||
        !json_parse_many(&parsed, buf_slice(&reply), REPLY_VALUES_MAX, err) ||
        !json_get_bool(&ok, parsed, "ok", err))
        return false;
    if (!ok) {
        const struct json *error;
        return json_get_object(&error, parsed, "error", err) && take_error(client, error, err);
    }
    *result = json_get(parsed, "result");
    *document = memory_steal(&parsed);
    return true;
}
