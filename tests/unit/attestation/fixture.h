/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A service under test: a store in a folder of its own, a real keyholder process, and an audit
 * trail that is this file: audit_append here takes the place of the room's, remembers the last
 * record and can be told to refuse.
 */

#include "../folder.h"
#include "testing.h"

#include "attestation/message_reply.h"
#include "attestation/service.h"
#include "audit/errors.h"
#include "base/memory.h"
#include "keyholder/process.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHANNELS 2

struct fixture {
    char folder[FOLDER_SIZE];
    struct store *store;
    struct keyholder *keyholder;
    pid_t keyholder_process;
    struct clock clock;
    struct attestation_service *service;
    int64_t revision;
    struct json *vectors;
};

/* The trail. */
static struct {
    pthread_mutex_t lock;
    char event[64];
    char fields[8192]; /* as a JSON object */
    unsigned count;
    bool refuses;
} trail = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool audit_append(struct audit *audit, const char *event, struct slice fields, audit_done *done,
                  void *context, struct error *err)
{
    (void)audit;
    (void)context;
    assert_null(done); /* nobody waits for an attestation's record */
    if (trail.refuses)
        return error_set(err, &audit_unwritable, NULL, "audit.log", "no space left on device");
    pthread_mutex_lock(&trail.lock);
    trail.count++;
    snprintf(trail.event, sizeof trail.event, "%s", event);
    snprintf(trail.fields, sizeof trail.fields, "{%.*s}", (int)fields.size, fields.data);
    pthread_mutex_unlock(&trail.lock);
    return true;
}

/* What the room's does below its limit. */
bool audit_append_limited(struct audit *audit, const char *event, const char *peer,
                          struct slice fields, struct error *err)
{
    assert_string_not_equal(peer, "");
    return audit_append(audit, event, fields, NULL, NULL, err);
}

/* The member of the last record, or "". */
static inline const char *trail_text(const char *name)
{
    static char text[1024];
    struct json *record = NULL;
    assert_ok(json_parse(&record, slice_from_text(trail.fields), err));
    const struct json *member = json_get(record, name);
    snprintf(text, sizeof text, "%s", member == NULL ? "" : json_text(member));
    json_free(&record);
    return text;
}

static inline void start_keyholder(struct fixture *fixture)
{
    int ours[CHANNELS], theirs[CHANNELS];
    for (int i = 0; i < CHANNELS; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        ours[i] = pair[0];
        theirs[i] = pair[1];
    }
    fixture->keyholder_process = fork();
    assert_true(fixture->keyholder_process >= 0);
    if (fixture->keyholder_process == 0) {
        char keys[96];
        struct error err = {0};
        for (int i = 0; i < CHANNELS; i++)
            close(ours[i]);
        snprintf(keys, sizeof keys, "%s/keys", fixture->folder);
        struct keyholder_process_options options = {
            .folder = keys, .channels = theirs, .channel_count = CHANNELS};
        _exit(keyholder_process_run(&options, &err) ? 0 : 1);
    }
    for (int i = 0; i < CHANNELS; i++)
        close(theirs[i]);
    if (fixture->keyholder == NULL)
        fixture->keyholder = keyholder_new(ours, CHANNELS);
    else
        keyholder_replace(fixture->keyholder, ours, CHANNELS);
}

static inline void kill_keyholder(struct fixture *fixture)
{
    kill(fixture->keyholder_process, SIGKILL);
    waitpid(fixture->keyholder_process, NULL, 0);
    fixture->keyholder_process = 0;
}

static inline void start_service(struct fixture *fixture, const char *node)
{
    struct attestation_options options = {.store = fixture->store,
                                          .keyholder = fixture->keyholder,
                                          .clock = &fixture->clock,
                                          .node = node};
    attestation_service_free(&fixture->service);
    assert_ok(attestation_service_new(&fixture->service, &options, &fixture->revision, err));
}

