/* SPDX-License-Identifier: Apache-2.0 */
#include "host/release.h"

#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "crypto/aead.h"
#include "crypto/errors.h"
#include "host/errors.h"
#include "host/service.h"
#include "keyprotection/message.h"
#include "protector/transport_key.h"

#define CLAUSE "MS-KPS 3.2.5.1"
#define KEY_SIZE PROTECTOR_TRANSPORT_KEY_SIZE

void host_release_done(struct host_release *release)
{
    buf_done(&release->document);
    protector_free(&release->egress);
    secret_done(&release->ingress_key);
    secret_done(&release->egress_key);
}

static bool wrong(struct error *err, const char *what)
{
    return error_set(err, &host_release_wrong, CLAUSE, "RollTransportKeyResponse", "%s", what);
}

static bool same_signature(const struct protector_signature *a, const struct protector_signature *b)
{
    return a->algorithm == b->algorithm && slice_equal(a->value, b->value);
}

/* All but the ciphertext, which carries the new transport key. */
static bool same_wrapping(const struct protector_wrapping *a, const struct protector_wrapping *b)
{
    return a->id == b->id && a->parent == b->parent &&
           slice_equal(certificate_der(a->signing_certificate),
                       certificate_der(b->signing_certificate)) &&
           slice_equal(certificate_der(a->encryption_certificate),
                       certificate_der(b->encryption_certificate)) &&
           same_signature(&a->signing_certificate_signature, &b->signing_certificate_signature) &&
           same_signature(&a->encryption_certificate_signature,
                          &b->encryption_certificate_signature);
}

static const struct protector_wrapping *find_id(const struct protector *protector, uint32_t id)
{
    for (size_t i = 0; i < protector_wrapping_count(protector); i++)
        if (protector_wrapping(protector, i)->id == id)
            return protector_wrapping(protector, i);
    return NULL;
}

static bool same_wrappings(const struct protector *ingress, const struct protector *egress)
{
    size_t count = protector_wrapping_count(ingress);
    if (protector_wrapping_count(egress) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct protector_wrapping *before = protector_wrapping(ingress, i);
        const struct protector_wrapping *after = find_id(egress, before->id);
        if (after == NULL || !same_wrapping(before, after))
            return false;
    }
    return true;
}

static bool check_service(const struct protector *egress, const struct config_list *pins,
                          struct error *err)
{
    const struct protector_wrapping *guardian = protector_last_guardian(egress);
    if (guardian->id == protector_owner(egress)->id)
        return wrong(err, "the new key protector is signed by the owner and not by a service");
    const struct certificate_facts *facts = certificate_facts(guardian->signing_certificate);
    char thumbprint[2 * sizeof facts->thumbprint + 1];
    hex_format(slice_of(facts->thumbprint, sizeof facts->thumbprint), thumbprint);
    for (size_t i = 0; i < pins->count; i++)
        if (strcasecmp(pins->items[i], thumbprint) == 0)
            return true;
    return pins->count == 0 ||
           error_set(err, &host_service_unknown, CLAUSE, thumbprint,
                     "the new key protector is signed by %s, which is not among "
                     "[key-protection] service-thumbprints",
                     facts->subject_text);
}

bool host_release_check(const struct protector *ingress, const struct protector *egress,
                        struct slice ingress_key, struct slice egress_key,
                        const struct config_list *pins, struct error *err)
{
    if (secret_equal(ingress_key, egress_key))
        return wrong(err, "the new transport key is the old one");
    if (!protector_verify_transport_key(ingress, ingress_key, NULL))
        return wrong(err, "the first key is not that of the key protector which was sent");
    if (!same_wrappings(ingress, egress))
        return wrong(err, "the new key protector has other owners or guardians than the old one");
    struct error cause = {0};
    if (!protector_verify(egress, &cause))
        return error_set(err, &host_release_wrong, CLAUSE, "RollTransportKeyResponse",
                         "the new key protector does not verify: %s", cause.message);
    if (!protector_verify_transport_key(egress, egress_key, NULL))
        return wrong(err, "the second key is not that of the new key protector");
    if (protector_max_offline_unwraps(egress) > protector_max_offline_unwraps(ingress))
        return wrong(err, "the new key protector allows more offline unwraps than the old one");
    return check_service(egress, pins, err);
}

bool host_release_refusal(const char *url, unsigned status, struct slice body, struct error *err)
{
    struct buf code, message;
    buf_init(&code, 256);
    buf_init(&message, 4096);
    const struct error_code *meaning =
        status >= 500 || status == 429 ? &host_release_unavailable : &host_reply;
    if (!roll_error_parse(&code, &message, body, NULL)) {
        error_set(err, meaning, NULL, url, "it answered with HTTP status %u", status);
    } else {
        const char *word = buf_text(&code);
        if (strcmp(word, "HealthCertificateException") == 0)
            meaning = &host_health_refused;
        else if (strcmp(word, "InvalidProtectorException") == 0 ||
                 strcmp(word, "InvalidWrappingException") == 0)
            meaning = &host_protector_refused;
        else if (status < 500)
            meaning = &host_refused;
        error_set(err, meaning, CLAUSE, url, "%s: %s", word, buf_text(&message));
    }
    buf_done(&code);
    buf_done(&message);
    return false;
}

