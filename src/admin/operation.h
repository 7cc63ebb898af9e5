/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Management as one table of operations: name, the role that may use it, and its function. hgsctl's
 * commands are these operations with words around them.
 *
 * A changing operation reads, checks, and hands its store changes to admin_change_commit
 * (change.h), which knows about
 * --dry-run, the audit trail, and waiting until this node enforces what was stored.
 */

#include <sys/types.h>

#include "attestation/service.h"
#include "base/json.h"
#include "keyprotection/service.h"

enum admin_role {
    ADMIN_ROLE_NONE,
    ADMIN_ROLE_REVIEWER,      /* may look */
    ADMIN_ROLE_ADMINISTRATOR, /* may change */
};

/* What operations work on; handed down by the service. */
struct admin_services {
    struct store *store;
    struct keyholder *keyholder;
    struct audit *audit;
    const struct clock *clock;
    struct attestation_service *attestation;
    struct keyprotection_service *keyprotection;
    const char *node;
    const char *audit_folder;
    void *context; /* for the functions below */
    /* Waits until this node works with the store's revision; false after milliseconds. */
    bool (*wait_applied)(void *context, int64_t revision, int64_t milliseconds);
    /* By how many seconds this node's clock is ahead of what else it knows of time. */
    int64_t (*clock_offset)(void *context);
    /* Adds properties about this process to an object: addresses, users, sandbox, connections,
     * queues, keys. */
    void (*describe)(void *context, struct json_writer *writer);
    /* Adds what is of this node to its object among the nodes: certificates_unusable. */
    void (*describe_node)(void *context, struct json_writer *writer);
    /* Adds "tokens" to an object (hgsd/tokens.h). */
    void (*describe_tokens)(void *context, struct json_writer *writer);
    /* Which of this node's tokens has the key of a PKCS#11 URI. hgsd.token-unknown,
     * hgsd.token-ambiguous, token.uri. */
    bool (*token_for)(void *context, const char *key_uri, unsigned *token, struct error *err);
    /* Why the files that a reload (SIGHUP) reads were not all taken the last time; false: they
     * were, or nobody asked. */
    bool (*reload_problem)(void *context, struct error *out);
    const char *keyholder_user; /* that reads key files; "": whom the service is, too */
    const char *key_folder;     /* "": there is none */
};

struct admin_caller {
    uid_t uid;
    pid_t pid;
    char name[64]; /* the user's name, or its number */
    enum admin_role role;
};

struct admin_request {
    const struct admin_services *services;
    const struct admin_caller *caller;
    const char *operation;
    const struct json *arguments; /* an object */
    bool dry_run;
    int *fds; /* owned by the server; an operation that passes one on sets its place to -1 */
    size_t fd_count;
};

struct admin_operation {
    const char *name;
    enum admin_role role; /* the least that may use it */
    /* Writes exactly one JSON value (the result) with a NULL name. */
    bool (*run)(struct admin_request *request, struct json_writer *result, struct error *err);
};

/* NULL when there is no such operation. */
const struct admin_operation *admin_operation_find(const char *name);

/* A descriptor named by argument `name` (its index among the frame's); -1 when the argument is
 * absent. Taken over: the caller declares it _cleanup_fd_ and hands it on with admin_request_give.
 */
bool admin_request_descriptor(int *fd, struct admin_request *request, const char *name,
                              struct error *err);
/* *fd, for a function that takes it over; -1 stays here. */
int admin_request_give(int *fd);
/* An object's name as commands.md allows it: [A-Za-z0-9][A-Za-z0-9._-]{0,127}. admin.argument. */
bool admin_request_name(const char **name, const struct admin_request *request, struct error *err);
/* Argument "trust": a mode that this version can attest in. admin.argument, admin.mode-unsupported.
 */
bool admin_request_mode(enum attestation_mode *mode, const struct admin_request *request,
                        struct error *err);
