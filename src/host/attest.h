/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The attestation client (MS-HGSA 3.2; protocol.md 2.1): host key mode on the v2.0 door. Each
 * attempt makes a fresh identity key; what came of it is kept in the state folder (identity.h,
 * status.h).
 */

#include "base/clock.h"
#include "host/config.h"
#include "host/identity.h"
#include "host/status.h"

struct host_attest_options {
    const struct host_config *config;
    const struct clock *clock;
    bool only_fallback; /* ask the fallback URL alone */
};

/*
 * Attests now. record is filled in whatever happens. host.* errors, http.* when nobody answers.
 */
bool host_attest(struct host_identity *out, struct host_status_record *record,
                 const struct host_attest_options *options, struct error *err);
/* The kept identity if it is fresh; attests otherwise. *cached: it was kept. */
bool host_attest_if_needed(struct host_identity *out, bool *cached,
                           const struct host_attest_options *options, struct error *err);

/* The body of a request (protocol.md 2.1): identity key, host key, the host key's signature over
 * both. Appended to out. */
bool host_attest_format(struct buf *out, const struct private_key *host_key,
                        const struct public_key *identity, struct error *err);
