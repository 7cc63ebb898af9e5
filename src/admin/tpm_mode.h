/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What this service has for TPM mode, in numbers: for `server show`, and for what `server test`
 * warns of.
 */

#include "admin/operation.h"
#include "attestation/pending.h"

#define TPM_MODE_PROFILES 2
#define TPM_MODE_VERSIONS 3 /* by enum policy_version; 0 is not used */

struct tpm_mode {
    /* By profile and version: hosts, and policies that count now and are for all hosts or some. */
    int64_t hosts[TPM_MODE_PROFILES][TPM_MODE_VERSIONS];
    int64_t baselines[TPM_MODE_PROFILES][TPM_MODE_VERSIONS];
    int64_t ci_policies[TPM_MODE_PROFILES][TPM_MODE_VERSIONS];
    int64_t dump_policies;
    int64_t hosts_all, hosts_uncertified, hosts_staged;
    int64_t policies_staged, policies_expired, policies_disabled;
    int64_t roots, intermediates;
    int64_t pending;
    struct attestation_pending_drops drops;
    int64_t functional_level;
};

/* Reads the store, and the policies in force. Errors of store/. */
bool tpm_mode_count(struct tpm_mode *out, const struct admin_services *services, struct error *err);
/* Boots that were not remembered, as properties of an object: "dropped", and where that is not 0
 * "dropped_host" and "dropped_time" of the last one. */
void tpm_mode_write_drops(struct json_writer *writer,
                          const struct attestation_pending_drops *drops);
/* An object. */
void tpm_mode_write(struct json_writer *writer, const char *name, const struct tpm_mode *mode);
/* Calls each TPM host's record; it may be damaged. */
bool tpm_mode_hosts(struct store *store, store_each *each, void *context, struct error *err);
/* The functional level in force (attestation/settings.h). */
bool tpm_mode_functional_level(int64_t *level, struct store *store, struct error *err);
