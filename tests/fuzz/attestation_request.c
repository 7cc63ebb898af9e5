/* SPDX-License-Identifier: Apache-2.0 */

/* AttestationRequest from anybody on the network: what is accepted is the same when it is written
 * and read again. Then the same bytes at the door of host key mode. */

#include "attestation/host_key.h"
#include "attestation/message_request.h"

#include "require.h"

static void round_trip(const struct attestation_request *request, size_t limit)
{
    struct attestation_request again;
    _cleanup_buf_ struct buf text;
    buf_init(&text, limit);
    attestation_request_format(&text, request);
    require(attestation_request_parse(&again, buf_slice(&text), NULL));
    require(memcmp(&again.session, &request->session, sizeof again.session) == 0);
    require(again.requested_count == request->requested_count);
    require(memcmp(again.requested, request->requested, again.requested_count) == 0);
    for (int type = 0; type <= ATTESTATION_CONTENT_MAX; type++)
        require(slice_equal(again.content[type], request->content[type]));
    attestation_request_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct attestation_host_map *hosts;
    static struct cache *host_keys;
    static struct attestation_settings settings;
    if (hosts == NULL) {
        hosts = attestation_host_map_new();
        host_keys = public_key_cache_new(16);
        attestation_settings_init(&settings);
    }
    struct attestation_request request;
    struct error err = {0};
    if (attestation_request_parse(&request, slice_of(data, size), &err)) {
        round_trip(&request, 4 * size + 1024);
        attestation_request_done(&request);
    } else {
        require(error_kind(&err) == ERROR_MALFORMED || error_kind(&err) == ERROR_LIMIT);
    }
    struct attestation_evidence evidence = {0};
    struct attestation_mode_input input = {.version = 2,
                                           .body = slice_of(data, size),
                                           .hosts = hosts,
                                           .host_keys = host_keys,
                                           .settings = &settings};
    require(!attestation_host_key_attest(&evidence, &input, &err)); /* nobody is registered */
    attestation_evidence_done(&evidence);
    return 0;
}
