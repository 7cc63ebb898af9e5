/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/channels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../testing.h"
#include "base/clock.h"
#include "keyholder/errors.h"

/* No call of these tests is meant to reach it. */
#define LONG_MS 60000
/* Calls that are meant to reach their deadline. */
#define SHORT_MS 80

static void make_pair(int *ours, int *theirs)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    *ours = pair[0];
    *theirs = pair[1];
}

/* A keyholder that answers each request with its own payload, twist times altered. */
enum twist { HONEST, WRONG_SEQUENCE, GARBAGE, TOO_LONG, CLOSE_UNANSWERED };

struct peer {
    pthread_t thread;
    int socket;
    enum twist twist;
};

static void answer(const struct peer *peer, struct slice request)
{
    uint8_t packet[4096] = {0};
    struct keyholder_reply reply = {.sequence = keyholder_message_sequence(request),
                                    .fields = {slice_of(request.data + KEYHOLDER_REQUEST_HEAD,
                                                        request.size - KEYHOLDER_REQUEST_HEAD)}};
    if (peer->twist == WRONG_SEQUENCE)
        reply.sequence++;
    keyholder_message_format_reply(packet, &reply);
    memcpy(packet + KEYHOLDER_REPLY_HEAD, reply.fields[0].data, reply.fields[0].size);
    size_t size = KEYHOLDER_REPLY_HEAD + reply.fields[0].size;
    if (peer->twist == GARBAGE)
        size--;
    if (peer->twist == TOO_LONG)
        size = sizeof packet;
    send(peer->socket, packet, size, MSG_NOSIGNAL);
}

static void *serve(void *context)
{
    struct peer *peer = context;
    uint8_t bytes[KEYHOLDER_REQUEST_MAX];
    ssize_t got;
    while ((got = recv(peer->socket, bytes, sizeof bytes, 0)) > 0) {
        if (peer->twist == CLOSE_UNANSWERED)
            break;
        answer(peer, slice_of(bytes, (size_t)got));
    }
    shutdown(peer->socket, SHUT_RDWR);
    return NULL;
}

