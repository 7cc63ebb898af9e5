/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/service.h"

#include "attestation/errors.h"
#include "attestation/health_certificate.h"
#include "attestation/judged.h"
#include "attestation/message_reply.h"
#include "attestation/refusal.h"
#include "attestation/renewal.h"
#include "attestation/snapshot.h"
#include "attestation/state.h"
#include "attestation/tpm.h"
#include "attestation/trail.h"
#include "base/memory.h"

#include <stdlib.h>

#define IDLE_SECONDS 60
/* Of hosts that attested lately; some 6 KB each. */
#define HOST_KEYS_CACHED 4096
#define KNOWN_HOSTS 4096  /* hosts in TPM mode whose records are held in memory */
#define JUDGED_BOOTS 4096 /* boots that passed lately; some 2 KB each */
#define HOST_CLOCKS 8192  /* some 300 bytes each */
#define CERTIFICATES_MAX (ATTESTATION_RESULT_MAX * 4096)

struct attestation_service {
    struct attestation_options options;
    char *node;
    pthread_mutex_t lock; /* of state */
    struct attestation_state state;
    struct attestation_host_cache *known_hosts;
    struct attestation_sealing_keys *sealing_keys;
    struct attestation_pending *pending;
    pthread_mutex_t renewal_lock; /* one renewal at a time */
    struct attestation_snapshot_slot slot;
    struct cache *host_keys;
    struct attestation_host_clocks *host_clocks;
    atomic_bool keeps_retired; /* signers that have served are not removed now */
    struct cache *judged;
};

/* With the lock held. */
static void publish(struct attestation_service *service)
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
    if (!attestation_state_load(&service->state, options->store, revision, err)) {
        attestation_service_free(&service);
        return false;
    }
    publish(service);
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
        publish(service);
    pthread_mutex_unlock(&service->lock);
}

static void committed(void *context, const struct store_change *changes, size_t count)
{
    attestation_apply(context, changes, count); /* the watch brings it once more, later */
}

static void signer_made(void *context, const struct attestation_signer *signer,
                        const struct error *problem)
{
    const struct attestation_service *service = context;
    service->options.signer_made(service->options.context, signer, problem);
}

static bool renew(struct attestation_service *service, bool at_once, int64_t *due,
                  struct error *err)
{
    const struct attestation_renewal renewal = {
        .keeps_retired = atomic_load(&service->keeps_retired),
        .made = service->options.signer_made != NULL ? signer_made : NULL,
        .store = service->options.store,
        .keyholder = service->options.keyholder,
        .node = service->node,
        .committed = committed,
        .context = service,
    };
    pthread_mutex_lock(&service->renewal_lock);
    pthread_mutex_lock(&service->lock);
    struct attestation_settings settings = service->state.settings;
    pthread_mutex_unlock(&service->lock);
    bool good = attestation_renewal_run(&renewal, &settings, clock_now(service->options.clock),
                                        at_once, due, err);
    pthread_mutex_lock(&service->lock);
    publish(service); /* the list's order also changes with time alone */
    pthread_mutex_unlock(&service->lock);
    pthread_mutex_unlock(&service->renewal_lock);
    return good;
}

/* When the watch lost commits and the store could not be read again at that moment. */
static bool reload_if_stale(struct attestation_service *service, struct error *err)
{
    int64_t revision;
    pthread_mutex_lock(&service->lock);
    bool good = !service->state.stale ||
                attestation_state_load(&service->state, service->options.store, &revision, err);
    publish(service);
    pthread_mutex_unlock(&service->lock);
    return good;
}

bool attestation_tick(struct attestation_service *service, int64_t *due, struct error *err)
{
    *due = clock_now(service->options.clock) + IDLE_SECONDS;
    if (!reload_if_stale(service, err))
        return false;
    return attestation_current_mode(service) == ATTESTATION_MODE_UNKNOWN ||
           renew(service, false, due, err);
}

void attestation_keep_retired(struct attestation_service *service, bool keep)
{
    atomic_store(&service->keeps_retired, keep);
}

bool attestation_signer_renew(struct attestation_service *service, struct error *err)
{
    int64_t due;
    if (attestation_current_mode(service) == ATTESTATION_MODE_UNKNOWN)
        return error_set(err, &attestation_not_initialized, NULL, NULL,
                         "the service is not initialised");
    return renew(service, true, &due, err);
}

static void write_time(struct json_writer *writer, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    json_write_text(writer, name, clock_format(time, text));
}

