/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "base/memory.h"
#include "keyholder/errors.h"
#include "keyholder/keyholder_token.h"
#include "keyprotection/errors.h"
#include "keyprotection/service_private.h"
#include "protector/metadata.h"

#include <stdlib.h>

#define CLAUSE "MS-KPS 3.1.5.1.2.3"

/* A metadata document that is not signed yet. Two keys may sign it, in two places: each is used
 * where others wait for the same token, so that no token waits for another. */
struct metadata_job {
    struct keyprotection_service *service;
    struct keyprotection_snapshot *snapshot;
    const struct keyprotection_certificate *signing, *document; /* whose keys sign; snapshot's */
    const struct keyprotection_certificate *communications;     /* NULL: none */
    unsigned here;      /* the token whose worker has it; 0: none */
    struct buf vouched; /* empty until the signing key was used */
    keyprotection_reply *reply;
    void *context;
};

static bool choose_certificates(struct metadata_job *job, struct error *err)
{
    const struct keyprotection_snapshot *snapshot = job->snapshot;
    if (!keyprotection_snapshot_primary(snapshot, KEYPROTECTION_ENCRYPTION))
        return error_set(err, &keyprotection_no_encryption_certificate, CLAUSE, NULL,
                         "Primary Encryption Certificate not found");
    job->signing = keyprotection_snapshot_primary(snapshot, KEYPROTECTION_SIGNING);
    if (!job->signing)
        return error_set(err, &keyprotection_no_signing_certificate, CLAUSE, NULL,
                         "Primary Signing Certificate not found");
    job->communications = keyprotection_snapshot_primary(snapshot, KEYPROTECTION_COMMUNICATIONS);
    job->document = job->communications ? job->communications : job->signing;
    return true;
}

/* A key of the keyholder, and whose it is when it fails. */
struct metadata_key {
    struct keyholder *keyholder;
    const struct keyprotection_certificate *certificate;
};

static bool refuse_key(const struct metadata_key *key, const struct error *cause, struct error *err)
{
    const struct keyprotection_certificate *it = key->certificate;
    unsigned token = keyholder_token_of(key->keyholder, it->key_id);
    const char *place = token != 0 ? keyholder_token_name(key->keyholder, token)
                        : keyholder_token_has(key->keyholder, it->key_id)
                            ? "a token that this node does not know"
                            : "a software key";
    char thumbprint[2 * DIGEST_SHA256_SIZE + 1];
    hex_format(slice_of(certificate_facts(it->certificate)->thumbprint, DIGEST_SHA256_SIZE),
               thumbprint);
    /* Of the cause only what anybody may know. */
    return error_set(err, &keyprotection_metadata_unsigned, CLAUSE, thumbprint,
                     "the private key of this primary %s certificate (%s) cannot be used now: "
                     "%s (%s). Try again later, or have the service's administrators mend it: "
                     "hgsctl server test",
                     keyprotection_certificate_type_name(it->type), place, cause->code->cause,
                     cause->code->name);
}

static bool sign_with(void *context, enum signature_algorithm algorithm, struct slice message,
                      struct buf *out, struct error *err)
{
    const struct metadata_key *key = context;
    struct error cause = {0};
    if (keyholder_sign(key->keyholder, key->certificate->key_id, algorithm, message, out, &cause))
        return true;
    if (error_kind(&cause) == ERROR_UNAVAILABLE || cause.code == &keyholder_key_unknown ||
        keyholder_token_failed(&cause))
        return refuse_key(key, &cause, err);
    if (err)
        *err = cause;
    return false;
}

static struct signer signer_with(struct metadata_key *key)
{
    return (struct signer){sign_with, key, certificate_key(key->certificate->certificate)};
}

