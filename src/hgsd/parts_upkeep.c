/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/parts_private.h"

#include "base/log.h"

#define AGAIN_MS 1000
#define LATEST_MS 60000
/* Far beyond what all deadlines of a keyholder's calls can add up to in one round. */
#define LONGEST_MS (INT64_C(15) * 60 * 1000)

/* One that is stuck is found out before hosts and administrators wait for it. */
static bool look_at_keyholder(struct parts *parts)
{
    if (parts_want_keys(parts))
        return parts_load_keys(parts);
    bool answers = keyholder_answers(parts->keyholder, NULL);
    if (answers)
        certificate_keys_retry(parts->certificate_keys);
    return answers;
}

static int64_t tick(void *context)
{
    struct parts *parts = context;
    struct error err = {0};
    parts_look_at_clock(parts);
    bool answers = look_at_keyholder(parts);
    int64_t now = clock_now(&parts->clock), due = now + LATEST_MS / 1000;
    if (!attestation_tick(parts->attestation, &due, &err))
        log_error(LOG_LEVEL_ERROR, &err, "cannot renew attestation signers");
    if (!answers || parts->clock.moving != NULL)
        return AGAIN_MS; /* nobody tells when a test sets its clock */
    if (due > now + LATEST_MS / 1000)
        return LATEST_MS;
    return due > now ? (due - now) * 1000 : AGAIN_MS;
}

bool parts_start_upkeep(struct parts *parts, struct error *err)
{
    struct upkeep *upkeep = NULL;
    tick(parts);
    if (!upkeep_start(&upkeep, tick, LONGEST_MS, parts, err))
        return false;
    pthread_mutex_lock(&parts->lock);
    parts->upkeep = upkeep;
    pthread_mutex_unlock(&parts->lock);
    upkeep_wake(upkeep); /* for whoever wanted to before it was there */
    return true;
}

void parts_wake(struct parts *parts)
{
    pthread_mutex_lock(&parts->lock);
    if (parts->upkeep != NULL)
        upkeep_wake(parts->upkeep);
    pthread_mutex_unlock(&parts->lock);
}