static void start(struct peer *peer, int socket, enum twist twist)
{
    peer->socket = socket;
    peer->twist = twist;
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void finish(struct peer *peer)
{
    pthread_join(peer->thread, NULL);
    close(peer->socket);
}

/* Loads text, and expects it back. */
static bool echo(struct channels *channels, const char *text, int64_t deadline_ms,
                 struct error *err)
{
    struct keyholder_request request = {.opcode = KEYHOLDER_LOAD, .payload = slice_from_text(text)};
    struct keyholder_reply reply;
    uint8_t bytes[256];
    if (!channels_exchange(channels, &request, NULL, 0, deadline_ms, bytes, sizeof bytes, &reply,
                           err))
        return false;
    assert_true(slice_equals_text(reply.fields[0], text));
    return true;
}

static void replies_come_back(void **state)
{
    (void)state;
    int ours, theirs;
    make_pair(&ours, &theirs);
    struct peer peer;
    start(&peer, theirs, HONEST);
    struct channels *channels = channels_new(&ours, 1);
    assert_true(channels_alive(channels));
    for (int i = 0; i < 100; i++)
        assert_ok(echo(channels, i % 2 == 0 ? "even" : "odd and longer", LONG_MS, err));
    assert_true(channels_alive(channels));
    channels_free(&channels);
    finish(&peer);
}

/* The channel is closed with it: the next call finds none. */
static void twisted(enum twist twist, const char *code)
{
    int ours, theirs;
    make_pair(&ours, &theirs);
    struct peer peer;
    start(&peer, theirs, twist);
    struct channels *channels = channels_new(&ours, 1);
    assert_refused(echo(channels, "question", LONG_MS, err), code);
    finish(&peer);
    assert_refused(echo(channels, "question", LONG_MS, err), "keyholder.away");
    assert_false(channels_alive(channels));
    channels_free(&channels);
}

static void answers_that_are_none_close_the_channel(void **state)
{
    (void)state;
    twisted(WRONG_SEQUENCE, "keyholder.message");
    twisted(GARBAGE, "keyholder.message");
    twisted(TOO_LONG, "keyholder.message");
    twisted(CLOSE_UNANSWERED, "keyholder.away");
}

static void without_channels_the_keyholder_is_away(void **state)
{
    (void)state;
    struct channels *channels = channels_new(NULL, 0);
    assert_false(channels_alive(channels));
    assert_refused(echo(channels, "x", LONG_MS, err), "keyholder.away");
    channels_free(&channels);
}

static void silence_ends_at_the_deadline_and_poisons(void **state)
{
    (void)state;
    int ours, theirs;
    make_pair(&ours, &theirs);
    struct channels *channels = channels_new(&ours, 1);
    int64_t before = clock_monotonic_ms();
    assert_refused(echo(channels, "x", SHORT_MS, err), "keyholder.stuck");
    assert_true(clock_monotonic_ms() - before >= SHORT_MS - 1);
    assert_false(channels_alive(channels));
    /* The peer has the request, and then the end. */
    uint8_t bytes[256];
    assert_true(recv(theirs, bytes, sizeof bytes, 0) > 0);
    assert_int_equal(recv(theirs, bytes, sizeof bytes, 0), 0);
    assert_refused(echo(channels, "x", LONG_MS, err), "keyholder.away");
    channels_free(&channels);
    close(theirs);
}

struct caller {
    pthread_t thread;
    struct channels *channels;
    int64_t deadline_ms;
    bool ok;
    struct error error;
};

static void *call(void *context)
{
    struct caller *caller = context;
    caller->ok = echo(caller->channels, "concurrent", caller->deadline_ms, &caller->error);
    return NULL;
}

static void call_in_thread(struct caller *caller, struct channels *channels, int64_t deadline_ms)
{
    *caller = (struct caller){.channels = channels, .deadline_ms = deadline_ms};
    assert_int_equal(pthread_create(&caller->thread, NULL, call, caller), 0);
}

static void waiting_for_a_busy_channel_has_a_deadline_too(void **state)
{
    (void)state;
    int ours, theirs;
    make_pair(&ours, &theirs);
    struct channels *channels = channels_new(&ours, 1);
    struct caller busy;
    call_in_thread(&busy, channels, LONG_MS);
    uint8_t bytes[256];
    ssize_t got = recv(theirs, bytes, sizeof bytes, 0); /* now it has the channel */
    assert_true(got > 0);
    assert_refused(echo(channels, "x", SHORT_MS, err), "keyholder.stuck");
    /* The busy one is none the worse for it. */
    struct peer peer = {.socket = theirs};
    answer(&peer, slice_of(bytes, (size_t)got));
    pthread_join(busy.thread, NULL);
    assert_true(busy.ok);
    channels_free(&channels);
    close(theirs);
}

static void a_freed_channel_goes_to_who_waits(void **state)
{
    (void)state;
    int ours, theirs;
    make_pair(&ours, &theirs);
    struct channels *channels = channels_new(&ours, 1);
    struct caller callers[8];
    for (size_t i = 0; i < 8; i++)
        call_in_thread(&callers[i], channels, LONG_MS);
    struct peer peer;
    start(&peer, theirs, HONEST);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_true(callers[i].ok);
    }
    channels_free(&channels);
    finish(&peer);
}

static void replacing_wakes_calls_under_way(void **state)
{
    (void)state;
    int ours, theirs, new_ours, new_theirs;
    make_pair(&ours, &theirs);
    make_pair(&new_ours, &new_theirs);
    struct channels *channels = channels_new(&ours, 1);
    struct caller caller;
    call_in_thread(&caller, channels, LONG_MS);
    uint8_t bytes[256];
    assert_true(recv(theirs, bytes, sizeof bytes, 0) > 0);
    struct peer peer;
    start(&peer, new_theirs, HONEST);
    channels_replace(channels, &new_ours, 1);
    pthread_join(caller.thread, NULL);
    assert_false(caller.ok);
    assert_ptr_equal(caller.error.code, &keyholder_away);
    assert_ok(echo(channels, "new", LONG_MS, err));
    assert_true(channels_alive(channels));
    assert_int_equal(recv(theirs, bytes, sizeof bytes, 0), 0);
    channels_free(&channels);
    finish(&peer);
    close(theirs);
}

