/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/host_key.h"

#include "attestation/errors.h"
#include "attestation/message_request.h"

static const char clause[] = "MS-HGSA 3.1.5.3.1.3";

/* A key comes as a certificate at most (protocol.md 2.1), so neither item is larger. */
#define ITEM_MAX 16384

static const unsigned items = 1u << ATTESTATION_CONTENT_IDENTITY_KEY |
                              1u << ATTESTATION_CONTENT_HOST_KEY_PUBLIC_KEY |
                              1u << ATTESTATION_CONTENT_HOST_KEY_SIGNATURE;

static bool check_content(const struct attestation_request *request, struct error *err)
{
    for (int type = 1; type <= ATTESTATION_CONTENT_MAX; type++) {
        bool expected = (items >> type & 1) != 0;
        size_t size = request->content[type].size;
        if (!expected && size != 0)
            return error_set(err, &attestation_content_refused, clause, "ProvidedContent",
                             "content type %d has no place in host key mode", type);
        if (expected && size == 0)
            return error_set(err, &attestation_payload_malformed, clause, "ProvidedContent",
                             "content type %d is missing", type);
        if (size > ITEM_MAX)
            return error_set(err, &attestation_payload_malformed, clause, "ProvidedContent",
                             "content type %d has %zu bytes, at most %d are a key", type, size,
                             ITEM_MAX);
    }
    return true;
}

static bool check_requested(const struct attestation_request *request,
                            const struct attestation_settings *settings, struct error *err)
{
    for (size_t i = 0; i < request->requested_count; i++) {
        if (request->requested[i] == ATTESTATION_RESULT_CA_CERTIFICATE)
            return error_set(err, &attestation_content_refused, "MS-HGSA 2.2.1.3",
                             "RequestedContent",
                             "an intermediate CA certificate is not issued in host key mode");
        if (request->requested[i] == ATTESTATION_RESULT_SIGNING_CERTIFICATE &&
            !settings->allow_unprotected_signing_keys)
            return error_set(err, &attestation_content_refused, NULL, "RequestedContent",
                             "a signing certificate is not issued for a key that nothing protects");
    }
    return true;
}

static bool parse_host_key(struct public_key **out, struct slice bytes, struct error *err)
{
    struct error why = {0};
    if (public_key_parse_any(out, bytes, &why))
        return true;
    if (error_kind(&why) == ERROR_MALFORMED)
        return error_set(err, &attestation_payload_malformed, clause, "HostKeyPublicKey", "%s",
                         why.message);
    return error_set(err, &attestation_host_key, clause, "HostKeyPublicKey", "%s", why.message);
}

static bool parse_identity_key(struct public_key **out, struct slice bytes, struct error *err)
{
    struct error why = {0};
    if (!public_key_parse_any(out, bytes, &why))
        return error_set(err, &attestation_identity_key, clause, "VirtualSecureModeIdentityKey",
                         "%s", why.message);
    if (public_key_type(*out) != PUBLIC_KEY_RSA)
        return error_set(err, &attestation_identity_key, clause, "VirtualSecureModeIdentityKey",
                         "it is not an RSA key");
    return true;
}

bool attestation_host_key_verify(const struct public_key *key, struct slice host_key,
                                 struct slice identity_key, struct slice signature,
                                 struct error *err)
{
    static const enum signature_algorithm by_type[][2] = {
        /* nothing in the request says which padding it is */
        [PUBLIC_KEY_RSA] = {SIGNATURE_RSA_PKCS1_SHA256, SIGNATURE_RSA_PSS_SHA256},
        [PUBLIC_KEY_P256] = {SIGNATURE_ECDSA_SHA256},
        [PUBLIC_KEY_P384] = {SIGNATURE_ECDSA_SHA384},
    };
    const enum signature_algorithm *algorithms = by_type[public_key_type(key)];
    const struct slice parts[] = {host_key, identity_key};
    struct digest digest;
    digest_compute_parts(&digest, signature_digest(algorithms[0]), parts, 2);
    bool good =
        public_key_verify_digest(key, algorithms[0], digest_slice(&digest), signature, NULL);
    if (!good && algorithms[1] != 0)
        good = public_key_verify_digest(key, algorithms[1], digest_slice(&digest), signature, NULL);
    return good || error_set(err, &attestation_signature_wrong, clause, "HostKeySignature",
                             "it is not the host key's over items 8 and 1");
}

/* The key of a registered host. */
static bool identify(struct public_key **key, struct attestation_evidence *evidence,
                     const struct attestation_mode_input *input, struct slice bytes,
                     struct error *err)
{
    *key = cache_find(input->host_keys, bytes);
    bool known = *key != NULL;
    if (!known && !parse_host_key(key, bytes, err))
        return false;
    memcpy(evidence->host_id, public_key_digest(*key), sizeof evidence->host_id);
    evidence->has_host_id = true;
    if (!attestation_host_map_find(input->hosts, ATTESTATION_MODE_HOST_KEY, evidence->host_id,
                                   evidence->host, NULL))
        return error_set(err, &attestation_host_unknown, clause, "HostKeyPublicKey",
                         "no registered host has this key");
    if (!known)
        *key = cache_keep(input->host_keys, *key);
    return true;
}

bool attestation_host_key_attest(struct attestation_evidence *evidence,
                                 const struct attestation_mode_input *input, struct error *err)
{
    _cleanup_attestation_request_ struct attestation_request request = {0};
    _cleanup_public_key_ struct public_key *host_key = NULL, *identity_key = NULL;
    if (input->version < 2)
        return error_set(err, &attestation_payload_malformed, "MS-HGSA 3.1.5.3.1", NULL,
                         "host key attestation begins with v2.0");
    if (!attestation_request_parse(&request, input->body, err) || !check_content(&request, err) ||
        !check_requested(&request, input->settings, err))
        return false;
    struct slice host_bytes = request.content[ATTESTATION_CONTENT_HOST_KEY_PUBLIC_KEY];
    struct slice identity_bytes = request.content[ATTESTATION_CONTENT_IDENTITY_KEY];
    struct slice signature = request.content[ATTESTATION_CONTENT_HOST_KEY_SIGNATURE];
    if (!identify(&host_key, evidence, input, host_bytes, err) ||
        !attestation_host_key_verify(host_key, host_bytes, identity_bytes, signature, err) ||
        !parse_identity_key(&identity_key, identity_bytes, err))
        return false;
    memcpy(evidence->requested, request.requested, sizeof evidence->requested);
    evidence->requested_count = request.requested_count;
    attestation_evidence_set_key(evidence, identity_key);
    return true;
}
