/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/call.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "admin/errors.h"
#include "admin/frame.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#define ARGUMENTS_MAX (1536 * 1024) /* a policy's record is up to 1 MiB */
#define PASSWORD_MAX 1024
#define LIST_MAX (1024 * 1024 * 1024)

void call_init(struct call *call, const struct option_values *values)
{
    *call = (struct call){.values = values};
    buf_init(&call->arguments, ARGUMENTS_MAX);
    json_writer_init(&call->writer, &call->arguments);
    json_write_object(&call->writer, NULL);
}

static void drop_gives(struct call *call)
{
    for (size_t i = 0; i < call->give_count; i++) {
        give_done(&call->gives[i]);
        file_close(&call->fds[i]);
    }
    call->give_count = 0;
}

void call_again(struct call *call)
{
    drop_gives(call);
    json_free(&call->document);
    call->result = NULL;
    buf_reset(&call->arguments);
    json_writer_init(&call->writer, &call->arguments);
    json_write_object(&call->writer, NULL);
}

void call_done(struct call *call)
{
    drop_gives(call);
    json_free(&call->document);
    admin_client_close(&call->client);
    buf_done(&call->arguments);
}

bool call_open(struct call *call, int *fd, const char *path)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ||
           error_set_errno(&call->err, &base_file_unreadable, errno, path, "cannot open it");
}

bool call_give(struct call *call, const char *name, struct meeting *files)
{
    size_t number = call->give_count;
    assert(number < CALL_MEETINGS_MAX);
    if (!give_init(&call->gives[number], &call->fds[number], files, &call->err))
        return false;
    call->give_count++;
    json_write_integer(&call->writer, name, (int64_t)number);
    return true;
}

/* One line from the terminal without echo; its size without the newline. */
static bool read_password(struct secret *out, const char *prompt, struct error *err)
{
    _cleanup_fd_ int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before, silent;
    if (terminal < 0 || tcgetattr(terminal, &before) != 0)
        return error_set(err, &admin_argument, NULL, "password",
                         "there is no terminal to ask on: give --password-file FILE");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    dprintf(terminal, "%s: ", prompt);
    tcsetattr(terminal, TCSAFLUSH, &silent);
    secret_init(out, PASSWORD_MAX);
    ssize_t n = read(terminal, out->data, out->size);
    tcsetattr(terminal, TCSAFLUSH, &before);
    dprintf(terminal, "\n");
    size_t size = n > 0 ? (size_t)n : 0;
    if (size > 0 && out->data[size - 1] == '\n')
        size--;
    if (size == 0) {
        secret_done(out);
        return error_set(err, &admin_argument, NULL, "password", "it is empty");
    }
    secret_shrink(out, size);
    return true;
}

static bool ask_password(struct secret *out, bool confirm, struct error *err)
{
    _cleanup_secret_ struct secret first = SECRET_EMPTY, second = SECRET_EMPTY;
    if (!read_password(&first, "Password", err) ||
        (confirm && !read_password(&second, "Once more", err)))
        return false;
    if (confirm && !secret_equal(secret_slice(&first), secret_slice(&second)))
        return error_set(err, &admin_argument, NULL, "password", "the two are not the same");
    secret_copy(out, secret_slice(&first));
    return true;
}

bool call_open_password(struct call *call, int *out, const char *path, bool confirm)
{
    if (path != NULL)
        return call_open(call, out, path);
    _cleanup_secret_ struct secret password = SECRET_EMPTY;
    if (!ask_password(&password, confirm, &call->err))
        return false;
    _cleanup_fd_ int fd = memfd_create("password", MFD_CLOEXEC);
    if (fd < 0)
        return error_set_errno(&call->err, &base_file_unwritable, errno, "password",
                               "cannot make an anonymous file");
    if (!file_write_fd(fd, secret_slice(&password), "password", &call->err))
        return false;
    lseek(fd, 0, SEEK_SET);
    *out = fd;
    fd = -1;
    return true;
}

static bool connect_service(struct call *call)
{
    if (call->client != NULL)
        return true;
    const char *path = option_text(call->values, "socket");
    if (path == NULL)
        path = getenv("HGS_SOCKET");
    return admin_client_open(&call->client, path != NULL ? path : CALL_SOCKET, &call->err);
}

static bool is_dry(const struct call *call)
{
    const struct option_entry *options = option_command(call->values)->options;
    for (; options != NULL && options->name != NULL; options++)
        if (strcmp(options->name, "dry-run") == 0)
            return option_given(call->values, "dry-run");
    return false;
}

/* The keyholder comes for its files while the service answers. Why it got none says more than that
 * the operation failed. */
