/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of an exchange's last step share. Each attack is tried on a host whose boot is
 * remembered, where the first step's verdict stands, and on one whose boot is judged again. */

#include "tpm_client.h"

#define LAST 2 /* the number of the last request of v2.0 */

static struct fixture *fixture; /* of the test that runs */

/* A fresh host that passes; remembered: and did so before. */
static inline void exchange_host_of(struct host *host, enum eventlog_profile profile,
                                    bool remembered)
{
    initialise_tpm(fixture);
    host_init(host, SIMULATED_P256, profile);
    add_baseline(fixture, "model", host);
    register_good(fixture, "n1", host);
    change(fixture, STORE_LAST_BOOT, "n1", NULL);
    if (!remembered)
        return;
    struct client client = {.host = host};
    assert_int_equal(client_type(fixture, &client), ATTESTATION_REPLY_HEALTH_CERTIFICATE);
    attestation_settle(fixture->service);
}

static inline void exchange_host(struct host *host, bool remembered)
{
    exchange_host_of(host, EVENTLOG_PROFILE_LINUX, remembered);
}

/* It is refused with this code, retryable or not. */
static inline void expect_refused(struct client *client, const char *code, bool retryable)
{
    struct attestation_reply reply = {0};
    client_run(fixture, client, &reply);
    if (!attestation_reply_is_error(reply.type) || strcmp(trail_text("code"), code) != 0)
        fail_msg("%s, %s; wanted %s", attestation_reply_name(reply.type), trail.fields, code);
    assert_int_equal(reply.retryable, retryable);
    attestation_reply_done(&reply);
}

static inline void assert_passes(struct client *client, unsigned rounds)
{
    enum attestation_reply_type type = client_type(fixture, client);
    if (type != ATTESTATION_REPLY_HEALTH_CERTIFICATE)
        fail_msg("%s: %s", attestation_reply_name(type), trail.fields);
    assert_int_equal(client->rounds, rounds);
}

/* Notes how large the state is that comes back. */
static inline void measure_state(struct client *client, unsigned round,
                                 struct rtpm_context *context)
{
    if (round == LAST) {
        *(size_t *)client->kept = context->state.bytes.size;
        assert_int_equal(context->log.size, 0);
    }
}

static inline size_t state_size(struct host *host)
{
    size_t size = 0;
    struct client client = {.host = host, .alter = measure_state, .kept = &size};
    assert_passes(&client, LAST + 1);
    return size;
}

static inline void cut_kept_log(struct client *client, unsigned round, struct rtpm_context *context)
{
    if (round == LAST)
        context->state.bytes.size -= client->host->log.size;
}
