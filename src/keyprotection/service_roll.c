/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/memory.h"
#include "keyprotection/errors.h"
#include "keyprotection/roll.h"
#include "keyprotection/service_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define AUDIT_FIELDS_MAX 8192

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
    keyprotection_service_reply_error(reply, context, err);
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
        keyprotection_service_reply_error(release->reply, release->context, err);
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
    unsigned here; /* the token whose worker has it; 0: none */
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
    buf_init(&response, KEYPROTECTION_REPLY_MAX);
    if (!roll_finish(&response, &job->rolling, job->version, &err)) {
        job_refuse(job, &err);
        return;
    }
    if (job->has_clock)
        note_clock(&job->service->options, &job->facts, job->clock_offset);
    record_and_release(job->service, &job->facts, job->peer, &response, job->reply, job->context);
    job_done(job);
}

static void job_hand_over(struct roll_job *job, unsigned token);

/* On a token's worker, which waits for no other token. */
static void job_go_on(void *work)
{
    struct roll_job *job = work;
    struct error err = {0};
    unsigned second = roll_signing_token(&job->rolling);
    if (job->rolling.tried || second == 0 || second == job->here)
        job_finish(job);
    else if (roll_open(&job->rolling, &err))
        job_hand_over(job, second);
    else
        job_refuse(job, &err);
    free(job);
}

/* The job is moved; in any case it will be, or is, answered. */
static void job_hand_over(struct roll_job *job, unsigned token)
{
    const struct keyprotection_options *options = &job->service->options;
    struct roll_job *moved = memory_allocate(sizeof *moved);
    *moved = *job;
    moved->here = token;
    moved->rolling.resources = &moved->resources;
    moved->rolling.facts = &moved->facts;
    if (options->hand_over(options->context, token, job_go_on, moved))
        return;
    struct error err = {0};
    keyprotection_service_busy(&err);
    job_refuse(moved, &err);
    free(moved);
}

void keyprotection_roll(struct keyprotection_service *service, unsigned version, struct slice body,
                        const char *peer, const int64_t *clock_offset, keyprotection_reply *reply,
                        void *context)
{
    struct error err = {0};
    struct roll_job job = {.service = service,
                           .snapshot = keyprotection_service_acquire(service),
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

void keyprotection_refuse_request(struct keyprotection_service *service, const char *peer,
                                  const char *reason, keyprotection_reply *reply, void *context)
{
    struct roll_facts facts = {0};
    struct error err = {0};
    error_set(&err, &keyprotection_request_malformed, "MS-KPS 2.1", NULL, "%s", reason);
    refuse(service, &facts, peer, &err, reply, context);
}
