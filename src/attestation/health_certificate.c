/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/health_certificate.h"

#include "base/hex.h"

static void subject_of(char out[2 * ATTESTATION_HOST_ID_SIZE + 1], const uint8_t *host_id)
{
    hex_format(slice_of(host_id, ATTESTATION_HOST_ID_SIZE), out);
    for (char *c = out; *c != '\0'; c++) {
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
    }
}

/*
 * Backdated for hosts whose clocks are behind, but not to before the signer itself, nor to a time
 * whose certificates key protection denies: what is issued after an administrator's deny-before is
 * to count.
 */
static int64_t not_before_of(const struct attestation_health_request *request)
{
    const int64_t bounds[] = {certificate_facts(request->issuer)->not_before,
                              request->settings->deny_before, request->deny_before};
    int64_t latest = request->now - request->settings->clock_tolerance_seconds;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
        if (bounds[i] > latest && bounds[i] <= request->now)
            latest = bounds[i];
    return latest;
}

/* The last second at which the signer, and the verdict, still count. */
static int64_t not_after_of(const struct attestation_health_request *request)
{
    const int64_t bounds[] = {certificate_facts(request->issuer)->not_after,
                              request->until != 0 ? request->until - 1 : INT64_MAX};
    int64_t earliest = request->now + request->settings->health_certificate_seconds;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
        if (bounds[i] < earliest)
            earliest = bounds[i];
    return earliest;
}

bool attestation_health_certificate_issue(struct buf *out,
                                          struct attestation_health_certificate *issued,
                                          const struct attestation_health_request *request,
                                          const struct signer *signer, struct error *err)
{
    char subject[2 * ATTESTATION_HOST_ID_SIZE + 1];
    subject_of(subject, request->host_id);
    struct certificate_template template = {
        .subject_cn = subject,
        .subject_key = request->identity_key,
        .issuer = request->issuer,
        .not_before = not_before_of(request),
        .not_after = not_after_of(request),
        .usage = request->result == ATTESTATION_RESULT_SIGNING_CERTIFICATE
                     ? CERTIFICATE_DIGITAL_SIGNATURE
                     : CERTIFICATE_KEY_ENCIPHERMENT,
        .health_policy = true,
    };
    size_t before = out->size;
    if (!certificate_issue(out, &template, signer, err) || !buf_ok(out, "health certificate", err))
        return false;
    issued->not_after = template.not_after;
    digest_sha256(issued->thumbprint, slice_of(out->data + before, out->size - before));
    return true;
}
