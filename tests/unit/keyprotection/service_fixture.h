/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A service with an audit trail, and requests whose replies are waited for. */

#include "base/file.h"
#include "keyprotection/service.h"
#include "world.h"

#include <semaphore.h>
#include <time.h>

static char audit_folder[FOLDER_SIZE];
static struct audit *audit;
static struct clock test_clock;

static inline int setup(void **state)
{
    make_world(state);
    folder_make(audit_folder);
    test_clock.offset = NOW - (int64_t)time(NULL);
    struct audit_options options = {
        .folder = audit_folder,
        .node = "n1",
        .rotate_size = 64 * 1024 * 1024,
        .checkpoint_every = 1000,
        .clock = &test_clock,
    };
    assert_ok(audit_start(&audit, &options, err));
    return 0;
}

static inline int teardown(void **state)
{
    audit_stop(&audit);
    folder_remove(audit_folder);
    return free_world(state);
}

static bool host_is_known;

static inline bool name_host(void *context, const char *identity,
                             char name[KEYPROTECTION_NAME_SIZE])
{
    assert_null(context);
    if (!host_is_known || strcmp(identity, HOST) != 0)
        return false;
    snprintf(name, KEYPROTECTION_NAME_SIZE, "n1");
    return true;
}

/* What was handed over to a token's workers; they are this test itself. */
static struct {
    bool full;
    unsigned token, count;
    void (*go_on)(void *work);
    void *work;
} handed;

static inline bool hand_over(void *context, unsigned token, void (*go_on)(void *work), void *work)
{
    assert_null(context);
    handed.token = token;
    handed.count++;
    handed.go_on = go_on;
    handed.work = work;
    return !handed.full;
}

static inline struct keyprotection_service *start_service(struct keyholder *keyholder)
{
    struct keyprotection_service *service = NULL;
    struct keyprotection_options options = {.store = world.store,
                                            .keyholder = keyholder,
                                            .audit = audit,
                                            .clock = &test_clock,
                                            .name_host = name_host,
                                            .hand_over = hand_over};
    assert_ok(keyprotection_service_new(&service, &options, err));
    return service;
}

/* A reply that is waited for. */
struct waiting {
    sem_t replied;
    int replies;
    unsigned status;
    struct buf body;
    bool recorded; /* the trail held key.released when the reply came */
};

static inline void read_trail(struct buf *out)
{
    char path[128];
    snprintf(path, sizeof path, "%s/audit.log", audit_folder);
    buf_init(out, 16 * 1024 * 1024);
    assert_ok(file_read(out, path, err));
}

static inline bool trail_holds(const char *text)
{
    _cleanup_buf_ struct buf trail;
    read_trail(&trail);
    return strstr(buf_text(&trail), text) != NULL;
}

static inline void take_reply(void *context, unsigned status, struct buf *body)
{
    struct waiting *waiting = context;
    waiting->status = status;
    waiting->replies++;
    waiting->recorded = trail_holds("key.released");
    buf_init(&waiting->body, 4 * 1024 * 1024);
    buf_move(&waiting->body, body);
    sem_post(&waiting->replied);
}

static inline void waiting_done(struct waiting *waiting)
{
    buf_done(&waiting->body);
    sem_destroy(&waiting->replied);
}
#define _cleanup_waiting_ __attribute__((cleanup(waiting_done)))

static inline void make_request(struct buf *request, struct buf *ingress,
                                const struct guardian *guardian)
{
    struct secret key = SECRET_EMPTY;
    struct certificate_template form = health_form();
    struct certificate *health = issue_health(&form);
    make_protector(ingress, &key, guardian);
    buf_init(request, MESSAGE_SIZE_MAX);
    roll_request_format(request, buf_slice(ingress), certificate_der(health),
                        ENCRYPTION_RSA_OAEP_SHA256);
    certificate_free(&health);
    secret_done(&key);
}

static inline void ask(struct waiting *waiting, struct keyprotection_service *service,
                       struct slice request)
{
    *waiting = (struct waiting){0};
    sem_init(&waiting->replied, 0, 0);
    keyprotection_roll(service, 2, request, "127.0.0.1", NULL, take_reply, waiting);
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    assert_int_equal(sem_timedwait(&waiting->replied, &deadline), 0);
    assert_int_equal(waiting->replies, 1);
}

static inline void expect_error(struct waiting *waiting, unsigned status, const char *code)
{
    _cleanup_buf_ struct buf name, message;
    buf_init(&name, 4096);
    buf_init(&message, 4096);
    assert_int_equal(waiting->status, status);
    assert_ok(roll_error_parse(&name, &message, buf_slice(&waiting->body), err));
    assert_string_equal(buf_text(&name), code);
}
