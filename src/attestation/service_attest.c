/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/errors.h"
#include "attestation/health_certificate.h"
#include "attestation/message_reply.h"
#include "attestation/refusal.h"
#include "attestation/service_private.h"
#include "attestation/tpm.h"
#include "attestation/trail.h"

#define CERTIFICATES_MAX (ATTESTATION_RESULT_MAX * 4096)

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
        return attestation_service_no_signer(service, err);
    if (result == ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE &&
        attestation_service_denied_ahead(err, &snapshot->settings, issuer, now))
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
        .log_names = service->log_names,
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
        attestation_service_note_clock(service, &snapshot->settings, evidence.host, *clock_offset);
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