/* Transfer key, wrapping key, transport keys: each opens the next. */
static bool open_keys(struct host_release *out, const struct roll_response *response,
                      const struct host_identity *identity, const char *tcti, struct error *err)
{
    _cleanup_secret_ struct secret transfer = SECRET_EMPTY;
    _cleanup_secret_ struct secret wrapping = SECRET_EMPTY;
    _cleanup_secret_ struct secret payload = SECRET_EMPTY;
    _cleanup_secret_ struct secret keys = SECRET_EMPTY;
    size_t count;
    struct error cause = {0};
    if (!host_identity_decrypt(&transfer, identity, tcti, ENCRYPTION_RSA_OAEP_SHA256,
                               buf_slice(&response->encrypted_transfer_key), &cause) &&
        cause.code != &crypto_decryption_failed) {
        *err = cause; /* the TPM's */
        return false;
    }
    if (transfer.size != AEAD_KEY_SIZE ||
        !aead_key_unwrap(&wrapping, secret_slice(&transfer),
                         buf_slice(&response->encrypted_wrapping_key), NULL) ||
        wrapping.size != AEAD_KEY_SIZE ||
        !aead_open(&payload, secret_slice(&wrapping), SLICE_EMPTY,
                   buf_slice(&response->encrypted_transport_keys), NULL) ||
        !protector_payload_parse(&keys, &count, 2, secret_slice(&payload), NULL) || count != 2 ||
        keys.size != (size_t)2 * KEY_SIZE)
        return wrong(err, "its keys do not open with the identity key of this host");
    secret_copy(&out->ingress_key, slice_of(keys.data, KEY_SIZE));
    secret_copy(&out->egress_key, slice_of(keys.data + KEY_SIZE, KEY_SIZE));
    return true;
}

struct rolling {
    struct host_release *out;
    const struct host_identity *identity;
    const char *tcti;
    const struct protector *ingress;
    const struct config_list *pins;
};

static bool open_response(struct host_release *out, const struct rolling *rolling,
                          struct roll_response *response, struct error *err)
{
    if (!open_keys(out, response, rolling->identity, rolling->tcti, err))
        return false;
    buf_move(&out->document, &response->egress_protector);
    struct error cause = {0};
    if (!protector_parse(&out->egress, buf_slice(&out->document), NULL, &cause))
        return error_set(err, &host_release_wrong, CLAUSE, "RollTransportKeyResponse",
                         "the new key protector is malformed: %s", cause.message);
    return host_release_check(rolling->ingress, out->egress, secret_slice(&out->ingress_key),
                              secret_slice(&out->egress_key), rolling->pins, err);
}

static bool take_response(void *context, const char *url, unsigned status, struct slice body,
                          bool *retry, struct error *err)
{
    const struct rolling *rolling = context;
    if (status != 200) {
        host_release_refusal(url, status, body, err);
        *retry = err->code == &host_release_unavailable || err->code == &host_reply;
        return false;
    }
    _cleanup_roll_response_ struct roll_response response;
    _cleanup_host_release_ struct host_release release = {0};
    struct error cause = {0};
    roll_response_init(&response);
    if (!roll_response_parse(&response, body, &cause))
        return error_set(err, &host_reply, CLAUSE, url, "%s", cause.message);
    *retry = false;
    if (!open_response(&release, rolling, &response, err))
        return false;
    *rolling->out = release;
    release = (struct host_release){0};
    return true;
}

bool host_release_roll(struct host_release *out, const struct host_config *config,
                       const struct clock *clock, const struct host_identity *identity,
                       const struct protector *ingress, struct slice document, struct error *err)
{
    if (!host_config_require(config, err))
        return false;
    struct rolling rolling = {out, identity, host_config_tcti(config), ingress, &config->pins};
    bool has_fallback = config->key_protection_fallback_url[0] != '\0';
    struct host_service service = {
        .urls = {config->key_protection_url,
                 has_fallback ? config->key_protection_fallback_url : NULL},
        .path = "/service/v2.0/rolltransportkey",
    };
    struct buf request;
    buf_init(&request, 2 * (size_t)PROTECTOR_SIZE_MAX);
    roll_request_format(&request, document, certificate_der(identity->certificate),
                        ENCRYPTION_RSA_OAEP_SHA256);
    bool fallback;
    service.client = host_service_client(config, clock);
    bool good = buf_ok(&request, "key protector", err) &&
                host_service_post(&service, "application/xml; charset=utf-8", buf_slice(&request),
                                  take_response, &rolling, &fallback, err);
    http_client_free(&service.client);
    buf_done(&request);
    return good;
}
