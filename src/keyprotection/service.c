/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/service.h"

#include "base/json.h"
#include "base/memory.h"
#include "keyholder/keyholder_token.h"
#include "keyprotection/error_reply.h"
#include "keyprotection/errors.h"
#include "keyprotection/roll.h"
#include "keyprotection/snapshot.h"
#include "protector/metadata.h"
#include "protector/protector.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* The certificates of some 4 000 protectors, at a few kilobytes each, and their signatures. */
#define CERTIFICATES_CACHED 8192
#define VERIFICATIONS_CACHED 16384
#define REPLY_MAX (2 * 1024 * 1024)
#define AUDIT_FIELDS_MAX 8192

struct keyprotection_service {
    struct keyprotection_options options;
    struct cache *certificates;
    struct verification_cache *verifications;
    struct usage *usage;  /* NULL: nobody counts */
    pthread_mutex_t lock; /* of the pointer, for as long as it takes to count a reference */
    struct keyprotection_snapshot *current;
};

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

static struct keyprotection_snapshot *acquire(struct keyprotection_service *service)
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
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *old = acquire(service);
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
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *snapshot = acquire(service);
    if (!snapshot->problem.code)
        return true;
    if (err)
        *err = snapshot->problem;
    return false;
}

static void reply_error(keyprotection_reply *reply, void *context, const struct error *err)
{
    unsigned status;
    _cleanup_buf_ struct buf body;
    buf_init(&body, REPLY_MAX);
    error_reply_format(&body, &status, err);
    reply(context, status, &body);
}

static void write_digest(struct json_writer *writer, const char *name, bool known,
                         const uint8_t digest[32])
{
    if (known)
        json_write_hex(writer, name, slice_of(digest, 32));
}

/* Whom the certificate names: "host" is the name that administrators know, and "key_id" the
 * identity, as in records of attestations. */
static void write_host(struct json_writer *writer, const struct keyprotection_options *options,
                       const struct roll_facts *facts)
{
    char name[KEYPROTECTION_NAME_SIZE], id[2 * DIGEST_SHA256_SIZE + 1];
    if (facts->host == NULL)
        return;
    if (!facts->host_trusted || options->name_host == NULL ||
        !options->name_host(options->context, facts->host, name)) {
        json_write_text(writer, facts->host_trusted ? "host" : "claimed_host", facts->host);
        return;
    }
    snprintf(id, sizeof id, "%s", facts->host);
    for (char *c = id; *c != '\0'; c++)
        *c = (char)(tolower)((unsigned char)*c);
    json_write_text(writer, "host", name);
    json_write_text(writer, "key_id", id);
}

static void note_clock(const struct keyprotection_options *options, const struct roll_facts *facts,
                       int64_t offset)
{
    char name[KEYPROTECTION_NAME_SIZE];
    if (options->host_clock != NULL && options->name_host != NULL && facts->host_trusted &&
        options->name_host(options->context, facts->host, name))
        options->host_clock(options->context, name, offset);
}

/* The inside of the audit record's object. Every part is bounded: it always fits. */
static struct slice audit_fields(struct buf *out, const struct keyprotection_options *options,
                                 const struct roll_facts *facts, const char *peer,
                                 const struct error *refusal)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    write_host(&writer, options, facts);
    write_digest(&writer, "health_certificate", facts->has_health, facts->health_thumbprint);
    write_digest(&writer, "ingress_protector", facts->has_ingress, facts->ingress_digest);
    write_digest(&writer, "egress_protector", facts->has_egress, facts->egress_digest);
    write_digest(&writer, "owner", facts->has_wrapping, facts->owner_thumbprint);
    write_digest(&writer, "encryption_certificate", facts->has_wrapping,
                 facts->encryption_thumbprint);
    if (refusal) {
        json_write_text(&writer, "code", refusal->code->name);
        json_write_text(&writer, "reason", refusal->message);
    }
    json_write_text(&writer, "peer", peer);
    json_write_object_end(&writer);
    return slice_of(out->data + 1, out->size - 2);
}

static void refuse(struct keyprotection_service *service, const struct roll_facts *facts,
                   const char *peer, const struct error *err, keyprotection_reply *reply,
                   void *context)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, AUDIT_FIELDS_MAX);
    /* Nothing is released: the refusal stands whether or not it could be recorded. */
    audit_append_limited(service->options.audit, "key.refused", peer,
                         audit_fields(&text, &service->options, facts, peer, err), NULL);
    reply_error(reply, context, err);
}

/* A response that waits for its record to be on disk. */
struct release {
    struct buf body;
    keyprotection_reply *reply;
    void *context;
};

static void release_recorded(void *context, bool ok, const struct error *err)
{
    struct release *release = context;
    if (ok)
        release->reply(release->context, 200, &release->body);
    else
        reply_error(release->reply, release->context, err);
    buf_done(&release->body);
    free(release);
}

