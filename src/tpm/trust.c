/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/trust.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "tpm/certificate_profile.h"
#include "tpm/errors.h"
#include "tpm/trust_chain.h"

struct tpm_trust {
    atomic_uint references;
    struct trusted *trusted;
    size_t count;
    struct map *by_subject; /* the first struct trusted of each subject */
    struct cache *endorsements;
};

/* Roots stand before intermediates of the same name: they end a search. */
static void link_by_subject(struct tpm_trust *trust, bool intermediate)
{
    for (size_t i = trust->count; i-- > 0;) {
        struct trusted *it = &trust->trusted[i];
        if (it->intermediate != intermediate)
            continue;
        struct slice subject = certificate_facts(it->certificate)->subject;
        it->next = map_get(trust->by_subject, subject);
        map_put(trust->by_subject, subject, it);
    }
}

struct tpm_trust *tpm_trust_new(const struct tpm_trusted_certificate *certificates, size_t count,
                                size_t cached, size_t *skipped)
{
    assert(count <= TPM_TRUST_CERTIFICATES_MAX);
    struct tpm_trust *trust = memory_allocate_zero(1, sizeof *trust);
    atomic_init(&trust->references, 1);
    trust->trusted = memory_allocate_zero(count + 1, sizeof trust->trusted[0]);
    for (size_t i = 0; i < count; i++) {
        struct trusted *it = &trust->trusted[trust->count];
        it->intermediate = certificates[i].intermediate;
        if (certificate_parse_endorsement(&it->certificate, certificates[i].der, NULL))
            trust->count++;
    }
    trust->by_subject = map_new(NULL);
    link_by_subject(trust, true);
    link_by_subject(trust, false);
    trust->endorsements = certificate_cache_new(cached);
    if (skipped != NULL)
        *skipped = count - trust->count;
    return trust;
}

struct tpm_trust *tpm_trust_ref(struct tpm_trust *trust)
{
    atomic_fetch_add_explicit(&trust->references, 1, memory_order_relaxed);
    return trust;
}

void tpm_trust_free(struct tpm_trust **trust)
{
    struct tpm_trust *dying = trust == NULL ? NULL : memory_steal(trust);
    if (dying == NULL ||
        atomic_fetch_sub_explicit(&dying->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < dying->count; i++)
        certificate_free(&dying->trusted[i].certificate);
    free(dying->trusted);
    map_free(dying->by_subject);
    cache_free(&dying->endorsements);
    free(dying);
}

size_t tpm_trust_count(const struct tpm_trust *trust)
{
    return trust->count;
}

const struct trusted *tpm_trust_find(const struct tpm_trust *trust, struct slice subject)
{
    return map_get(trust->by_subject, subject);
}

struct cache *tpm_trust_cache(struct tpm_trust *trust)
{
    return trust->endorsements;
}

static bool check_authority(const struct certificate *certificate, bool intermediate,
                            struct error *err)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    char name[160];
    certificate_profile_name(certificate, name, sizeof name);
    struct certificate_profile profile;
    if (!certificate_profile_read(&profile, certificate, err))
        return false;
    /* A root of the first version of X.509 could not say that it is an authority. */
    bool old_root = facts->extensions.size == 0 && slice_equal(facts->subject, facts->issuer);
    if (!facts->is_authority && !old_root)
        return error_set(err, &tpm_root_not_authority, "RFC 5280 4.2.1.9", name,
                         profile.endorsement ? "it is the certificate of an endorsement key"
                                             : "it is not the certificate of an authority");
    if (profile.has_usage && profile.identity && !profile.endorsement && !profile.any)
        return error_set(err, &tpm_root_identity_authority, "protocol.md 2.3", name,
                         "it certifies identity keys only (its extended key usage says so), no "
                         "endorsement keys");
    if (intermediate && slice_equal(facts->subject, facts->issuer))
        return error_set(
            err, &tpm_root_place, "RFC 5280 6.1", name,
            "its issuer is itself, so it is a root and no intermediate; add it without "
            "--intermediate");
    return true;
}

bool tpm_trust_check(struct certificate **out, struct slice der, bool intermediate,
                     struct error *err)
{
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!certificate_parse_endorsement(&certificate, der, err) ||
        !check_authority(certificate, intermediate, err))
        return false;
    *out = memory_steal(&certificate);
    return true;
}