static void waiting_callers_learn_that_the_last_channel_is_gone(void **state)
{
    (void)state;
    int ours, theirs;
    make_pair(&ours, &theirs);
    struct channels *channels = channels_new(&ours, 1);
    struct caller callers[4];
    for (size_t i = 0; i < 4; i++)
        call_in_thread(&callers[i], channels, LONG_MS);
    uint8_t bytes[256];
    assert_true(recv(theirs, bytes, sizeof bytes, 0) > 0);
    close(theirs);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_false(callers[i].ok);
        assert_ptr_equal(callers[i].error.code, &keyholder_away);
    }
    channels_free(&channels);
}

static void count(void *context)
{
    (*(int *)context)++;
}

static void fall_silent(struct channels *channels, int times)
{
    for (int i = 0; i < times; i++)
        assert_refused(echo(channels, "x", SHORT_MS, err), "keyholder.stuck");
}

/* Told once for each set of channels; an answer in between begins the count anew. */
static void silence_after_silence_is_told(void **state)
{
    (void)state;
    enum { PAIRS = 2 * CHANNELS_SILENT_MAX };
    int ours[PAIRS], theirs[PAIRS], told = 0;
    for (int i = 0; i < PAIRS; i++)
        make_pair(&ours[i], &theirs[i]);
    /* The channel added last is used first. */
    struct peer peer;
    start(&peer, theirs[PAIRS - CHANNELS_SILENT_MAX], HONEST);
    struct channels *channels = channels_new(ours, PAIRS);
    channels_watch(channels, count, &told);
    fall_silent(channels, CHANNELS_SILENT_MAX - 1);
    assert_ok(echo(channels, "x", LONG_MS, err));
    shutdown(peer.socket, SHUT_RDWR);
    finish(&peer);
    assert_refused(echo(channels, "x", LONG_MS, err), "keyholder.away"); /* it ended */
    fall_silent(channels, CHANNELS_SILENT_MAX - 1);
    assert_int_equal(told, 0);
    fall_silent(channels, 1);
    assert_int_equal(told, 1);
    assert_refused(echo(channels, "x", LONG_MS, err), "keyholder.away"); /* no channel is left */
    assert_int_equal(told, 1);
    for (int i = 0; i < PAIRS; i++)
        if (i != PAIRS - CHANNELS_SILENT_MAX)
            close(theirs[i]);
    int again[CHANNELS_SILENT_MAX];
    for (int i = 0; i < CHANNELS_SILENT_MAX; i++)
        make_pair(&again[i], &theirs[i]);
    channels_replace(channels, again, CHANNELS_SILENT_MAX);
    fall_silent(channels, CHANNELS_SILENT_MAX);
    assert_int_equal(told, 2);
    channels_free(&channels);
    for (int i = 0; i < CHANNELS_SILENT_MAX; i++)
        close(theirs[i]);
}

/* One silence is enough when it took the last channel: nothing could ever be asked again. */
static void the_last_channel_given_up_is_told(void **state)
{
    (void)state;
    int ours, theirs, told = 0;
    make_pair(&ours, &theirs);
    struct channels *channels = channels_new(&ours, 1);
    channels_watch(channels, count, &told);
    fall_silent(channels, 1);
    assert_int_equal(told, 1);
    channels_free(&channels);
    close(theirs);
}

/* The supervisor sees that by itself. */
static void an_end_is_not_told(void **state)
{
    (void)state;
    int ours, theirs, told = 0;
    make_pair(&ours, &theirs);
    close(theirs);
    struct channels *channels = channels_new(&ours, 1);
    channels_watch(channels, count, &told);
    assert_refused(echo(channels, "x", LONG_MS, err), "keyholder.away");
    assert_int_equal(told, 0);
    channels_free(&channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_come_back),
        cmocka_unit_test(answers_that_are_none_close_the_channel),
        cmocka_unit_test(without_channels_the_keyholder_is_away),
        cmocka_unit_test(silence_ends_at_the_deadline_and_poisons),
        cmocka_unit_test(waiting_for_a_busy_channel_has_a_deadline_too),
        cmocka_unit_test(a_freed_channel_goes_to_who_waits),
        cmocka_unit_test(replacing_wakes_calls_under_way),
        cmocka_unit_test(waiting_callers_learn_that_the_last_channel_is_gone),
        cmocka_unit_test(silence_after_silence_is_told),
        cmocka_unit_test(the_last_channel_given_up_is_told),
        cmocka_unit_test(an_end_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
