/* SPDX-License-Identifier: Apache-2.0 */
#include "host/attest_key.h"

#include "attestation/message_request.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "crypto/signer.h"
#include "host/host_key.h"

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

bool host_attest_key_format(struct buf *out, const struct private_key *host_key,
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

static bool take_certificate(struct host_attempt *attempt, struct private_key **key,
                             const struct attestation_reply *reply, struct error *err)
{
    struct slice der;
    if (!host_attempt_certificate(&der, reply, attempt, err))
        return false;
    attempt->retry = false;
    return host_identity_init(attempt->out, key, der, clock_now(attempt->clock), err);
}

bool host_attest_key(struct host_attempt *attempt, struct error *err)
{
    _cleanup_free_ char *path = host_config_resolve(attempt->config, attempt->config->key_file);
    _cleanup_private_key_ struct private_key *host_key = NULL;
    _cleanup_private_key_ struct private_key *key = NULL;
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    struct buf body;
    buf_init(&body, REQUEST_MAX);
    attempt->retry = false;
    bool good = host_key_load(&host_key, path, err) &&
                private_key_generate(&key, PRIVATE_KEY_RSA_2048, err) &&
                host_attest_key_format(&body, host_key, private_key_public(key), err) &&
                host_attempt_post(&reply, attempt, "/v2.0/hostkeyattest", buf_slice(&body),
                                  ATTESTATION_REPLY_HEALTH_CERTIFICATE,
                                  ATTESTATION_REPLY_HEALTH_CERTIFICATE, err) &&
                take_certificate(attempt, &key, &reply, err);
    buf_done(&body);
    return good;
}
