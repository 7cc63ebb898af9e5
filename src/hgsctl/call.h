/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One command of hgsctl is one call of the service: arguments go into a JSON object, the result is
 * printed as it came (--json) or as a table. Private files go to the keyholder at a meeting
 * (hgsctl/give.h), past the service.
 */

#include "admin/client.h"
#include "base/json.h"
#include "base/option.h"
#include "hgsctl/give.h"

#define CALL_MEETINGS_MAX 2
#define CALL_SOCKET "/run/hgs/admin.sock"

struct call {
    const struct option_values *values;
    struct admin_client *client;
    struct buf arguments;
    struct json_writer writer; /* of the arguments' object, open */
    struct give gives[CALL_MEETINGS_MAX];
    int fds[CALL_MEETINGS_MAX]; /* the ends that go along */
    size_t give_count;
    struct json *document;
    const struct json *result; /* of the last call_run */
    struct error err;
};

/* Begins the arguments of a call. Nothing can fail yet: errors are kept in call->err. */
void call_init(struct call *call, const struct option_values *values);
void call_done(struct call *call);
#define _cleanup_call_ __attribute__((cleanup(call_done)))

/* Opens path for reading. False with call->err set. */
bool call_open(struct call *call, int *fd, const char *path);
/*
 * A password: the file at path; or, where path is NULL, asked for on the terminal (twice when
 * confirm). It never stands in a variable longer than it takes to write it into an anonymous file.
 */
bool call_open_password(struct call *call, int *fd, const char *path, bool confirm);
/* Files for the keyholder, whose descriptors are taken over; the forwarded end of the meeting is
 * argument `name`. At most CALL_MEETINGS_MAX. */
bool call_give(struct call *call, const char *name, struct meeting *files);

/* Sends it. False with call->err set. May be called again with new arguments after call_again. */
bool call_run(struct call *call, const char *operation);
void call_again(struct call *call);

/*
 * Runs a listing to its end, page after page (admin/page.h), with the same arguments each time.
 * Each element of the result's array `name` is handed to each; with --json one document with all of
 * them, and what else the last page says, is printed instead. call->result is the last page. False
 * with call->err set.
 */
bool call_list(struct call *call, const char *operation, const char *name,
               void (*each)(void *context, const struct json *element), void *context);

/* Prints the error and gives the exit status. */
int call_fail(struct call *call);
/* Prints the result as JSON when --json was given; then true. */
bool call_printed(const struct call *call);
/* What a changing command says: nothing more than the sentence, with "would be" in a dry run. 0. */
int call_say(const struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints what object, of the result, warns of (its member "warning"), unless JSON was printed. */
void call_warn(const struct call *call, const struct json *object);
/* A time that was given on the command line; else call->err says that it is none: wrong usage. */
bool call_time(struct call *call, int64_t *time, const char *text);
/* A text of the result (or of an object in it), "" when absent: results are for showing, not for
 * deciding. */
const char *call_text(const struct json *object, const char *name);
int64_t call_integer(const struct json *object, const char *name);
bool call_bool(const struct json *object, const char *name);