/* Takes body. */
static void record_and_release(struct keyprotection_service *service,
                               const struct roll_facts *facts, const char *peer, struct buf *body,
                               keyprotection_reply *reply, void *context)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, AUDIT_FIELDS_MAX);
    struct release *release = memory_allocate_zero(1, sizeof *release);
    release->reply = reply;
    release->context = context;
    buf_move(&release->body, body);
    struct error err = {0};
    if (!audit_append(service->options.audit, "key.released",
                      audit_fields(&text, &service->options, facts, peer, NULL), release_recorded,
                      release, &err))
        release_recorded(release, false, &err);
}

/* A release from its request to its reply. */
struct roll_job {
    struct keyprotection_service *service;
    struct keyprotection_snapshot *snapshot;
    struct roll_resources resources;
    struct roll_facts facts;
    struct rolling rolling;
    unsigned version;
    const char *peer;
    bool has_clock; /* the host said what time it is */
    int64_t clock_offset;
    keyprotection_reply *reply;
    void *context;
};

static void job_done(struct roll_job *job)
{
    roll_done(&job->rolling);
    roll_facts_done(&job->facts);
    keyprotection_snapshot_release(&job->snapshot);
}

static void job_refuse(struct roll_job *job, const struct error *err)
{
    refuse(job->service, &job->facts, job->peer, err, job->reply, job->context);
    job_done(job);
}

static void job_finish(struct roll_job *job)
{
    struct error err = {0};
    _cleanup_buf_ struct buf response;
    buf_init(&response, REPLY_MAX);
    if (!roll_finish(&response, &job->rolling, job->version, &err)) {
        job_refuse(job, &err);
        return;
    }
    if (job->has_clock)
        note_clock(&job->service->options, &job->facts, job->clock_offset);
    record_and_release(job->service, &job->facts, job->peer, &response, job->reply, job->context);
    job_done(job);
}

/* On a token's worker. */
static void job_go_on(void *work)
{
    struct roll_job *job = work;
    job_finish(job);
    free(job);
}

static void busy(struct error *err)
{
    error_set(err, &keyprotection_busy, NULL, NULL, "too many releases wait");
}

/* The job is moved; in any case it will be, or is, answered. */
static void job_hand_over(struct roll_job *job, unsigned token)
{
    const struct keyprotection_options *options = &job->service->options;
    struct roll_job *moved = memory_allocate(sizeof *moved);
    *moved = *job;
    moved->rolling.resources = &moved->resources;
    moved->rolling.facts = &moved->facts;
    if (options->hand_over(options->context, token, job_go_on, moved))
        return;
    struct error err = {0};
    busy(&err);
    job_refuse(moved, &err);
    free(moved);
}

void keyprotection_roll(struct keyprotection_service *service, unsigned version, struct slice body,
                        const char *peer, const int64_t *clock_offset, keyprotection_reply *reply,
                        void *context)
{
    struct error err = {0};
    struct roll_job job = {.service = service,
                           .snapshot = acquire(service),
                           .version = version,
                           .peer = peer,
                           .has_clock = clock_offset != NULL,
                           .clock_offset = clock_offset != NULL ? *clock_offset : 0,
                           .reply = reply,
                           .context = context};
    job.resources = (struct roll_resources){
        .snapshot = job.snapshot,
        .keyholder = service->options.keyholder,
        .certificates = service->certificates,
        .verifications = service->verifications,
        .usage = service->usage,
        .now = clock_now(service->options.clock),
    };
    if (!roll_begin(&job.rolling, &job.resources, &job.facts, body, &err)) {
        job_refuse(&job, &err);
        return;
    }
    unsigned token = service->options.hand_over ? roll_token(&job.rolling) : 0;
    if (token != 0)
        job_hand_over(&job, token);
    else
        job_finish(&job);
}

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
    buf_init(&body, REPLY_MAX);
    /* Not under the lock: the keyholder may be away, and those who wait for it would wait one
     * behind the other. Two may sign at once; both documents are good. */
    if (find_metadata(&body, job->snapshot) ||
        sign_metadata(&body, job->snapshot, job->service->options.keyholder, &err)) {
        keep_metadata(job->snapshot, buf_slice(&body));
        job->reply(job->context, 200, &body);
    } else {
        reply_error(job->reply, job->context, &err);
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
    struct metadata_job job = {service, acquire(service), reply, context};
    _cleanup_buf_ struct buf body;
    buf_init(&body, REPLY_MAX);
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

void keyprotection_refuse_request(struct keyprotection_service *service, const char *peer,
                                  const char *reason, keyprotection_reply *reply, void *context)
{
    struct roll_facts facts = {0};
    struct error err = {0};
    error_set(&err, &keyprotection_request_malformed, "MS-KPS 2.1", NULL, "%s", reason);
    refuse(service, &facts, peer, &err, reply, context);
}

void keyprotection_unavailable(keyprotection_reply *reply, void *context)
{
    struct error err = {0};
    busy(&err);
    reply_error(reply, context, &err);
}
