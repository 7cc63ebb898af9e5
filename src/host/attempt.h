/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One attempt to attest at one URL: what the modes (attest_key.c, attest_tpm.c) have in common.
 */

#include "attestation/message_reply.h"
#include "base/clock.h"
#include "host/config.h"
#include "host/identity.h"
#include "host/status.h"
#include "http/client.h"

struct host_attempt {
    const struct host_config *config;
    const struct clock *clock;
    struct http_client *client;
    const char *url; /* "http://HOST/Attestation" */
    /* What comes of it. */
    struct host_identity *out;
    struct host_status_record *record;
    bool retry; /* after a failure: another URL may do better */
    bool again; /* after a failure: something changed meanwhile, and it should begin anew */
};

/*
 * Posts body to path and reads the reply, which is freed with attestation_reply_done. True for a
 * reply of type wanted or, unless it is the same, also_wanted; otherwise record, retry and again
 * say what the service said of this host. host.*, http.*.
 */
bool host_attempt_post(struct attestation_reply *out, struct host_attempt *attempt,
                       const char *path, struct slice body, enum attestation_reply_type wanted,
                       enum attestation_reply_type also_wanted, struct error *err);
/* Which mode the service attests in: its ServiceInfoReply. host.reply, http.*. */
bool host_attempt_mode(enum attestation_mode *out, struct host_attempt *attempt, struct error *err);
/* The encryption certificate of a HealthCertificateReply; host.reply when it has none. */
bool host_attempt_certificate(struct slice *out, const struct attestation_reply *reply,
                              const struct host_attempt *attempt, struct error *err);
