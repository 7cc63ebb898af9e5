/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "keyholder/keyholder_token.h"
#include "keyprotection/errors.h"
#include "keyprotection/service_private.h"
#include "protector/metadata.h"

#include <stdlib.h>

/* MS-KPS 3.1.5.1.2.3. */
static bool sign_metadata(struct buf *out, const struct keyprotection_snapshot *snapshot,
                          struct keyholder *keyholder, struct error *err)
{
    const struct keyprotection_certificate *encryption =
        keyprotection_snapshot_primary(snapshot, KEYPROTECTION_ENCRYPTION);
    if (!encryption)
        return error_set(err, &keyprotection_no_encryption_certificate, "MS-KPS 3.1.5.1.2.3", NULL,
                         "Primary Encryption Certificate not found");
    const struct keyprotection_certificate *signing =
        keyprotection_snapshot_primary(snapshot, KEYPROTECTION_SIGNING);
    if (!signing)
        return error_set(err, &keyprotection_no_signing_certificate, "MS-KPS 3.1.5.1.2.3", NULL,
                         "Primary Signing Certificate not found");
    const struct keyprotection_certificate *communications =
        keyprotection_snapshot_primary(snapshot, KEYPROTECTION_COMMUNICATIONS);
    const struct keyprotection_certificate *by = communications ? communications : signing;

    struct certificate *others[METADATA_OTHERS_MAX];
    size_t other_count = 0;
    const struct keyprotection_certificate *other;
    for (size_t i = 1;
         other_count < METADATA_OTHERS_MAX &&
         (other = keyprotection_snapshot_certificate(snapshot, KEYPROTECTION_SIGNING, i));
         i++)
        others[other_count++] = other->certificate;
    struct metadata_content content = {
        .signing = signing->certificate,
        .encryption = encryption->certificate,
        .others = others,
        .other_count = other_count,
        .communications = communications ? communications->certificate : NULL,
    };
    struct keyholder_key signing_key = {keyholder, certificate_key(signing->certificate)};
    struct keyholder_key document_key = {keyholder, certificate_key(by->certificate)};
    struct signer signing_signer = keyholder_signer(&signing_key);
    struct signer document_signer = keyholder_signer(&document_key);
    return metadata_format(out, &content, &signing_signer, &document_signer, err);
}

/* The document that was signed for this snapshot, if it was. */
static bool find_metadata(struct buf *out, struct keyprotection_snapshot *snapshot)
{
    pthread_mutex_lock(&snapshot->metadata_lock);
    buf_append(out, buf_slice(&snapshot->metadata));
    pthread_mutex_unlock(&snapshot->metadata_lock);
    return out->size > 0;
}

static void keep_metadata(struct keyprotection_snapshot *snapshot, struct slice document)
{
    pthread_mutex_lock(&snapshot->metadata_lock);
    if (snapshot->metadata.size == 0) {
        buf_init(&snapshot->metadata, document.size);
        buf_append(&snapshot->metadata, document);
    }
    pthread_mutex_unlock(&snapshot->metadata_lock);
}

/* A metadata document that is not signed yet. */
struct metadata_job {
    struct keyprotection_service *service;
    struct keyprotection_snapshot *snapshot;
    keyprotection_reply *reply;
    void *context;
};

static void metadata_finish(struct metadata_job *job)
{
    struct error err = {0};
    _cleanup_buf_ struct buf body;
    buf_init(&body, KEYPROTECTION_REPLY_MAX);
    /* Not under the lock: the keyholder may be away, and those who wait for it would wait one
     * behind the other. Two may sign at once; both documents are good. */
    if (find_metadata(&body, job->snapshot) ||
        sign_metadata(&body, job->snapshot, job->service->options.keyholder, &err)) {
        keep_metadata(job->snapshot, buf_slice(&body));
        job->reply(job->context, 200, &body);
    } else {
        keyprotection_service_reply_error(job->reply, job->context, &err);
    }
    keyprotection_snapshot_release(&job->snapshot);
}

static void metadata_go_on(void *work)
{
    struct metadata_job *job = work;
    metadata_finish(job);
    free(job);
}

/* The token that has to sign it; 0: none. */
static unsigned metadata_token(const struct metadata_job *job)
{
    static const enum keyprotection_certificate_type types[] = {KEYPROTECTION_SIGNING,
                                                                KEYPROTECTION_COMMUNICATIONS};
    unsigned token = 0;
    for (size_t i = 0; i < 2 && token == 0; i++) {
        const struct keyprotection_certificate *it =
            keyprotection_snapshot_primary(job->snapshot, types[i]);
        if (it)
            token = keyholder_token_of(job->service->options.keyholder, it->key_id);
    }
    return token;
}

static void metadata_hand_over(struct metadata_job *job, unsigned token)
{
    const struct keyprotection_options *options = &job->service->options;
    struct metadata_job *moved = memory_allocate(sizeof *moved);
    *moved = *job;
    if (options->hand_over(options->context, token, metadata_go_on, moved))
        return;
    keyprotection_unavailable(moved->reply, moved->context);
    keyprotection_snapshot_release(&moved->snapshot);
    free(moved);
}

void keyprotection_metadata(struct keyprotection_service *service, keyprotection_reply *reply,
                            void *context)
{
    struct metadata_job job = {service, keyprotection_service_acquire(service), reply, context};
    _cleanup_buf_ struct buf body;
    buf_init(&body, KEYPROTECTION_REPLY_MAX);
    if (find_metadata(&body, job.snapshot)) {
        reply(context, 200, &body);
        keyprotection_snapshot_release(&job.snapshot);
        return;
    }
    unsigned token = service->options.hand_over ? metadata_token(&job) : 0;
    if (token != 0)
        metadata_hand_over(&job, token);
    else
        metadata_finish(&job);
}
