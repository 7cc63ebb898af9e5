/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/parts_private.h"

#include "admin/audit_key.h"
#include "base/log.h"
#include "hgsd/supervisor.h"

/* STORE_SETTING "audit" names the key that signs the trail's checkpoints; before `server init`
 * there is none. */
static void use_audit_key(struct parts *parts)
{
    struct error err = {0};
    struct admin_audit_key key;
    if (admin_audit_key_load(&key, parts->store, &err))
        audit_set_signer(parts->audit, parts->keyholder, key.id);
    else if (error_kind(&err) != ERROR_NOT_FOUND)
        log_error(LOG_LEVEL_ERROR, &err, "the audit trail has no checkpoints");
    admin_audit_key_done(&key);
}

/* On the thread that found it out. */
static void tell_stuck(void *context)
{
    const struct parts *parts = context;
    struct error err = {0};
    if (!supervisor_tell_stuck(parts->control, NULL, &err))
        log_error(LOG_LEVEL_ERROR, &err, "cannot have the keyholder started again");
}

/* Under the lock. */
static void want_keys(struct parts *parts)
{
    parts->keys_wanted = true;
    parts->keys_wanted_at++;
}

void parts_watch_keyholder(struct parts *parts)
{
    keyholder_watch(parts->keyholder, tell_stuck, parts);
    keyholder_hold(parts->keyholder, true);
    want_keys(parts); /* there is no other thread yet */
}

void parts_replace_keyholder(struct parts *parts, const struct supervisor_channels *channels)
{
    pthread_mutex_lock(&parts->lock);
    keyholder_hold(parts->keyholder, true);
    keyholder_replace(parts->keyholder, channels->fds, channels->count);
    want_keys(parts);
    pthread_mutex_unlock(&parts->lock);
}

void parts_load_keys_again(struct parts *parts)
{
    pthread_mutex_lock(&parts->lock);
    want_keys(parts);
    pthread_mutex_unlock(&parts->lock);
}

bool parts_want_keys(struct parts *parts)
{
    pthread_mutex_lock(&parts->lock);
    bool wanted = parts->keys_wanted;
    pthread_mutex_unlock(&parts->lock);
    return wanted;
}

static uint64_t wanted_at(struct parts *parts)
{
    pthread_mutex_lock(&parts->lock);
    uint64_t at = parts->keys_wanted_at;
    pthread_mutex_unlock(&parts->lock);
    return at;
}

/* False when a keyholder that came meanwhile has not been told of them. */
static bool release_keyholder(struct parts *parts, uint64_t loaded_at)
{
    pthread_mutex_lock(&parts->lock);
    bool same = parts->keys_wanted_at == loaded_at;
    if (same) {
        parts->keys_wanted = false;
        keyholder_hold(parts->keyholder, false);
    }
    pthread_mutex_unlock(&parts->lock);
    return same;
}

bool parts_load_keys(struct parts *parts)
{
    struct error err = {0};
    uint64_t at = wanted_at(parts);
    if (!keys_load_all(parts->keys, &err) ||
        !certificate_keys_load(parts->certificate_keys, &err)) {
        log_error(LOG_LEVEL_ERROR, &err, "cannot load the private keys");
        return false;
    }
    use_audit_key(parts);
    if (!release_keyholder(parts, at))
        return false;
    keyprotection_prepare(parts->keyprotection);
    certificate_keys_prove(parts->certificate_keys);
    return true;
}

void parts_audit_apply(struct parts *parts, const struct store_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].kind == STORE_SETTING &&
            strcmp(changes[i].key, ADMIN_AUDIT_KEY_SETTING) == 0 && !changes[i].remove)
            use_audit_key(parts);
}
