/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the Attestation Service (service.h) share: service.c keeps its state,
 * service_attest.c answers requests, service_signers.c sees to its signers. */

#include "attestation/judged.h"
#include "attestation/service.h"
#include "attestation/signer_schedule.h"
#include "attestation/snapshot.h"
#include "attestation/state.h"

struct attestation_service {
    struct attestation_options options;
    char *node;
    pthread_mutex_t lock; /* of state */
    struct attestation_state state;
    struct attestation_host_cache *known_hosts;
    struct attestation_sealing_keys *sealing_keys;
    struct attestation_pending *pending;
    pthread_mutex_t renewal_lock; /* one renewal at a time */
    struct attestation_snapshot_slot slot;
    struct cache *host_keys;
    struct attestation_host_clocks *host_clocks;
    atomic_bool keeps_retired; /* signers that have served are not removed now */
    struct cache *judged;
    struct attestation_log_names *log_names;
};

/* Gives the state to the requests to come, as a snapshot. With the lock held. */
void attestation_service_publish(struct attestation_service *service);

/* Sets attestation.no-signer and returns false. */
bool attestation_service_no_signer(const struct attestation_service *service, struct error *err);
/* True, with attestation.deny-ahead set, when key protection would refuse what this signer issues
 * now: a clock that was set back. */
bool attestation_service_denied_ahead(struct error *err,
                                      const struct attestation_settings *settings,
                                      const struct attestation_signer *signer, int64_t now);

/* Remembers how far a host's clock is off, and tells of it when that is new. */
void attestation_service_note_clock(struct attestation_service *service,
                                    const struct attestation_settings *settings, const char *host,
                                    int64_t offset);
