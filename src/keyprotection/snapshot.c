/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/snapshot.h"

#include "base/json.h"
#include "base/memory.h"
#include "keyprotection/errors.h"
#include "keyprotection/trusted_signer.h"

#include <stdlib.h>

/* The kinds whose records make a snapshot. */
static const enum store_kind kinds[] = {STORE_CERTIFICATE, STORE_ATTESTATION_SIGNER,
                                        STORE_TRUSTED_SIGNER, STORE_SETTING};

#define KINDS (sizeof kinds / sizeof kinds[0])
/* Nobody trusts more; a list without an end would make every release slow. */
#define SIGNERS_MAX 1024
#define CERTIFICATES_MAX 1024
/* Of attestation/signer.h: what a record without the property means. */
#define SIGNER_USE_HEALTH "health"

static struct keyprotection_snapshot *snapshot_new(void)
{
    struct keyprotection_snapshot *snapshot = memory_allocate_zero(1, sizeof *snapshot);
    atomic_init(&snapshot->references, 1);
    snapshot->deny_all_before = HEALTH_DENY_NOTHING;
    pthread_mutex_init(&snapshot->metadata_lock, NULL);
    return snapshot;
}

struct keyprotection_snapshot *keyprotection_snapshot_ref(struct keyprotection_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void keyprotection_snapshot_release(struct keyprotection_snapshot **snapshot)
{
    struct keyprotection_snapshot *it = *snapshot;
    *snapshot = NULL;
    if (!it || atomic_fetch_sub_explicit(&it->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < it->certificate_count; i++) {
        free(it->certificates[i].record_key);
        keyprotection_certificate_done(&it->certificates[i].it);
    }
    for (size_t i = 0; i < it->signer_count; i++) {
        certificate_free(&it->signers[i].certificate);
        free(it->signer_names[i].record_key);
    }
    free(it->certificates);
    free(it->signers);
    free(it->signer_names);
    buf_done(&it->metadata);
    pthread_mutex_destroy(&it->metadata_lock);
    free(it);
}

static void add_certificate(struct keyprotection_snapshot *snapshot, const char *key,
                            const struct keyprotection_certificate *it)
{
    size_t count = snapshot->certificate_count;
    snapshot->certificates =
        memory_resize(snapshot->certificates, count + 1, sizeof *snapshot->certificates);
    snapshot->certificates[count] = (struct snapshot_certificate){memory_copy_text(key), *it};
    snapshot->certificate_count++;
}

static void add_signer(struct keyprotection_snapshot *snapshot, enum store_kind kind,
                       const char *key, const struct health_signer *signer)
{
    size_t count = snapshot->signer_count;
    snapshot->signers = memory_resize(snapshot->signers, count + 1, sizeof *snapshot->signers);
    snapshot->signer_names =
        memory_resize(snapshot->signer_names, count + 1, sizeof *snapshot->signer_names);
    snapshot->signers[count] = *signer;
    snapshot->signer_names[count] = (struct snapshot_signer_name){kind, memory_copy_text(key)};
    snapshot->signer_count++;
}

static void remove_certificate(struct keyprotection_snapshot *snapshot, const char *key)
{
    for (size_t i = 0; i < snapshot->certificate_count; i++) {
        struct snapshot_certificate *it = &snapshot->certificates[i];
        if (strcmp(it->record_key, key) != 0)
            continue;
        free(it->record_key);
        keyprotection_certificate_done(&it->it);
        *it = snapshot->certificates[--snapshot->certificate_count];
        return;
    }
}

static void remove_signer(struct keyprotection_snapshot *snapshot, enum store_kind kind,
                          const char *key)
{
    for (size_t i = 0; i < snapshot->signer_count; i++) {
        struct snapshot_signer_name *name = &snapshot->signer_names[i];
        if (name->kind != kind || strcmp(name->record_key, key) != 0)
            continue;
        free(name->record_key);
        certificate_free(&snapshot->signers[i].certificate);
        size_t last = --snapshot->signer_count;
        *name = snapshot->signer_names[last];
        snapshot->signers[i] = snapshot->signers[last];
        return;
    }
}

/*
 * {"certificate": base64 DER, "deny_before": seconds or absent, "use": text or absent, …} of either
 * kind of signer. *trusted false: its use is another than health certificates (protocol.md 2.4: the
 * signer of unprotected signing keys), so nothing is released to what it issued.
 */
static bool parse_signer(struct health_signer *out, bool *trusted, struct slice value,
                         struct error *err)
{
    const char *use;
    _cleanup_json_ struct json *document = NULL;
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    if (!json_parse(&document, value, err) ||
        !json_get_text_or(&use, document, "use", SIGNER_USE_HEALTH, err))
        return false;
    *trusted = strcmp(use, SIGNER_USE_HEALTH) == 0;
    if (!*trusted)
        return true;
    return json_get_integer_or(&out->deny_before, document, "deny_before", HEALTH_DENY_NOTHING,
                               err) &&
           json_get_bytes(&der, document, "certificate", err) && buf_ok(&der, "certificate", err) &&
           certificate_parse(&out->certificate, buf_slice(&der), err);
}

static bool put_signer(struct keyprotection_snapshot *snapshot, const struct store_change *change,
                       struct error *err)
{
    struct health_signer signer = {0};
    bool trusted = false;
    if (snapshot->signer_count == SIGNERS_MAX)
        return error_set(err, &keyprotection_record, NULL, change->key,
                         "more than %d attestation signers", SIGNERS_MAX);
    if (!parse_signer(&signer, &trusted, change->value, err))
        return false;
    if (trusted)
        add_signer(snapshot, change->kind, change->key, &signer);
    return true;
}

static bool put_certificate(struct keyprotection_snapshot *snapshot,
                            const struct store_change *change, struct error *err)
{
    struct keyprotection_certificate certificate;
    if (snapshot->certificate_count == CERTIFICATES_MAX)
        return error_set(err, &keyprotection_record, NULL, change->key,
                         "more than %d guardian certificates", CERTIFICATES_MAX);
    if (!keyprotection_certificate_parse(&certificate, change->key, change->value, err))
        return false;
    add_certificate(snapshot, change->key, &certificate);
    return true;
}

static bool read_integer(int64_t *out, struct slice value, const char *name, struct error *err)
{
    _cleanup_json_ struct json *document = NULL;
    return json_parse(&document, value, err) && json_get_integer(out, document, name, err);
}

static bool put_deny_all(struct keyprotection_snapshot *snapshot, const struct store_change *change,
                         struct error *err)
{
    snapshot->deny_all_before = INT64_MAX;
    return keyprotection_deny_all_parse(&snapshot->deny_all_before, change->value, err);
}

static bool put_setting(struct keyprotection_snapshot *snapshot, const struct store_change *change,
                        struct error *err)
{
    int64_t value;
    if (!read_integer(&value, change->value, "max_offline_unwraps", err))
        return false;
    if (value < 0 || value > UINT32_MAX)
        return error_set(err, &keyprotection_record, NULL, change->key,
                         "max_offline_unwraps is not an unsigned 32-bit number");
    snapshot->max_offline_unwraps = (uint32_t)value;
    return true;
}

static bool is_deny_all(const struct store_change *change)
{
    return change->kind == STORE_TRUSTED_SIGNER &&
           strcmp(change->key, KEYPROTECTION_ALL_SIGNERS) == 0;
}

static void forget(struct keyprotection_snapshot *snapshot, const struct store_change *change)
{
    if (change->kind == STORE_CERTIFICATE)
        remove_certificate(snapshot, change->key);
    else if (change->kind == STORE_SETTING)
        snapshot->max_offline_unwraps = 0;
    else if (is_deny_all(change))
        snapshot->deny_all_before = HEALTH_DENY_NOTHING;
    else
        remove_signer(snapshot, change->kind, change->key);
}

static bool put(struct keyprotection_snapshot *snapshot, const struct store_change *change,
                struct error *err)
{
    if (change->kind == STORE_CERTIFICATE)
        return put_certificate(snapshot, change, err);
    if (change->kind == STORE_SETTING)
        return put_setting(snapshot, change, err);
    return is_deny_all(change) ? put_deny_all(snapshot, change, err)
                               : put_signer(snapshot, change, err);
}

bool keyprotection_snapshot_concerns(enum store_kind kind, const char *key)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i] == kind)
            return kind != STORE_SETTING || strcmp(key, KEYPROTECTION_SETTING) == 0;
    }
    return false;
}

