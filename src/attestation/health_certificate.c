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

bool attestation_health_certificate_issue(struct buf *out,
                                          struct attestation_health_certificate *issued,
                                          const struct attestation_health_request *request,
                                          const struct signer *signer, struct error *err)
{
    char subject[2 * ATTESTATION_HOST_ID_SIZE + 1];
    const struct certificate_facts *issuer = certificate_facts(request->issuer);
    int64_t not_before = request->now - request->settings->clock_tolerance_seconds;
    int64_t not_after = request->now + request->settings->health_certificate_seconds;
    subject_of(subject, request->host_id);
    struct certificate_template template = {
        .subject_cn = subject,
        .subject_key = request->identity_key,
        .issuer = request->issuer,
        .not_before = not_before > issuer->not_before ? not_before : issuer->not_before,
        .not_after = not_after < issuer->not_after ? not_after : issuer->not_after,
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
