/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm.h"

#include "attestation/errors.h"
#include "attestation/tpm_exchange.h"
#include "tpm/endorsement_certificate.h"

static const char clause[] = "MS-HGSA 3.1.5.1.1.3";

/* The certificate that came with the request. */
struct presented {
    struct certificate *certificate; /* NULL: none */
    bool good;                       /* it leads to a root */
    struct error why;                /* why not */
};

static bool read_certificate(struct presented *presented,
                             const struct attestation_tpm_request *request,
                             const struct attestation_mode_input *input, struct error *err)
{
    struct slice der = request->certificate;
    if (der.size == 0)
        return true;
    presented->good =
        tpm_endorsement_certificate_verify(&presented->certificate, der, request->chain,
                                           input->tpm->trust, input->now, &presented->why);
    if (presented->good)
        return true;
    /* Whom it names is known all the same: hosts of version v1 need no more. */
    if (certificate_parse_endorsement(&presented->certificate, der, NULL))
        return true;
    if (err != NULL)
        *err = presented->why;
    return false;
}

/* The key that was presented, in one form or both. */
static bool read_key(struct tpm_endorsement_key *key, const struct presented *presented,
                     const struct attestation_tpm_request *request, struct error *err)
{
    if (request->endorsement_key.size == 0) {
        tpm_endorsement_key_from_key(key, certificate_key(presented->certificate));
        return true;
    }
    return tpm_endorsement_key_parse_any(key, request->endorsement_key, err) &&
           (presented->certificate == NULL ||
            tpm_endorsement_key_is(key, certificate_key(presented->certificate), err));
}

/* Version v2 means: an endorsement certificate that leads to a root, now as at registration. */
static bool check_certified(const struct presented *presented,
                            const struct attestation_known_host *known,
                            const struct attestation_mode_input *input, struct error *err)
{
    _cleanup_certificate_ struct certificate *certificate = NULL;
    const struct attestation_tpm_host *host = &known->host.tpm;
    if (host->version == POLICY_VERSION_1 || presented->good)
        return true;
    if (presented->certificate != NULL) {
        if (err != NULL)
            *err = presented->why;
        return false;
    }
    if (host->certificate.size == 0)
        return error_set(err, &attestation_certificate_missing, "protocol.md 2.3", known->host.name,
                         "it is registered as v2, without a certificate");
    return tpm_endorsement_certificate_verify(&certificate, buf_slice(&host->certificate),
                                              buf_slice(&host->chain), input->tpm->trust,
                                              input->now, err);
}

static bool identify(struct attestation_evidence *evidence, struct attestation_known_host **known,
                     const struct tpm_endorsement_key *key,
                     const struct attestation_mode_input *input, struct error *err)
{
    memcpy(evidence->host_id, tpm_endorsement_key_identity(key), sizeof evidence->host_id);
    evidence->has_host_id = true;
    if (!attestation_host_map_find(input->hosts, ATTESTATION_MODE_TPM, evidence->host_id,
                                   evidence->host, NULL))
        return error_set(err, &attestation_host_unknown, clause, "RtpmPublicEndorsementKey",
                         "no registered host has this endorsement key");
    if (!attestation_host_cache_get(known, input->tpm->known_hosts, evidence->host, err))
        return false;
    evidence->uncertified = !(*known)->host.tpm.certified;
    return true;
}

static bool who_asks(struct attestation_evidence *evidence, struct attestation_known_host **known,
                     const struct attestation_tpm_request *request,
                     const struct attestation_mode_input *input, struct error *err)
{
    _cleanup_tpm_endorsement_key_ struct tpm_endorsement_key key = {0};
    struct presented presented = {0};
    bool good = read_certificate(&presented, request, input, err) &&
                read_key(&key, &presented, request, err) &&
                identify(evidence, known, &key, input, err) &&
                check_certified(&presented, *known, input, err);
    certificate_free(&presented.certificate);
    return good;
}

bool attestation_tpm_attest(struct attestation_evidence *evidence,
                            const struct attestation_mode_input *input, struct error *err)
{
    _cleanup_attestation_tpm_request_ struct attestation_tpm_request request = {0};
    _cleanup_attestation_known_host_ struct attestation_known_host *known = NULL;
    if (!attestation_tpm_request_parse(&request, input->version, input->body, err) ||
        !who_asks(evidence, &known, &request, input, err))
        return false;
    memcpy(evidence->requested, request.requested, sizeof evidence->requested);
    evidence->requested_count = request.requested_count;
    return attestation_tpm_exchange(evidence, known, &request, input, err);
}
