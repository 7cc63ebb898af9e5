/* SPDX-License-Identifier: Apache-2.0 */

/* The requests of TPM mode, both versions (the first byte says which), from anybody on the network,
 * then the whole door with nobody registered. */

#include "attestation/tpm_request.h"
#include "attestation/rtpm_context.h"
#include "attestation/tpm.h"

#include "require.h"

static void try_door(unsigned version, struct slice body)
{
    static struct attestation_host_map *hosts;
    static struct attestation_settings settings;
    static struct attestation_tpm_parts parts;
    if (hosts == NULL) {
        struct error problem = {0};
        struct attestation_policy_records *records = attestation_policy_records_new();
        hosts = attestation_host_map_new();
        attestation_settings_init(&settings);
        parts.policies = attestation_policy_records_build(records, 2, &problem);
        parts.trust = tpm_trust_new(NULL, 0, 16, NULL);
        attestation_policy_records_free(&records);
    }
    struct error err = {0};
    struct attestation_evidence evidence = {0};
    struct attestation_mode_input input = {.version = version,
                                           .body = body,
                                           .hosts = hosts,
                                           .settings = &settings,
                                           .tpm = &parts,
                                           .now = 1800000000};
    require(!attestation_tpm_attest(&evidence, &input, &err));
    require(err.code != NULL);
    attestation_evidence_done(&evidence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attestation_tpm_request request;
    struct error err = {0};
    if (size == 0)
        return 0;
    unsigned version = data[0] == '1' ? 1 : 2;
    struct slice body = slice_of(data + 1, size - 1);
    if (attestation_tpm_request_parse(&request, version, body, &err)) {
        struct rtpm_context context;
        require(request.requested_count >= 1 && request.requested_count <= ATTESTATION_RESULT_MAX);
        require(request.certificate.size + request.endorsement_key.size > 0);
        rtpm_context_parse(&context, request.context, NULL);
        attestation_tpm_request_done(&request);
    } else {
        enum error_kind kind = error_kind(&err);
        require(kind == ERROR_MALFORMED || kind == ERROR_LIMIT || kind == ERROR_UNSUPPORTED);
    }
    try_door(version, body);
    return 0;
}