/* MS-KPS 3.1.5.1.2.3. */
static bool vouch(struct metadata_job *job, struct error *err)
{
    const struct keyprotection_snapshot *snapshot = job->snapshot;
    struct certificate *others[METADATA_OTHERS_MAX];
    size_t other_count = 0;
    const struct keyprotection_certificate *other;
    for (size_t i = 1;
         other_count < METADATA_OTHERS_MAX &&
         (other = keyprotection_snapshot_certificate(snapshot, KEYPROTECTION_SIGNING, i));
         i++)
        others[other_count++] = other->certificate;
    struct metadata_content content = {
        .signing = job->signing->certificate,
        .encryption =
            keyprotection_snapshot_primary(snapshot, KEYPROTECTION_ENCRYPTION)->certificate,
        .others = others,
        .other_count = other_count,
        .communications = job->communications ? job->communications->certificate : NULL,
    };
    struct metadata_key key = {job->service->options.keyholder, job->signing};
    struct signer signer = signer_with(&key);
    return metadata_vouch(&job->vouched, &content, &signer, err);
}

static bool sign_document(struct buf *out, const struct metadata_job *job, struct error *err)
{
    struct metadata_key key = {job->service->options.keyholder, job->document};
    struct signer signer = signer_with(&key);
    return metadata_sign(out, buf_slice(&job->vouched), job->document->certificate, &signer, err);
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

static void job_done(struct metadata_job *job)
{
    buf_done(&job->vouched);
    keyprotection_snapshot_release(&job->snapshot);
}

static void job_refuse(struct metadata_job *job, const struct error *err)
{
    keyprotection_service_reply_error(job->reply, job->context, err);
    job_done(job);
}

static void job_answer(struct metadata_job *job, struct buf *body)
{
    job->reply(job->context, 200, body);
    job_done(job);
}

static void job_run(struct metadata_job *job);

/* On a token's worker. */
static void job_go_on(void *work)
{
    struct metadata_job *job = work;
    job_run(job);
    free(job);
}

static void job_hand_over(struct metadata_job *job, unsigned token)
{
    const struct keyprotection_options *options = &job->service->options;
    struct metadata_job *moved = memory_allocate(sizeof *moved);
    *moved = *job;
    moved->here = token;
    if (options->hand_over(options->context, token, job_go_on, moved))
        return;
    struct error err = {0};
    keyprotection_service_busy(&err);
    job_refuse(moved, &err);
    free(moved);
}

/* Where the key is that is used next; 0: with the software keyholder, which answers anywhere. */
static unsigned token_next(const struct metadata_job *job)
{
    const struct keyprotection_certificate *next =
        job->vouched.size == 0 ? job->signing : job->document;
    return keyholder_token_of(job->service->options.keyholder, next->key_id);
}

/* Not under the metadata's lock: the keyholder may be away, and those who wait for it would wait
 * one behind the other. Two may sign at once; both documents are good. */
static void job_run(struct metadata_job *job)
{
    struct error err = {0};
    _cleanup_buf_ struct buf body;
    buf_init(&body, KEYPROTECTION_REPLY_MAX);
    if (find_metadata(&body, job->snapshot)) {
        job_answer(job, &body);
        return;
    }
    unsigned token = job->service->options.hand_over ? token_next(job) : 0;
    if (token != 0 && token != job->here) {
        job_hand_over(job, token);
        return;
    }
    bool first = job->vouched.size == 0;
    if (first ? !vouch(job, &err) : !sign_document(&body, job, &err)) {
        job_refuse(job, &err);
        return;
    }
    if (first) {
        job_run(job);
        return;
    }
    keep_metadata(job->snapshot, buf_slice(&body));
    job_answer(job, &body);
}

void keyprotection_metadata(struct keyprotection_service *service, keyprotection_reply *reply,
                            void *context)
{
    struct error err = {0};
    struct metadata_job job = {.service = service,
                               .snapshot = keyprotection_service_acquire(service),
                               .reply = reply,
                               .context = context};
    buf_init(&job.vouched, METADATA_SIZE_MAX);
    if (choose_certificates(&job, &err))
        job_run(&job);
    else
        job_refuse(&job, &err);
}
