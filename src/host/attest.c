/* SPDX-License-Identifier: Apache-2.0 */
#include "host/attest.h"

#include <stdio.h>

#include "attestation/message_request.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "crypto/signer.h"
#include "host/errors.h"
#include "host/host_key.h"
#include "host/service.h"

#define REQUEST_MAX ((size_t)256 * 1024)
#define SIGNATURE_MAX 2048

/* The signature covers item 8 followed by item 1, unframed (MS-HGSA 3.2.5.4). */
static bool sign_keys(struct buf *out, const struct private_key *host_key,
                      const struct attestation_request *request, struct error *err)
{
    struct buf message;
    buf_init(&message, REQUEST_MAX);
    buf_append(&message, request->content[ATTESTATION_CONTENT_HOST_KEY_PUBLIC_KEY]);
    buf_append(&message, request->content[ATTESTATION_CONTENT_IDENTITY_KEY]);
    struct signer signer = signer_of_key(host_key);
    bool good = signer.sign(signer.context, signer_algorithm(signer.public_key),
                            buf_slice(&message), out, err);
    buf_done(&message);
    return good;
}

bool host_attest_format(struct buf *out, const struct private_key *host_key,
                        const struct public_key *identity, struct error *err)
{
    struct attestation_request request = {
        .requested = {ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE},
        .requested_count = 1,
    };
    random_bytes(request.session.bytes, sizeof request.session.bytes);
    request.content[ATTESTATION_CONTENT_IDENTITY_KEY] = public_key_spki(identity);
    request.content[ATTESTATION_CONTENT_HOST_KEY_PUBLIC_KEY] =
        public_key_spki(private_key_public(host_key));
    struct buf signature;
    buf_init(&signature, SIGNATURE_MAX);
    bool good = sign_keys(&signature, host_key, &request, err);
    if (good) {
        request.content[ATTESTATION_CONTENT_HOST_KEY_SIGNATURE] = buf_slice(&signature);
        attestation_request_format(out, &request);
    }
    buf_done(&signature);
    return good;
}

/* One attempt under way. */
struct attempt {
    struct private_key *key;
    const struct clock *clock;
    struct host_identity *out;
    struct host_status_record *record;
};

static bool take_certificate(struct attempt *attempt, const struct attestation_reply *reply,
                             const char *url, struct error *err)
{
    for (size_t i = 0; i < reply->certificate_count; i++)
        if (reply->certificates[i].result == ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE)
            return host_identity_init(attempt->out, &attempt->key, reply->certificates[i].der,
                                      clock_now(attempt->clock), err);
    return error_set(err, &host_reply, "MS-HGSA 3.2.5.4", url,
                     "its reply has no certificate for the identity key");
}

static bool take_reply(void *context, const char *url, unsigned status, struct slice body,
                       bool *retry, struct error *err)
{
    struct attempt *attempt = context;
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    struct error cause = {0};
    if (!attestation_reply_parse(&reply, body, &cause)) {
        if (status != 200)
            return error_set(err, &host_reply, NULL, url, "it answered with HTTP status %u",
                             status);
        return error_set(err, &host_reply, NULL, url, "%s", cause.message);
    }
    host_status_of_reply(attempt->record, &reply);
    if (attempt->record->status != HOST_STATUS_PASSED) {
        *retry = attempt->record->status == HOST_STATUS_TRANSIENT_ERROR;
        return host_status_error(attempt->record, &reply, url, err);
    }
    if (take_certificate(attempt, &reply, url, err))
        return true;
    attempt->record->status = HOST_STATUS_TRANSIENT_ERROR;
    return false;
}

static bool attempt_all(struct attempt *attempt, const struct host_attest_options *options,
                        struct slice body, struct error *err)
{
    const struct host_config *config = options->config;
    bool has_fallback = config->attestation_fallback_url[0] != '\0';
    if (options->only_fallback && !has_fallback)
        return error_set(err, &host_not_configured, NULL, config->path,
                         "it has no [attestation] fallback-url");
    struct host_service service = {.path = "/v2.0/hostkeyattest"};
    if (options->only_fallback) {
        service.urls[0] = config->attestation_fallback_url;
    } else {
        service.urls[0] = config->attestation_url;
        service.urls[1] = has_fallback ? config->attestation_fallback_url : NULL;
    }
    service.client = host_service_client(config);
    bool second = false;
    bool good = host_service_post(&service, "application/json; charset=utf-8", body, take_reply,
                                  attempt, &second, err);
    http_client_free(&service.client);
    attempt->record->fallback = options->only_fallback || second;
    return good;
}

static bool attest(struct host_identity *out, struct host_status_record *record,
                   const struct host_attest_options *options, struct error *err)
{
    const struct host_config *config = options->config;
    record->status = HOST_STATUS_NOT_CONFIGURED;
    if (!host_config_require(config, err))
        return false;
    record->status = HOST_STATUS_TRANSIENT_ERROR;
    record->time = clock_now(options->clock);
    _cleanup_private_key_ struct private_key *host_key = NULL;
    _cleanup_free_ char *key_path = host_config_resolve(config, config->key_file);
    struct attempt attempt = {.clock = options->clock, .out = out, .record = record};
    struct buf body;
    buf_init(&body, REQUEST_MAX);
    bool good = host_key_load(&host_key, key_path, err) &&
                private_key_generate(&attempt.key, PRIVATE_KEY_RSA_2048, err) &&
                host_attest_format(&body, host_key, private_key_public(attempt.key), err) &&
                attempt_all(&attempt, options, buf_slice(&body), err);
    private_key_free(&attempt.key);
    buf_done(&body);
    return good;
}

bool host_attest(struct host_identity *out, struct host_status_record *record,
                 const struct host_attest_options *options, struct error *err)
{
    _cleanup_free_ char *state = host_config_state(options->config);
    _cleanup_host_identity_ struct host_identity identity = {0};
    *record = (struct host_status_record){0};
    snprintf(record->substatus, sizeof record->substatus, "NoInformation");
    if (!attest(&identity, record, options, err)) {
        /* Only informs; what went wrong is what counts. */
        if (record->status != HOST_STATUS_NOT_CONFIGURED)
            host_status_save(record, state, NULL);
        return false;
    }
    if (!host_identity_save(&identity, state, err) || !host_status_save(record, state, err))
        return false;
    out->key = memory_steal(&identity.key);
    out->certificate = memory_steal(&identity.certificate);
    return true;
}

bool host_attest_if_needed(struct host_identity *out, bool *cached,
                           const struct host_attest_options *options, struct error *err)
{
    _cleanup_free_ char *state = host_config_state(options->config);
    _cleanup_host_identity_ struct host_identity kept = {0};
    struct host_status_record record;
    bool found = false;
    /* A damaged file is replaced; one that others can read is a matter for the administrator. */
    struct error cause = {0};
    if (!host_identity_load(&kept, &found, state, &cause) &&
        cause.code != &host_identity_malformed) {
        if (err != NULL)
            *err = cause;
        return false;
    }
    *cached = found && host_identity_is_fresh(&kept, clock_now(options->clock));
    if (!*cached)
        return host_attest(out, &record, options, err);
    out->key = memory_steal(&kept.key);
    out->certificate = memory_steal(&kept.certificate);
    return true;
}
