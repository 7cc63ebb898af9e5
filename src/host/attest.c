/* SPDX-License-Identifier: Apache-2.0 */
#include "host/attest.h"

#include <stdio.h>

#include "base/memory.h"
#include "host/attempt.h"
#include "host/attest_key.h"
#include "host/attest_tpm.h"
#include "host/errors.h"
#include "host/service.h"

#define BEGINNINGS_MAX 3 /* of one attestation */

/* What is done at one URL. */
typedef bool attempt_step(void *context, struct host_attempt *attempt, struct error *err);

/* Attests as the service says that it attests. */
static bool attest_one(void *context, struct host_attempt *attempt, struct error *err)
{
    (void)context;
    attempt->record->status = HOST_STATUS_TRANSIENT_ERROR;
    if (!host_attempt_mode(&attempt->record->mode, attempt, err))
        return false;
    switch (attempt->record->mode) {
    case ATTESTATION_MODE_HOST_KEY:
        return host_attest_key(attempt, err);
    case ATTESTATION_MODE_TPM:
        return host_attest_tpm(attempt, err);
    default:
        return error_set(err, &host_mode, NULL, attempt->url,
                         "it attests in mode \"%s\", which this host does not know",
                         attestation_mode_name(attempt->record->mode));
    }
}

/* The URLs to ask, in order. */
static bool choose_urls(const char *urls[2], const struct host_attest_options *options,
                        struct error *err)
{
    const struct host_config *config = options->config;
    bool has_fallback = config->attestation_fallback_url[0] != '\0';
    if (options->only_fallback && !has_fallback)
        return error_set(err, &host_not_configured, NULL, config->path,
                         "it has no [attestation] fallback-url");
    urls[0] = options->only_fallback ? config->attestation_fallback_url : config->attestation_url;
    urls[1] = has_fallback && !options->only_fallback ? config->attestation_fallback_url : NULL;
    return true;
}

/* In the middle of it an administrator may have changed policies or the mode, or the TPM have
 * measured something: the service then says that it should begin anew, and a machine that starts
 * has nobody who would. */
static bool attempt_one(struct host_attempt *attempt, attempt_step *step, void *context,
                        struct error *err)
{
    for (int i = 1; i < BEGINNINGS_MAX; i++) {
        struct error cause = {0};
        if (step(context, attempt, &cause))
            return true;
        if (!attempt->again) {
            *err = cause;
            return false;
        }
    }
    return step(context, attempt, err);
}

/* Each URL in turn; the first one's error counts, unless another settled the matter. */
static bool attempt_all(struct host_attempt *attempt, const struct host_attest_options *options,
                        attempt_step *step, void *context, struct error *err)
{
    const char *urls[2];
    struct error first = {0};
    if (!choose_urls(urls, options, err))
        return false;
    for (int i = 0; i < 2 && urls[i] != NULL; i++) {
        struct error cause = {0};
        attempt->url = urls[i];
        attempt->record->fallback = urls[i] == attempt->config->attestation_fallback_url;
        if (attempt_one(attempt, step, context, &cause))
            return true;
        if (first.code == NULL || !attempt->retry)
            first = cause;
        if (!attempt->retry)
            break;
    }
    if (err != NULL)
        *err = first;
    return false;
}

/* Which of the two clocks is wrong only people know; how far they are apart they should hear. */
static void tell_clocks(const struct host_status_record *record, struct error *err)
{
    char offset[CLOCK_OFFSET_SIZE];
    struct error cause = *err;
    if (cause.code == &host_clock && record->has_clock_offset)
        error_set(err, &host_clock, NULL, cause.object,
                  "%s; this host's clock is %s against the service's", cause.message,
                  clock_format_offset(record->clock_offset, offset));
}

static bool attest(struct host_identity *out, struct host_status_record *record,
                   const struct host_attest_options *options, struct error *err)
{
    const char *urls[2];
    record->status = HOST_STATUS_NOT_CONFIGURED;
    if (!host_config_require(options->config, err) || !choose_urls(urls, options, err))
        return false;
    record->status = HOST_STATUS_TRANSIENT_ERROR;
    record->time = clock_now(options->clock);
    struct host_attempt attempt = {.config = options->config,
                                   .clock = options->clock,
                                   .client = host_service_client(options->config, options->clock),
                                   .out = out,
                                   .record = record};
    struct error cause = {0};
    bool good = attempt_all(&attempt, options, attest_one, NULL, &cause);
    if (!good) {
        tell_clocks(record, &cause);
        if (err != NULL)
            *err = cause;
    }
    if (good)
        record->status = HOST_STATUS_PASSED;
    else if (record->status == HOST_STATUS_PASSED)
        record->status = HOST_STATUS_TRANSIENT_ERROR;
    http_client_free(&attempt.client);
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
    *out = identity;
    identity = (struct host_identity){0};
    return true;
}

static bool evaluate_one(void *context, struct host_attempt *attempt, struct error *err)
{
    return host_attest_tpm_evaluate(context, attempt, err);
}

bool host_attest_what_if(struct attestation_reply *out, const struct host_attest_options *options,
                         struct error *err)
{
    struct host_status_record record = {.mode = ATTESTATION_MODE_TPM}; /* only for errors */
    if (!host_config_require(options->config, err))
        return false;
    struct host_attempt attempt = {.config = options->config,
                                   .clock = options->clock,
                                   .client = host_service_client(options->config, options->clock),
                                   .record = &record};
    bool good = attempt_all(&attempt, options, evaluate_one, out, err);
    http_client_free(&attempt.client);
    return good;
}

/* Whether the kept key can be used. A machine that was started anew, or measured something since,
 * attests anew; a TPM that cannot be asked is a matter for the administrator. */
static bool check_kept(bool *usable, const struct host_identity *kept, struct error *lost,
                       const struct host_config *config, struct error *err)
{
    struct error cause = {0};
    *usable = host_identity_check(kept, host_config_tcti(config), &cause);
    if (*usable)
        return true;
    bool is_lost = cause.code == &host_tpm_key_gone || cause.code == &host_tpm_key_locked;
    struct error *out = is_lost ? lost : err;
    if (out != NULL)
        *out = cause;
    return is_lost;
}

bool host_attest_if_needed(struct host_identity *out, bool *cached, struct error *lost,
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
    if (*cached && !check_kept(cached, &kept, lost, options->config, err))
        return false;
    if (!*cached)
        return host_attest(out, &record, options, err);
    *out = kept;
    kept = (struct host_identity){0};
    return true;
}