static void describe(struct json_writer *writer, const struct attestation_signer_list *list,
                     const struct attestation_signer *signer,
                     const struct attestation_settings *settings, int64_t now)
{
    const struct certificate_facts *facts = certificate_facts(signer->certificate);
    struct error problem = {0};
    bool rsa = public_key_type(certificate_key(signer->certificate)) == PUBLIC_KEY_RSA;
    json_write_object(writer, NULL);
    json_write_text(writer, "thumbprint", signer->thumbprint);
    json_write_text(writer, "subject", facts->subject_text);
    json_write_text(writer, "node", signer->node);
    json_write_text(writer, "use",
                    signer->use == ATTESTATION_SIGNER_HEALTH ? "health" : "unprotected");
    json_write_text(writer, "state",
                    attestation_signer_state_name(
                        attestation_signer_schedule_state(list, signer, settings, now)));
    json_write_text(writer, "key", rsa ? "rsa2048" : "p256");
    write_time(writer, "not_before", facts->not_before);
    write_time(writer, "not_after", facts->not_after);
    write_time(writer, "publish_at", signer->publish_at);
    write_time(writer, "active_at", signer->active_at);
    write_time(writer, "renew_at", attestation_signer_schedule_renewed_at(signer));
    write_time(writer, "serve_until",
               attestation_signer_schedule_served_until(list, signer, settings));
    if (signer->deny_before != 0)
        write_time(writer, "deny_before", signer->deny_before);
    if (attestation_signer_schedule_problem(&problem, list, signer, now))
        json_write_error(writer, "problem", &problem);
    json_write_object_end(writer);
}

void attestation_signer_describe(struct attestation_service *service, struct json_writer *writer,
                                 const char *name)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    int64_t now = clock_now(service->options.clock);
    json_write_array(writer, name);
    for (size_t i = 0; i < snapshot->signers.count; i++)
        describe(writer, &snapshot->signers, &snapshot->signers.items[i], &snapshot->settings, now);
    json_write_array_end(writer);
}

/* True when key protection would refuse what this signer issues now: a clock that was set back. */
static bool denied_ahead(struct error *err, const struct attestation_settings *settings,
                         const struct attestation_signer *signer, int64_t now)
{
    char time[CLOCK_TEXT_SIZE];
    int64_t deny_before =
        signer->deny_before > settings->deny_before ? signer->deny_before : settings->deny_before;
    if (deny_before <= now)
        return false;
    error_set(err, &attestation_deny_ahead, "protocol.md 3", signer->thumbprint,
              "what was issued before %s is denied, and that has not come here",
              clock_format(deny_before, time));
    return true;
}

void attestation_signer_problems(struct attestation_service *service, struct json_writer *writer,
                                 const char *name)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    const struct attestation_signer_list *list = &snapshot->signers;
    int64_t now = clock_now(service->options.clock);
    json_write_array(writer, name);
    for (size_t i = 0; i < list->count; i++) {
        struct error problem = {0};
        if (strcmp(list->items[i].node, service->node) != 0)
            continue;
        if (attestation_signer_schedule_problem(&problem, list, &list->items[i], now))
            json_write_error(writer, NULL, &problem);
        if (attestation_signer_schedule_state(list, &list->items[i], &snapshot->settings, now) ==
                ATTESTATION_SIGNER_ACTIVE &&
            denied_ahead(&problem, &snapshot->settings, &list->items[i], now))
            json_write_error(writer, NULL, &problem);
    }
    json_write_array_end(writer);
}

static bool no_signer(const struct attestation_service *service, struct error *err)
{
    return error_set(err, &attestation_no_signer, NULL, service->node,
                     "no signer of this node is valid");
}

bool attestation_signer_test(struct attestation_service *service,
                             char thumbprint[ATTESTATION_THUMBPRINT_TEXT_SIZE], struct error *err)
{
    static const char text[] = "a test of the service's";
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    const struct attestation_signer *issuer = attestation_signer_schedule_select(
        &snapshot->signers, service->node, ATTESTATION_SIGNER_HEALTH,
        clock_now(service->options.clock));
    if (issuer == NULL)
        return no_signer(service, err);
    struct attestation_signer_key_reference reference = {
        service->options.store, service->options.keyholder, certificate_key(issuer->certificate)};
    struct signer signer = attestation_signer_key_signer(&reference);
    enum signature_algorithm algorithm = signer_algorithm(signer.public_key);
    struct error why = {0};
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 4096);
    memcpy(thumbprint, issuer->thumbprint, ATTESTATION_THUMBPRINT_TEXT_SIZE);
    if (denied_ahead(err, &snapshot->settings, issuer, clock_now(service->options.clock)))
        return false;
    if (signer.sign(signer.context, algorithm, slice_from_text(text), &signature, &why) &&
        public_key_verify(signer.public_key, algorithm, slice_from_text(text),
                          buf_slice(&signature), &why))
        return true;
    return error_set(err, &attestation_signer_failed, NULL, issuer->thumbprint, "%s (%s)",
                     why.message, why.code->name);
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