/* Before it is published. */
static void change_snapshot(struct keyprotection_snapshot *snapshot,
                            const struct store_change *change)
{
    if (!keyprotection_snapshot_concerns(change->kind, change->key))
        return;
    forget(snapshot, change);
    if (strcmp(snapshot->problem.object, change->key) == 0)
        snapshot->problem = (struct error){0};
    struct error cause = {0};
    if (change->remove || put(snapshot, change, &cause))
        return;
    if (!snapshot->problem.code)
        error_set(&snapshot->problem, &keyprotection_record, NULL, change->key, "%s",
                  cause.message);
}

/* The document names certificates and nothing else: as long as they stay, it is not signed anew,
 * for which a token may be away. */
static void take_over_metadata(struct keyprotection_snapshot *next,
                               struct keyprotection_snapshot *from,
                               const struct store_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].kind == STORE_CERTIFICATE)
            return;
    pthread_mutex_lock(&from->metadata_lock);
    if (from->metadata.size > 0) {
        buf_init(&next->metadata, from->metadata.size);
        buf_append(&next->metadata, buf_slice(&from->metadata));
    }
    pthread_mutex_unlock(&from->metadata_lock);
}

struct keyprotection_snapshot *keyprotection_snapshot_next(struct keyprotection_snapshot *from,
                                                           const struct store_change *changes,
                                                           size_t count)
{
    struct keyprotection_snapshot *next = snapshot_new();
    next->deny_all_before = from->deny_all_before;
    next->max_offline_unwraps = from->max_offline_unwraps;
    next->problem = from->problem;
    for (size_t i = 0; i < from->certificate_count; i++) {
        struct keyprotection_certificate copy = from->certificates[i].it;
        certificate_ref(copy.certificate);
        add_certificate(next, from->certificates[i].record_key, &copy);
    }
    for (size_t i = 0; i < from->signer_count; i++) {
        struct health_signer copy = from->signers[i];
        certificate_ref(copy.certificate);
        add_signer(next, from->signer_names[i].kind, from->signer_names[i].record_key, &copy);
    }
    for (size_t i = 0; i < count; i++)
        change_snapshot(next, &changes[i]);
    take_over_metadata(next, from, changes, count);
    return next;
}

