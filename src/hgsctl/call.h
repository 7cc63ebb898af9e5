/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One command of hgsctl is one call of the service: arguments go into a JSON object, files go along
 * as descriptors that the service forwards unread, and the result is printed as it came (--json) or
 * as a table.
 */

#include "admin/client.h"
#include "base/json.h"
#include "base/option.h"

#define CALL_DESCRIPTORS_MAX 8
#define CALL_SOCKET "/run/hgs/admin.sock"

struct call {
    const struct option_values *values;
    struct admin_client *client;
    struct buf arguments;
    struct json_writer writer; /* of the arguments' object, open */
    int fds[CALL_DESCRIPTORS_MAX];
    size_t fd_count;
    struct json *document;
    const struct json *result; /* of the last call_run */
    struct error err;
};

/* Begins the arguments of a call. Nothing can fail yet: errors are kept in call->err. */
void call_init(struct call *call, const struct option_values *values);
void call_done(struct call *call);
#define _cleanup_call_ __attribute__((cleanup(call_done)))

/* Opens path for reading and adds it as argument `name` (the descriptor's index). False with
 * call->err set. */
bool call_add_file(struct call *call, const char *name, const char *path);
/* As call_add_file for a descriptor that is open already; taken over. */
void call_add_descriptor(struct call *call, const char *name, int fd);
/*
 * A password as argument `name`: from path; or, where path is NULL, asked for on the terminal
 * (twice when confirm). It never stands in a variable longer than it takes to write it into an
 * anonymous file.
 */
bool call_add_password(struct call *call, const char *name, const char *path, bool confirm);

/* The file that was added last, once more with a position of its own, as argument `name`. */
bool call_add_again(struct call *call, const char *name);

/* Sends it. False with call->err set. May be called again with new arguments after call_again. */
bool call_run(struct call *call, const char *operation);
void call_again(struct call *call);

/* Prints the error and gives the exit status. */
int call_fail(struct call *call);
/* Prints the result as JSON when --json was given; then true. */
bool call_printed(const struct call *call);
/* What a changing command says: nothing more than the sentence, with "would be" in a dry run. 0. */
int call_say(const struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A text of the result (or of an object in it), "" when absent: results are for showing, not for
 * deciding. */
const char *call_text(const struct json *object, const char *name);
int64_t call_integer(const struct json *object, const char *name);
bool call_bool(const struct json *object, const char *name);
