/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The attestation client (MS-HGSA 3.2; protocol.md 2): the service says in which mode it attests,
 * and this host follows: host key mode (attest_key.h) or TPM mode (attest_tpm.h), on the v2.0
 * doors. Each attempt makes a fresh identity key; what came of it is kept in the state folder
 * (identity.h, status.h).
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
/*
 * What if the service attested by TPM: *out is its EvaluationReply, freed with
 * attestation_reply_done. Nothing is kept. host.* errors, http.* when nobody answers.
 */
bool host_attest_what_if(struct attestation_reply *out, const struct host_attest_options *options,
                         struct error *err);
/*
 * The kept identity if it is fresh and its key can be used; attests otherwise. *cached: it was
 * kept. *lost (may be NULL): why a kept key could not be used (host.tpm-key-gone,
 * host.tpm-key-locked); no code: there was no such trouble.
 */
bool host_attest_if_needed(struct host_identity *out, bool *cached, struct error *lost,
                           const struct host_attest_options *options, struct error *err);
