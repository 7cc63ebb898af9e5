/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/snapshot.h"

#include "attestation/message_reply.h"
#include "attestation/signer_schedule.h"
#include "base/memory.h"
#include "crypto/cms.h"

#include <stdlib.h>

/* Far more than the signers of any cluster; four characters a byte at most. */
#define LIST_MAX (1024 * 1024)

static void build_info(struct attestation_snapshot *snapshot)
{
    struct attestation_reply reply = {
        .type = ATTESTATION_REPLY_SERVICE_INFO,
        .mode = snapshot->settings.mode,
        .functional_level = (uint32_t)snapshot->settings.functional_level,
    };
    for (uint32_t level = 1; level <= ATTESTATION_FUNCTIONAL_LEVEL; level++)
        reply.levels[reply.level_count++] = level;
    attestation_reply_format(&snapshot->info, &reply);
}

static void build_signing_certificates(struct attestation_snapshot *snapshot, const char *node,
                                       int64_t now)
{
    const struct certificate **listed =
        memory_allocate_zero(snapshot->signers.count + 1, sizeof *listed);
    size_t count = attestation_signer_schedule_listed(listed, &snapshot->signers, node,
                                                      &snapshot->settings, now);
    if (count == 0) {
        struct attestation_reply reply = {.type = ATTESTATION_REPLY_UNAVAILABLE_ERROR,
                                          .retryable = true};
        attestation_reply_format(&snapshot->signing_certificates, &reply);
    } else {
        _cleanup_buf_ struct buf der;
        buf_init(&der, LIST_MAX);
        cms_format_certificates(&der, listed, count);
        attestation_reply_format_signing_certificates(&snapshot->signing_certificates,
                                                      buf_slice(&der));
    }
    free(listed);
}

struct attestation_snapshot *attestation_snapshot_new(const struct attestation_settings *settings,
                                                      const struct attestation_signer_list *signers,
                                                      struct attestation_policies *policies,
                                                      struct tpm_trust *trust, const char *node,
                                                      int64_t now)
{
    struct attestation_snapshot *snapshot = memory_allocate_zero(1, sizeof *snapshot);
    atomic_init(&snapshot->references, 1);
    snapshot->settings = *settings;
    attestation_signer_list_copy(&snapshot->signers, signers);
    snapshot->policies = attestation_policies_ref(policies);
    snapshot->trust = tpm_trust_ref(trust);
    buf_init(&snapshot->info, 4096);
    buf_init(&snapshot->signing_certificates, 4 * LIST_MAX + 2);
    build_info(snapshot);
    build_signing_certificates(snapshot, node, now);
    return snapshot;
}

void attestation_snapshot_release(struct attestation_snapshot **snapshot)
{
    struct attestation_snapshot *last = *snapshot;
    *snapshot = NULL;
    if (last == NULL || atomic_fetch_sub(&last->references, 1) != 1)
        return;
    attestation_signer_list_done(&last->signers);
    attestation_policies_release(&last->policies);
    tpm_trust_free(&last->trust);
    buf_done(&last->info);
    buf_done(&last->signing_certificates);
    free(last);
}

void attestation_snapshot_slot_init(struct attestation_snapshot_slot *slot)
{
    pthread_mutex_init(&slot->lock, NULL);
    slot->current = NULL;
}

void attestation_snapshot_slot_done(struct attestation_snapshot_slot *slot)
{
    attestation_snapshot_release(&slot->current);
    pthread_mutex_destroy(&slot->lock);
}

void attestation_snapshot_publish(struct attestation_snapshot_slot *slot,
                                  struct attestation_snapshot *snapshot)
{
    pthread_mutex_lock(&slot->lock);
    struct attestation_snapshot *before = slot->current;
    slot->current = snapshot;
    pthread_mutex_unlock(&slot->lock);
    attestation_snapshot_release(&before); /* frees outside the lock */
}

struct attestation_snapshot *attestation_snapshot_take(struct attestation_snapshot_slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    struct attestation_snapshot *snapshot = slot->current;
    atomic_fetch_add(&snapshot->references, 1);
    pthread_mutex_unlock(&slot->lock);
    return snapshot;
}