static inline int fixture_set_up(void **state)
{
    static struct fixture fixture;
    char path[96];
    _cleanup_buf_ struct buf text;
    memset(&fixture, 0, sizeof fixture);
    folder_make(fixture.folder);
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    trail.refuses = false;
    trail.count = 0;
    testing_vector(&text, "MS-HGSA_3.1.5.3_host_key.json");
    assert_ok(json_parse(&fixture.vectors, buf_slice(&text), err));
    assert_ok(store_open_sqlite(&fixture.store, path, err));
    start_keyholder(&fixture);
    start_service(&fixture, "n1");
    *state = &fixture;
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    attestation_service_free(&fixture->service);
    keyholder_free(&fixture->keyholder);
    if (fixture->keyholder_process != 0)
        waitpid(fixture->keyholder_process, NULL, 0); /* ends when its channels are closed */
    store_close(&fixture->store);
    json_free(&fixture->vectors);
    folder_remove(fixture->folder);
    return 0;
}

#define FIXTURE_TEST(function) \
    cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)

/* Commits one change and brings it to the service as the watch would. */
static inline void change(struct fixture *fixture, enum store_kind kind, const char *key,
                          const char *value)
{
    struct store_change one = {.kind = kind,
                               .key = key,
                               .remove = value == NULL,
                               .value = value == NULL ? SLICE_EMPTY : slice_from_text(value),
                               .expected = STORE_ANY};
    assert_ok(store_commit(fixture->store, &one, 1, &one.expected, err));
    attestation_apply(fixture->service, &one, 1);
}

static inline void register_host(struct fixture *fixture, const char *name, const char *vector)
{
    struct attestation_host host;
    _cleanup_buf_ struct buf key, record;
    testing_decode(&key, json_get(fixture->vectors, vector), "host_key");
    assert_ok(attestation_host_init(&host, name, buf_slice(&key), 0, "root", err));
    buf_init(&record, VECTOR_MAX);
    attestation_host_format(&record, &host);
    change(fixture, STORE_HOST, name, buf_text(&record));
    attestation_host_done(&host);
}

static inline int64_t tick(struct fixture *fixture)
{
    int64_t due;
    assert_ok(attestation_tick(fixture->service, &due, err));
    return due;
}

/* A service in host key mode with three hosts and a signer. */
static inline void initialise(struct fixture *fixture)
{
    change(fixture, STORE_SETTING, "service", "{\"name\":\"hgs\",\"mode\":\"hostkey\"}");
    register_host(fixture, "rsa", "rsa-pkcs1");
    register_host(fixture, "p256", "p256");
    register_host(fixture, "p384", "p384");
    tick(fixture);
}

static inline const char *request_of(const struct fixture *fixture, const char *name)
{
    const char *request;
    assert_ok(json_get_text(&request, json_get(fixture->vectors, name), "request", err));
    return request;
}

/* Asks at a door and reads the reply. */
static inline void ask(struct fixture *fixture, struct attestation_reply *reply,
                       enum attestation_door door, struct slice body)
{
    _cleanup_buf_ struct buf out;
    buf_init(&out, VECTOR_MAX);
    attestation_attest(fixture->service, door, 2, body, "192.0.2.1", NULL, &out);
    assert_ok(attestation_reply_parse(reply, buf_slice(&out), err));
}

/* The type of the reply to a vector at the door of host key mode. */
static inline enum attestation_reply_type type_of(struct fixture *fixture, const char *vector)
{
    struct attestation_reply reply;
    ask(fixture, &reply, ATTESTATION_DOOR_HOST_KEY, slice_from_text(request_of(fixture, vector)));
    enum attestation_reply_type type = reply.type;
    if (attestation_reply_is_error(type))
        assert_int_equal(reply.retryable, type == ATTESTATION_REPLY_UNAVAILABLE_ERROR);
    attestation_reply_done(&reply);
    return type;
}
