/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/acceptance.h"

#include "base/memory.h"
#include "crypto/aead.h"
#include "keyprotection/errors.h"

#define CLAUSE "protocol.md 3"
#define KEY_SIZE PROTECTOR_TRANSPORT_KEY_SIZE

/* Both keys, one behind the other. */
static bool decrypt_keys(struct secret *keys, const struct roll_response *response,
                         struct slice transfer_key, struct error *err)
{
    _cleanup_secret_ struct secret wrapping = SECRET_EMPTY, payload = SECRET_EMPTY;
    _cleanup_secret_ struct secret found = SECRET_EMPTY;
    struct error cause = {0};
    size_t count;
    bool good = transfer_key.size == KEY_SIZE &&
                aead_key_unwrap(&wrapping, transfer_key,
                                buf_slice(&response->encrypted_wrapping_key), &cause) &&
                wrapping.size == AEAD_KEY_SIZE &&
                aead_open(&payload, secret_slice(&wrapping), SLICE_EMPTY,
                          buf_slice(&response->encrypted_transport_keys), &cause) &&
                protector_payload_parse(&found, &count, 2, secret_slice(&payload), &cause) &&
                count == 2;
    if (!good)
        return error_set(err, &keyprotection_reply_wrong, CLAUSE, NULL,
                         "the transport keys do not decrypt to an ingress and an egress key%s%s",
                         cause.code ? ": " : "", cause.message);
    *keys = found;
    found = SECRET_EMPTY;
    return true;
}

static bool same_signature(const struct protector_signature *a, const struct protector_signature *b)
{
    return a->algorithm == b->algorithm && slice_equal(a->value, b->value);
}

static bool same_wrapping(const struct protector_wrapping *a, const struct protector_wrapping *b)
{
    return a->id == b->id && a->parent == b->parent &&
           a->transport_key_algorithm == b->transport_key_algorithm &&
           slice_equal(certificate_der(a->signing_certificate),
                       certificate_der(b->signing_certificate)) &&
           slice_equal(certificate_der(a->encryption_certificate),
                       certificate_der(b->encryption_certificate)) &&
           same_signature(&a->signing_certificate_signature, &b->signing_certificate_signature) &&
           same_signature(&a->encryption_certificate_signature,
                          &b->encryption_certificate_signature);
}

static bool same_wrappings(const struct protector *ingress, const struct protector *egress)
{
    size_t count = protector_wrapping_count(ingress);
    if (protector_wrapping_count(egress) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!same_wrapping(protector_wrapping(ingress, i), protector_wrapping(egress, i)))
            return false;
    }
    return true;
}

static bool signed_by_pinned(const struct protector *egress, struct certificate *const *pinned,
                             size_t count)
{
    const struct protector_wrapping *guardian = protector_last_guardian(egress);
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(certificate_der(guardian->signing_certificate), certificate_der(pinned[i])))
            return true;
    }
    return count == 0 && guardian != protector_owner(egress);
}

static bool check_egress(const struct protector *ingress, const struct protector *egress,
                         struct certificate *const *pinned, size_t count, struct error *err)
{
    const char *wrong = NULL;
    if (!same_wrappings(ingress, egress))
        wrong = "the new key protector's wrappings are not those of the one that was sent";
    else if (!signed_by_pinned(egress, pinned, count))
        wrong = "the new key protector is not signed by the service that the keys were sealed to";
    else if (protector_max_offline_unwraps(egress) > protector_max_offline_unwraps(ingress))
        wrong = "the new key protector allows more offline unwraps than the one that was sent";
    if (wrong)
        return error_set(err, &keyprotection_reply_wrong, CLAUSE, NULL, "%s", wrong);
    return true;
}

static bool check_keys(const struct protector *ingress, const struct protector *egress,
                       struct slice first, struct slice second, struct error *err)
{
    const char *wrong = NULL;
    if (!protector_verify_transport_key(ingress, first, NULL))
        wrong = "the first key is not that of the key protector that was sent";
    else if (!protector_verify_transport_key(egress, second, NULL))
        wrong = "the second key is not that of the new key protector";
    else if (secret_equal(first, second))
        wrong = "the key was not rolled: both keys are one";
    if (wrong)
        return error_set(err, &keyprotection_reply_wrong, CLAUSE, NULL, "%s", wrong);
    return true;
}

bool roll_response_accept(struct secret *ingress_key, struct secret *egress_key,
                          struct protector **egress, const struct roll_response *response,
                          const struct protector *ingress, struct slice transfer_key,
                          struct certificate *const *pinned, size_t count, struct error *err)
{
    _cleanup_protector_ struct protector *parsed = NULL;
    struct error cause = {0};
    if (!protector_parse(&parsed, buf_slice(&response->egress_protector), NULL, &cause) ||
        !protector_verify(parsed, &cause))
        return error_set(err, &keyprotection_reply_wrong, CLAUSE, NULL, "the new key protector: %s",
                         cause.message);
    _cleanup_secret_ struct secret keys = SECRET_EMPTY;
    if (!check_egress(ingress, parsed, pinned, count, err) ||
        !decrypt_keys(&keys, response, transfer_key, err))
        return false;
    struct slice first = slice_of(keys.data, KEY_SIZE);
    struct slice second = slice_of(keys.data + KEY_SIZE, KEY_SIZE);
    if (!check_keys(ingress, parsed, first, second, err))
        return false;
    secret_copy(ingress_key, first);
    secret_copy(egress_key, second);
    if (egress)
        *egress = memory_steal(&parsed);
    return true;
}
