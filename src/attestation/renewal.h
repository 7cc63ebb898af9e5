/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Carries the schedule of attestation signers out: makes this node's next ones, removes retired
 * ones, notes in their records how long their certificates live. Every change demands the revision
 * that it was decided on, so whoever comes second does nothing.
 */

#include "attestation/signer_schedule.h"

struct attestation_renewal {
    struct store *store;
    struct keyholder *keyholder;
    const char *node;
    /* The clock may be wrong, since it was set lately: what is made then can be unmade, and what is
     * removed cannot, so nothing is. */
    bool keeps_retired;
    /* Called with each commit that was made, as the store's watch will bring it too. */
    void (*committed)(void *context, const struct store_change *changes, size_t count);
    /* Each signer that was made. problem: attestation.signer-unannounced, or
     * NULL. May be NULL. */
    void (*made)(void *context, const struct attestation_signer *signer,
                 const struct error *problem);
    void *context;
};

/*
 * Does what is due now; at_once: makes a new signer for health certificates in any case. *due: when
 * to come again at the latest. What fails does not keep the rest from being done; the first error
 * is returned. Errors of store/, keyholder/, crypto/.
 */
bool attestation_renewal_run(const struct attestation_renewal *renewal,
                             const struct attestation_settings *settings, int64_t now, bool at_once,
                             int64_t *due, struct error *err);