static bool exchange(struct call *call, const char *operation)
{
    size_t count = call->give_count;
    for (size_t i = 0; i < count; i++)
        give_start(&call->gives[i], admin_client_peer(call->client));
    bool ok = admin_client_call(call->client, operation, buf_slice(&call->arguments), is_dry(call),
                                call->fds, count, &call->document, &call->result, &call->err);
    for (size_t i = 0; i < count; i++)
        ok = give_finish(&call->gives[i], &call->err) && ok;
    return ok;
}

bool call_run(struct call *call, const char *operation)
{
    json_write_object_end(&call->writer);
    return buf_ok(&call->arguments, operation, &call->err) && connect_service(call) &&
           exchange(call, operation);
}

/* The elements of one page; their texts go to all when it is wanted. */
static void take_page(const struct call *call, const char *name, struct json_writer *all,
                      void (*each)(void *context, const struct json *element), void *context)
{
    for (const struct json *it = json_first(json_get(call->result, name)); it != NULL;
         it = json_next(it)) {
        _cleanup_buf_ struct buf text;
        buf_init(&text, FRAME_REPLY_MAX);
        if (!option_json(call->values)) {
            each(context, it);
            continue;
        }
        json_append(&text, it);
        json_write_raw(all, NULL, buf_slice(&text));
    }
}

/* What the last page says besides. */
static void take_rest(const struct call *call, const char *name, struct json_writer *all)
{
    for (const struct json *it = json_first(call->result); it != NULL; it = json_next(it)) {
        _cleanup_buf_ struct buf text;
        buf_init(&text, FRAME_REPLY_MAX);
        if (strcmp(json_name(it), name) == 0)
            continue;
        json_append(&text, it);
        json_write_raw(all, json_name(it), buf_slice(&text));
    }
}

bool call_list(struct call *call, const char *operation, const char *name,
               void (*each)(void *context, const struct json *element), void *context)
{
    struct json_writer all;
    _cleanup_buf_ struct buf text, arguments;
    buf_init(&text, LIST_MAX);
    buf_init(&arguments, ARGUMENTS_MAX);
    buf_append(&arguments, buf_slice(&call->arguments)); /* an object that is still open */
    json_writer_init(&all, &text);
    json_write_object(&all, NULL);
    json_write_array(&all, name);
    while (call_run(call, operation)) {
        take_page(call, name, &all, each, context);
        _cleanup_free_ char *next = memory_copy_text(call_text(call->result, "next"));
        if (*next == '\0') {
            json_write_array_end(&all);
            take_rest(call, name, &all);
            json_write_object_end(&all);
            if (option_json(call->values))
                puts(buf_text(&text));
            return buf_ok(&text, operation, &call->err);
        }
        call_again(call);
        buf_reset(&call->arguments);
        buf_append(&call->arguments, buf_slice(&arguments));
        call->writer.comma = arguments.size > 1;
        json_write_text(&call->writer, "after", next);
    }
    return false;
}

int call_fail(struct call *call)
{
    return option_fail(call->values, &call->err);
}

bool call_printed(const struct call *call)
{
    if (!option_json(call->values))
        return false;
    _cleanup_buf_ struct buf text;
    buf_init(&text, 512 * 1024 * 1024);
    json_append(&text, call->result);
    puts(buf_text(&text));
    return true;
}

int call_say(const struct call *call, const char *format, ...)
{
    if (call_printed(call))
        return 0;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    puts(is_dry(call) ? " (not done: --dry-run)" : "");
    return 0;
}

void call_warn(const struct call *call, const struct json *object)
{
    if (!option_json(call->values) && json_get(object, "warning") != NULL)
        printf("Warning: %s.\n", call_text(object, "warning"));
}

bool call_time(struct call *call, int64_t *time, const char *text)
{
    struct error cause = {0};
    return clock_parse(time, text, &cause) ||
           error_set(&call->err, &admin_argument, cause.clause, text, "%s", cause.message);
}

const char *call_text(const struct json *object, const char *name)
{
    const struct json *value = object != NULL ? json_get(object, name) : NULL;
    return value != NULL && json_is_text(value) ? json_text(value) : "";
}

int64_t call_integer(const struct json *object, const char *name)
{
    const struct json *value = object != NULL ? json_get(object, name) : NULL;
    return value != NULL && json_is_number(value) ? (int64_t)json_number(value) : 0;
}

bool call_bool(const struct json *object, const char *name)
{
    const struct json *value = object != NULL ? json_get(object, name) : NULL;
    return value != NULL && json_is_bool(value) && json_bool(value);
}
