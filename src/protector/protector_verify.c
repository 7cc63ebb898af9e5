/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/document.h"
#include "protector/errors.h"

#define CLAUSE "MS-KPS 3.1.5.1.1.3"

static bool verify_guardian_signature(const struct protector *protector, struct error *err)
{
    const struct protector_wrapping *guardian = protector->last_guardian;
    const struct protector_signature *signature = &protector->guardian_signature;
    /* Each roll has a signature of its own: nothing to gain from the cache. */
    if (!public_key_verify(certificate_key(guardian->signing_certificate), signature->algorithm,
                           buf_slice(&protector->canonical), signature->value, NULL))
        return error_set(err, &protector_signature, "MS-KPS 2.2.2.8", NULL,
                         "the guardian signature is not one by wrapping %u over these Wrappings",
                         guardian->id);
    return true;
}

/* One owner, and every chain of parents ends there. */
static bool verify_chains(const struct protector *protector, struct error *err)
{
    if (!protector->owner)
        return error_set(err, &protector_chain, CLAUSE, NULL,
                         "no wrapping is its own parent: there is no owner");
    for (size_t i = 0; i < protector->count; i++) {
        const struct protector_wrapping *at = &protector->wrappings[i];
        if (at->parent == at->id && at != protector->owner)
            return error_set(err, &protector_chain, CLAUSE, NULL,
                             "wrappings %u and %u are both their own parents: two owners",
                             protector->owner->id, at->id);
        for (size_t steps = 0; at != protector->owner; steps++) {
            const struct protector_wrapping *parent = protector_by_id(protector, at->parent);
            if (!parent)
                return error_set(err, &protector_chain, CLAUSE, NULL,
                                 "the parent of wrapping %u, %u, is not there", at->id, at->parent);
            if (steps == protector->count)
                return error_set(err, &protector_chain, CLAUSE, NULL,
                                 "the parents of wrapping %u form a loop",
                                 protector->wrappings[i].id);
            at = parent;
        }
    }
    return true;
}

static bool verify_certificate(struct verification_cache *cache,
                               const struct certificate *certificate,
                               const struct protector_signature *signature,
                               const struct protector_wrapping *signer, uint32_t id,
                               const char *name, struct error *err)
{
    if (!verification_cache_verify(cache, certificate_key(signer->signing_certificate),
                                   signature->algorithm, certificate_der(certificate),
                                   signature->value, NULL))
        return error_set(err, &protector_wrapping_invalid, CLAUSE, NULL,
                         "%s of wrapping %u is not signed by wrapping %u", name, id, signer->id);
    return true;
}

bool protector_verify_cached(const struct protector *protector, struct verification_cache *cache,
                             struct error *err)
{
    if (!verify_guardian_signature(protector, err) || !verify_chains(protector, err))
        return false;
    for (size_t i = 0; i < protector->count; i++) {
        const struct protector_wrapping *it = &protector->wrappings[i];
        const struct protector_wrapping *parent = protector_by_id(protector, it->parent);
        if (!verify_certificate(cache, it->signing_certificate, &it->signing_certificate_signature,
                                parent, it->id, "SigningCertificate", err) ||
            !verify_certificate(cache, it->encryption_certificate,
                                &it->encryption_certificate_signature, it, it->id,
                                "EncryptionCertificate", err))
            return false;
    }
    return true;
}

bool protector_verify(const struct protector *protector, struct error *err)
{
    return protector_verify_cached(protector, NULL, err);
}

bool protector_verify_transport_key(const struct protector *protector, struct slice transport_key,
                                    struct error *err)
{
    struct digest expected;
    transport_key_sign(&expected, protector->transport_key_signature.algorithm, transport_key,
                       buf_slice(&protector->canonical));
    if (!secret_equal(digest_slice(&expected), protector->transport_key_signature.value))
        return error_set(err, &protector_opaque, "MS-KPS 2.2.2.7", NULL,
                         "no transport key comes out of it that its signature was made with");
    return true;
}