/* The mode's operations when the door is its own and it is supported. */
static const struct attestation_mode_operations *open_door(enum attestation_mode mode,
                                                           enum attestation_door door,
                                                           struct error *err)
{
    const struct attestation_mode_operations *operations = attestation_mode_operations(mode);
    if (operations == NULL)
        error_set(err, &attestation_not_initialized, NULL, NULL, "no mode is set");
    else if (operations->door != door)
        error_set(err, &attestation_mode_wrong, "MS-HGSA 3.1.5", NULL, "the service's mode is %s",
                  attestation_mode_name(mode));
    else if (operations->attest == NULL)
        error_set(err, &attestation_mode_unsupported, NULL, NULL,
                  "mode %s is not supported by this version", attestation_mode_name(mode));
    else
        return operations;
    return NULL;
}

/* One certificate of the reply; it is released by going into the audit trail. */
static bool issue(struct attestation_service *service, const struct attestation_snapshot *snapshot,
                  const struct attestation_evidence *evidence, size_t index, const char *peer,
                  struct buf *out, struct error *err)
{
    int64_t now = clock_now(service->options.clock);
    enum attestation_result result = (enum attestation_result)evidence->requested[index];
    enum attestation_signer_use use =
        result == ATTESTATION_RESULT_SIGNING_CERTIFICATE && !evidence->signing_key_protected
            ? ATTESTATION_SIGNER_UNPROTECTED
            : ATTESTATION_SIGNER_HEALTH;
    const struct attestation_signer *issuer =
        attestation_signer_schedule_select(&snapshot->signers, service->node, use, now);
    if (issuer == NULL)
        return no_signer(service, err);
    if (result == ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE &&
        denied_ahead(err, &snapshot->settings, issuer, now))
        return false;
    if (evidence->until != 0 && now >= evidence->until)
        return error_set(err, &attestation_policies_changed, "protocol.md 2.3", evidence->host,
                         "a policy that it passed by ended meanwhile");
    struct attestation_signer_key_reference reference = {
        service->options.store, service->options.keyholder, certificate_key(issuer->certificate)};
    struct signer signer = attestation_signer_key_signer(&reference);
    struct attestation_health_request request = {
        .host_id = evidence->host_id,
        .identity_key = evidence->identity_keys[index],
        .result = result,
        .settings = &snapshot->settings,
        .issuer = issuer->certificate,
        .deny_before = issuer->deny_before,
        .until = evidence->until,
        .now = now,
    };
    struct attestation_health_certificate issued;
    struct error why = {0};
    if (!attestation_health_certificate_issue(out, &issued, &request, &signer, &why))
        return error_set(err, &attestation_signer_failed, NULL, issuer->thumbprint, "%s (%s)",
                         why.message, why.code->name);
    return attestation_trail_passed(service->options.audit, evidence, &issued, issuer, peer, err);
}

static bool issue_all(struct attestation_service *service,
                      const struct attestation_snapshot *snapshot,
                      const struct attestation_evidence *evidence, const char *peer,
                      struct attestation_reply *reply, struct error *err)
{
    for (size_t i = 0; i < evidence->requested_count; i++) {
        size_t before = reply->bytes.size;
        if (!issue(service, snapshot, evidence, i, peer, &reply->bytes, err))
            return false;
        reply->certificates[i].result = (enum attestation_result)evidence->requested[i];
        reply->certificates[i].der.size = reply->bytes.size - before;
    }
    const uint8_t *next = reply->bytes.data; /* which moves no more */
    for (size_t i = 0; i < evidence->requested_count; i++) {
        reply->certificates[i].der.data = next;
        next += reply->certificates[i].der.size;
    }
    reply->certificate_count = evidence->requested_count;
    reply->type = ATTESTATION_REPLY_HEALTH_CERTIFICATE;
    return true;
}

/* An attestation in TPM mode goes on: nothing is decided yet. */
static void reply_continue(struct attestation_reply *reply,
                           const struct attestation_evidence *evidence)
{
    reply->type = ATTESTATION_REPLY_TPM_CONTINUE;
    reply->context = buf_slice(&evidence->context);
}

static bool attest(struct attestation_service *service, const struct attestation_snapshot *snapshot,
                   enum attestation_door door, struct attestation_evidence *evidence,
                   const struct attestation_mode_input *input, const char *peer,
                   struct attestation_reply *reply, struct error *err)
{
    const struct attestation_mode_operations *operations =
        open_door(snapshot->settings.mode, door, err);
    if (operations == NULL || !operations->attest(evidence, input, err))
        return false;
    if (evidence->context.size == 0)
        return issue_all(service, snapshot, evidence, peer, reply, err);
    reply_continue(reply, evidence);
    return true;
}

