/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/service.h"

#include "base/memory.h"
#include "keyprotection/error_reply.h"
#include "keyprotection/errors.h"
#include "keyprotection/service_private.h"
#include "protector/protector.h"

#include <stdlib.h>

/* The certificates of some 4 000 protectors, at a few kilobytes each, and their signatures. */
#define CERTIFICATES_CACHED 8192
#define VERIFICATIONS_CACHED 16384

static bool start_usage(struct usage **out, const struct keyprotection_options *options,
                        struct error *err)
{
    struct usage_options usage = {options->store, options->keyholder, options->clock, options->node,
                                  USAGE_PROTECTORS_MAX};
    return options->node == NULL || usage_new(out, &usage, err);
}

bool keyprotection_service_new(struct keyprotection_service **out,
                               const struct keyprotection_options *options, struct error *err)
{
    struct usage *usage = NULL;
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *snapshot = NULL;
    if (!keyprotection_snapshot_load(&snapshot, options->store, err) ||
        !start_usage(&usage, options, err))
        return false;
    struct keyprotection_service *service = memory_allocate_zero(1, sizeof *service);
    service->options = *options;
    service->certificates = certificate_cache_new(CERTIFICATES_CACHED);
    service->verifications = verification_cache_new(VERIFICATIONS_CACHED);
    pthread_mutex_init(&service->lock, NULL);
    service->current = memory_steal(&snapshot);
    service->usage = usage;
    *out = service;
    return true;
}

void keyprotection_service_free(struct keyprotection_service **service)
{
    struct keyprotection_service *it = *service;
    if (!it)
        return;
    usage_free(&it->usage);
    keyprotection_snapshot_release(&it->current);
    cache_free(&it->certificates);
    verification_cache_free(&it->verifications);
    pthread_mutex_destroy(&it->lock);
    free(it);
    *service = NULL;
}

struct keyprotection_snapshot *keyprotection_service_acquire(struct keyprotection_service *service)
{
    pthread_mutex_lock(&service->lock);
    struct keyprotection_snapshot *snapshot = keyprotection_snapshot_ref(service->current);
    pthread_mutex_unlock(&service->lock);
    return snapshot;
}

void keyprotection_apply(struct keyprotection_service *service, const struct store_change *changes,
                         size_t count)
{
    bool concerned = false;
    if (service->usage != NULL)
        usage_apply(service->usage, changes, count);
    for (size_t i = 0; i < count; i++)
        concerned |= keyprotection_snapshot_concerns(changes[i].kind, changes[i].key);
    if (!concerned)
        return;
    /* Only the watch's thread makes new ones, so nothing can be lost between reading and
     * publishing. */
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *old =
        keyprotection_service_acquire(service);
    struct keyprotection_snapshot *next = keyprotection_snapshot_next(old, changes, count);
    pthread_mutex_lock(&service->lock);
    struct keyprotection_snapshot *replaced = service->current;
    service->current = next;
    pthread_mutex_unlock(&service->lock);
    keyprotection_snapshot_release(&replaced);
}

void keyprotection_prepare(struct keyprotection_service *service)
{
    if (service->usage != NULL)
        usage_prepare(service->usage, NULL); /* else its thread does, a moment later */
}

bool keyprotection_usage(struct keyprotection_service *service,
                         struct usage_certificate *certificates, size_t count, int64_t lately,
                         struct usage_totals *totals)
{
    if (service->usage == NULL)
        return false;
    usage_report(service->usage, certificates, count, lately, totals);
    return true;
}

bool keyprotection_healthy(struct keyprotection_service *service, struct error *err)
{
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *snapshot =
        keyprotection_service_acquire(service);
    if (!snapshot->problem.code)
        return true;
    if (err)
        *err = snapshot->problem;
    return false;
}

void keyprotection_service_reply_error(keyprotection_reply *reply, void *context,
                                       const struct error *err)
{
    unsigned status;
    _cleanup_buf_ struct buf body;
    buf_init(&body, KEYPROTECTION_REPLY_MAX);
    error_reply_format(&body, &status, err);
    reply(context, status, &body);
}

void keyprotection_service_busy(struct error *err)
{
    error_set(err, &keyprotection_busy, NULL, NULL, "too many releases wait");
}

void keyprotection_unavailable(keyprotection_reply *reply, void *context)
{
    struct error err = {0};
    keyprotection_service_busy(&err);
    keyprotection_service_reply_error(reply, context, &err);
}