static bool load_record(void *context, const struct store_record *record, struct error *err)
{
    (void)err;
    struct store_change change = {.kind = record->kind, .key = record->key, .value = record->value};
    change_snapshot(context, &change);
    return true;
}

bool keyprotection_snapshot_load(struct keyprotection_snapshot **out, struct store *store,
                                 struct error *err)
{
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *snapshot = snapshot_new();
    for (size_t i = 0; i < KINDS; i++) {
        if (!store_list(store, kinds[i], NULL, 0, load_record, snapshot, NULL, err))
            return false;
    }
    *out = memory_steal(&snapshot);
    return true;
}

const struct keyprotection_certificate *keyprotection_snapshot_primary(
    const struct keyprotection_snapshot *snapshot, enum keyprotection_certificate_type type)
{
    for (size_t i = 0; i < snapshot->certificate_count; i++) {
        const struct keyprotection_certificate *it = &snapshot->certificates[i].it;
        if (it->type == type && it->primary && it->enabled)
            return it;
    }
    return NULL;
}

const struct keyprotection_certificate *keyprotection_snapshot_certificate(
    const struct keyprotection_snapshot *snapshot, enum keyprotection_certificate_type type,
    size_t index)
{
    const struct keyprotection_certificate *primary =
        keyprotection_snapshot_primary(snapshot, type);
    if (primary && index-- == 0)
        return primary;
    for (size_t i = 0; i < snapshot->certificate_count; i++) {
        const struct keyprotection_certificate *it = &snapshot->certificates[i].it;
        if (it->type == type && it->enabled && it != primary && index-- == 0)
            return it;
    }
    return NULL;
}