/* What if the service were in TPM mode: nothing is issued, whatever its mode. */
static bool evaluate(struct attestation_service *service,
                     const struct attestation_snapshot *snapshot,
                     struct attestation_evidence *evidence,
                     const struct attestation_mode_input *input, const char *peer,
                     struct attestation_reply *reply, struct error *err)
{
    if (snapshot->settings.mode == ATTESTATION_MODE_UNKNOWN)
        return error_set(err, &attestation_not_initialized, NULL, NULL, "no mode is set");
    if (!attestation_tpm_attest(evidence, input, err))
        return false;
    if (evidence->context.size != 0) {
        reply_continue(reply, evidence);
        return true;
    }
    attestation_reply_from_verdict(reply, &evidence->verdict);
    attestation_trail_evaluated(service->options.audit, evidence, peer);
    return true;
}

/* A refusal releases nothing, so it is told even when the trail refuses its record. */
static void refuse(struct attestation_service *service, const struct attestation_snapshot *snapshot,
                   const struct attestation_evidence *evidence, const struct error *err,
                   const char *peer, struct attestation_reply *reply)
{
    attestation_refusal_reply(reply, err, snapshot->settings.mode);
    if (reply->type == ATTESTATION_REPLY_POLICY_EVALUATION_ERROR && evidence->has_verdict)
        attestation_refusal_add_reasons(reply, &evidence->verdict);
    attestation_trail_failed(service->options.audit, evidence, err, peer);
}

static void note_clock(struct attestation_service *service,
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
    note_clock(service, &snapshot->settings, host, offset);
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

/* A request on its way: a door's, or (what_if) the evaluation's, which has none. */
static void answer(struct attestation_service *service, enum attestation_door door, bool what_if,
                   unsigned version, struct slice body, const char *peer,
                   const int64_t *clock_offset, struct buf *out)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    _cleanup_attestation_evidence_ struct attestation_evidence evidence = {0};
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    struct error err = {0};
    struct attestation_tpm_parts tpm = {
        .policies = snapshot->policies,
        .trust = snapshot->trust,
        .known_hosts = service->known_hosts,
        .sealing_keys = service->sealing_keys,
        .pending = service->pending,
        .judged = service->judged,
    };
    struct attestation_mode_input input = {
        .version = version,
        .body = body,
        .hosts = service->state.hosts,
        .host_keys = service->host_keys,
        .settings = &snapshot->settings,
        .tpm = &tpm,
        .what_if = what_if,
        .now = clock_now(service->options.clock),
    };
    buf_init(&reply.bytes, CERTIFICATES_MAX);
    if (!(what_if ? evaluate(service, snapshot, &evidence, &input, peer, &reply, &err)
                  : attest(service, snapshot, door, &evidence, &input, peer, &reply, &err)))
        refuse(service, snapshot, &evidence, &err, peer, &reply);
    /* Only a host that proved who it is: else anybody could fill the table. */
    if (clock_offset != NULL && reply.type == ATTESTATION_REPLY_HEALTH_CERTIFICATE)
        note_clock(service, &snapshot->settings, evidence.host, *clock_offset);
    attestation_reply_format(out, &reply);
}

void attestation_attest(struct attestation_service *service, enum attestation_door door,
                        unsigned version, struct slice body, const char *peer,
                        const int64_t *clock_offset, struct buf *out)
{
    answer(service, door, false, version, body, peer, clock_offset, out);
}

void attestation_evaluate(struct attestation_service *service, unsigned version, struct slice body,
                          const char *peer, struct buf *out)
{
    answer(service, ATTESTATION_DOOR_TPM, true, version, body, peer, NULL, out);
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

void attestation_refuse_payload(struct attestation_service *service, enum attestation_door door,
                                const char *peer, const char *reason, struct buf *out)
{
    _cleanup_attestation_snapshot_ struct attestation_snapshot *snapshot =
        attestation_snapshot_take(&service->slot);
    struct attestation_evidence evidence = {0};
    struct attestation_reply reply = {0};
    struct error err = {0};
    if (open_door(snapshot->settings.mode, door, &err) != NULL)
        error_set(&err, &attestation_payload_malformed, "MS-HGSA 2.1", NULL, "%s", reason);
    refuse(service, snapshot, &evidence, &err, peer, &reply);
    attestation_reply_format(out, &reply);
}

void attestation_unavailable(struct buf *out)
{
    struct attestation_reply reply = {.type = ATTESTATION_REPLY_UNAVAILABLE_ERROR,
                                      .retryable = true};
    attestation_reply_format(out, &reply);
}
