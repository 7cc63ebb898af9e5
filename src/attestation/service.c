/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/service_private.h"

#include "base/memory.h"

#include <stdlib.h>

/* Of hosts that attested lately; some 6 KB each. */
#define HOST_KEYS_CACHED 4096
#define KNOWN_HOSTS 4096  /* hosts in TPM mode whose records are held in memory */
#define JUDGED_BOOTS 4096 /* boots that passed lately; some 2 KB each */
#define LOG_NAMES 16384   /* their logs; some 150 bytes each */
#define HOST_CLOCKS 8192  /* some 300 bytes each */

void attestation_service_publish(struct attestation_service *service)
{
    struct attestation_state *state = &service->state;
    attestation_state_build(state);
    attestation_snapshot_publish(
        &service->slot,
        attestation_snapshot_new(&state->settings, &state->signers, state->policies, state->trust,
                                 service->node, clock_now(service->options.clock)));
}

bool attestation_service_new(struct attestation_service **out,
                             const struct attestation_options *options, int64_t *revision,
                             struct error *err)
{
    struct attestation_service *service = memory_allocate_zero(1, sizeof *service);
    service->options = *options;
    service->node = memory_copy_text(options->node);
    service->options.node = service->node;
    service->host_keys = public_key_cache_new(HOST_KEYS_CACHED);
    pthread_mutex_init(&service->lock, NULL);
    pthread_mutex_init(&service->renewal_lock, NULL);
    attestation_snapshot_slot_init(&service->slot);
    attestation_state_init(&service->state);
    service->known_hosts = attestation_host_cache_new(options->store, KNOWN_HOSTS);
    service->host_clocks = attestation_host_clocks_new(HOST_CLOCKS);
    service->sealing_keys = attestation_sealing_keys_new(options->keyholder);
    service->pending = attestation_pending_new(options->store);
    service->judged = attestation_judged_cache_new(JUDGED_BOOTS);
    service->log_names = attestation_log_names_new(LOG_NAMES);
    if (!attestation_state_load(&service->state, options->store, revision, err)) {
        attestation_service_free(&service);
        return false;
    }
    attestation_service_publish(service);
    *out = service;
    return true;
}

void attestation_service_free(struct attestation_service **service)
{
    struct attestation_service *gone = *service;
    *service = NULL;
    if (gone == NULL)
        return;
    attestation_pending_free(&gone->pending); /* writes what waits */
    attestation_snapshot_slot_done(&gone->slot);
    attestation_host_cache_free(&gone->known_hosts);
    attestation_host_clocks_free(&gone->host_clocks);
    attestation_sealing_keys_free(&gone->sealing_keys);
    attestation_state_done(&gone->state);
    cache_free(&gone->host_keys);
    cache_free(&gone->judged);
    attestation_log_names_free(&gone->log_names);
    pthread_mutex_destroy(&gone->renewal_lock);
    pthread_mutex_destroy(&gone->lock);
    free(gone->node);
    free(gone);
}

/* Remembered boots that this node need not write again: no longer, when somebody removed them. */
static void forget_boots(struct attestation_service *service, const struct store_change *changes,
                         size_t count)
{
    if (service->pending == NULL)
        return;
    if (changes == NULL)
        attestation_pending_forget(service->pending, STORE_LAST_BOOT, NULL);
    for (size_t i = 0; changes != NULL && i < count; i++)
        if (changes[i].remove &&
            (changes[i].kind == STORE_LAST_BOOT || changes[i].kind == STORE_PENDING))
            attestation_pending_forget(service->pending, changes[i].kind, changes[i].key);
}

void attestation_apply(struct attestation_service *service, const struct store_change *changes,
                       size_t count)
{
    bool changed = false;
    int64_t revision;
    forget_boots(service, changes, count);
    pthread_mutex_lock(&service->lock);
    if (changes == NULL) { /* the watch lost commits */
        attestation_state_load(&service->state, service->options.store, &revision,
                               &service->state.problem); /* else a tick tries again */
        attestation_host_cache_forget(service->known_hosts, NULL);
        changed = true;
        count = 0;
    }
    for (size_t i = 0; i < count; i++)
        changed = attestation_state_apply(&service->state, &changes[i]) || changed;
    for (size_t i = 0; i < count; i++)
        if (changes[i].kind == STORE_HOST) {
            attestation_host_cache_forget(service->known_hosts, changes[i].key);
            attestation_host_clocks_forget(service->host_clocks, changes[i].key);
        }
    if (changed)
        attestation_service_publish(service);
    pthread_mutex_unlock(&service->lock);
}

enum attestation_mode attestation_current_mode(struct attestation_service *service)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    return snapshot->settings.mode;
}

size_t attestation_host_count(struct attestation_service *service)
{
    return attestation_host_map_count(service->state.hosts);
}

bool attestation_host_find(struct attestation_service *service, enum attestation_mode mode,
                           const uint8_t id[ATTESTATION_HOST_ID_SIZE],
                           char name[ATTESTATION_NAME_SIZE])
{
    bool staged;
    return attestation_host_map_find(service->state.hosts, mode, id, name, &staged);
}

void attestation_settle(struct attestation_service *service)
{
    if (service->pending != NULL)
        attestation_pending_settle(service->pending);
}

void attestation_boots_dropped(struct attestation_service *service,
                               struct attestation_pending_drops *out)
{
    *out = (struct attestation_pending_drops){0};
    if (service->pending != NULL)
        attestation_pending_dropped(service->pending, out);
}

bool attestation_problem(struct attestation_service *service, struct error *out)
{
    pthread_mutex_lock(&service->lock);
    bool some = service->state.problem.code != NULL;
    if (some)
        *out = service->state.problem;
    pthread_mutex_unlock(&service->lock);
    return some;
}

void attestation_get_info(struct attestation_service *service, struct buf *out)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    buf_append(out, buf_slice(&snapshot->info));
}

void attestation_signing_certificates(struct attestation_service *service, struct buf *out)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    buf_append(out, buf_slice(&snapshot->signing_certificates));
}

void attestation_service_note_clock(struct attestation_service *service,
                                    const struct attestation_settings *settings, const char *host,
                                    int64_t offset)
{
    struct attestation_host_clock clock = {.offset = offset,
                                           .time = clock_now(service->options.clock)};
    int64_t bound = attestation_settings_clock_bound(settings);
    bool tells = attestation_host_clocks_note(service->host_clocks, host, &clock, bound,
                                              clock_monotonic_ms());
    if (tells && service->options.host_clock_changed != NULL &&
        attestation_host_clocks_find(service->host_clocks, host, &clock))
        service->options.host_clock_changed(service->options.context, host, &clock, bound);
}

void attestation_host_clock_note(struct attestation_service *service, const char *host,
                                 int64_t offset)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    attestation_service_note_clock(service, &snapshot->settings, host, offset);
}

struct attestation_host_clocks *attestation_clocks_of_hosts(struct attestation_service *service)
{
    return service->host_clocks;
}

void attestation_clock_settings(struct attestation_service *service, int64_t *bound,
                                int64_t *tolerance)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    *bound = attestation_settings_clock_bound(&snapshot->settings);
    *tolerance = snapshot->settings.clock_tolerance_seconds;
}

struct tpm_trust *attestation_trust(struct attestation_service *service)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    return tpm_trust_ref(snapshot->trust);
}

struct attestation_policies *attestation_policies(struct attestation_service *service)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    return attestation_policies_ref(snapshot->policies);
}
