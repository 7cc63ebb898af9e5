/* SPDX-License-Identifier: Apache-2.0 */
#include "host/attempt.h"

#include "host/errors.h"
#include "host/service.h"

#define JSON "application/json; charset=utf-8"

/* Sends, and reads whatever reply comes. */
static bool ask(struct attestation_reply *out, struct host_attempt *attempt, const char *path,
                const struct slice *body, struct error *err)
{
    struct buf reply;
    unsigned status = 0;
    struct error cause = {0};
    attempt->retry = true;
    attempt->again = false;
    buf_init(&reply, ATTESTATION_REPLY_MAX);
    bool good =
        host_service_request(attempt->client, attempt->url, path, JSON, body, &reply, &status, err);
    struct host_status_record *record = attempt->record;
    record->has_clock_offset = good && http_client_offset(attempt->client, &record->clock_offset);
    if (good && !attestation_reply_parse(out, buf_slice(&reply), &cause)) {
        good = false;
        if (status != 200)
            error_set(err, &host_reply, NULL, attempt->url, "it answered %s with HTTP status %u",
                      path, status);
        else
            error_set(err, &host_reply, NULL, attempt->url, "%s", cause.message);
    }
    buf_done(&reply);
    return good;
}

bool host_attempt_post(struct attestation_reply *out, struct host_attempt *attempt,
                       const char *path, struct slice body, enum attestation_reply_type wanted,
                       enum attestation_reply_type also_wanted, struct error *err)
{
    struct attestation_reply reply = {0};
    if (!ask(&reply, attempt, path, &body, err))
        return false;
    if (reply.type == wanted || reply.type == also_wanted) {
        *out = reply;
        return true;
    }
    if (attestation_reply_is_error(reply.type)) {
        host_status_of_reply(attempt->record, &reply);
        attempt->retry = attempt->record->status == HOST_STATUS_TRANSIENT_ERROR;
        attempt->again = reply.retryable && (reply.type == ATTESTATION_REPLY_RTPM_ERROR ||
                                             reply.type == ATTESTATION_REPLY_OPERATION_MODE_ERROR);
        host_status_error(attempt->record, &reply, attempt->url, err);
    } else {
        error_set(err, &host_reply, NULL, attempt->url,
                  "it answered %s, which does not belong here", attestation_reply_name(reply.type));
    }
    attestation_reply_done(&reply);
    return false;
}

bool host_attempt_mode(enum attestation_mode *out, struct host_attempt *attempt, struct error *err)
{
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    if (!ask(&reply, attempt, "/v2.0/getinfo", NULL, err))
        return false;
    if (reply.type != ATTESTATION_REPLY_SERVICE_INFO)
        return error_set(err, &host_reply, NULL, attempt->url,
                         "it answered %s where it should say which mode it attests in",
                         attestation_reply_name(reply.type));
    *out = reply.mode;
    return true;
}

bool host_attempt_certificate(struct slice *out, const struct attestation_reply *reply,
                              const struct host_attempt *attempt, struct error *err)
{
    for (size_t i = 0; i < reply->certificate_count; i++) {
        if (reply->certificates[i].result != ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE)
            continue;
        *out = reply->certificates[i].der;
        return true;
    }
    return error_set(err, &host_reply, "MS-HGSA 3.2.5.4", attempt->url,
                     "its reply has no certificate for the identity key");
}
