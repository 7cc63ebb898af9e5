/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/trust_chain.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "crypto/der.h"
#include "crypto/errors.h"
#include "tpm/certificate_profile.h"
#include "tpm/errors.h"

#define CLAUSE "RFC 5280 6.1"
#define NAME_SIZE 160
/* Several authorities may bear one name; what a stranger sends must not cost more than this. */
#define VERIFICATIONS_MAX 32

/* A search under way. What failed furthest from the certificate explains most. */
struct search {
    const struct tpm_trust *trust;
    struct trusted brought[TPM_CHAIN_CERTIFICATES_MAX]; /* came with the certificate */
    size_t brought_count;
    int64_t now;
    unsigned verifications;
    int deepest; /* depth of problem; -1: none yet */
    struct error problem;
};

static bool climb(struct search *search, const struct certificate *certificate, int depth);

/* Keeps problem if nothing deeper failed. */
static bool fail(struct search *search, int depth, const struct error *problem)
{
    if (depth > search->deepest) {
        search->deepest = depth;
        search->problem = *problem;
    }
    return false;
}

bool trust_chain_check_time(const struct certificate *certificate, int64_t now, struct error *err)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    char name[NAME_SIZE], time[CLOCK_TEXT_SIZE];
    bool early = now < facts->not_before;
    if (!early && now <= facts->not_after)
        return true;
    return error_set(err, &tpm_certificate_time, "RFC 5280 4.1.2.5",
                     certificate_profile_name(certificate, name, sizeof name), "it %s %s",
                     early ? "is not valid before" : "expired",
                     clock_format(early ? facts->not_before : facts->not_after, time));
}

/* Where a person finds what is missing, or nothing. */
static void format_source(char *text, size_t size, const struct certificate *certificate)
{
    char uri[200];
    certificate_profile_issuer_uri(certificate, uri, sizeof uri);
    snprintf(text, size, uri[0] != '\0' ? " (the certificate says that it is at %s)" : "%s", uri);
}

/* No certificate with the issuer's name is there. */
static bool issuer_missing(struct search *search, const struct certificate *certificate, int depth)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    struct error problem = {0};
    char name[NAME_SIZE], source[256];
    certificate_profile_name(certificate, name, sizeof name);
    format_source(source, sizeof source, certificate);
    if (depth == 0)
        error_set(&problem, &tpm_issuer_missing, CLAUSE, name,
                  "its issuer “%.150s” was not added%s; add that certificate: hgsctl tpm-root add "
                  "FILE --intermediate (without --intermediate when it is the maker's root)",
                  facts->issuer_text, source);
    else
        error_set(&problem, &tpm_root_missing, CLAUSE, name,
                  "the chain ends here: its issuer “%.150s” was not added%s; add that root: hgsctl "
                  "tpm-root add FILE (when the maker publishes none, add this one as a root)",
                  facts->issuer_text, source);
    return fail(search, depth, &problem);
}

/* One with the name is there, but its key signed something else. */
static bool issuer_wrong(struct search *search, const struct certificate *certificate, int depth,
                         const struct error *why)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    struct error problem = {0};
    char name[NAME_SIZE];
    struct buf key_id;
    buf_init(&key_id, 256);
    hex_append(&key_id, facts->authority_key_id);
    certificate_profile_name(certificate, name, sizeof name);
    if (why->code == &crypto_key_unsupported)
        error_set(&problem, &tpm_issuer_wrong, why->clause, name, "%s", why->message);
    else
        error_set(&problem, &tpm_issuer_wrong, CLAUSE, name,
                  "it was not signed by the certificate of “%.150s” that was added; if that issuer "
                  "has several keys, add the certificate of the right one%s%s: hgsctl tpm-root add "
                  "FILE --intermediate",
                  facts->issuer_text, key_id.size > 0 ? ", with subject key identifier " : "",
                  buf_text(&key_id));
    buf_done(&key_id);
    return fail(search, depth, &problem);
}

static bool unfit(struct search *search, const struct certificate *issuer, int depth,
                  const char *why)
{
    struct error problem = {0};
    char name[NAME_SIZE];
    error_set(&problem, &tpm_issuer_wrong, CLAUSE,
              certificate_profile_name(issuer, name, sizeof name), "%s", why);
    return fail(search, depth, &problem);
}

static bool was_brought(const struct search *search, const struct certificate *certificate)
{
    for (size_t i = 0; i < search->brought_count; i++)
        if (search->brought[i].certificate == certificate)
            return true;
    return false;
}

/* The administrator vouches for what was added, also for how it is signed; for nothing else. */
static bool was_added(const struct search *search, const struct certificate *certificate, int depth)
{
    return depth > 0 && !was_brought(search, certificate);
}

/*
 * Whether what a host sent is for certifying endorsement keys. RFC 5280 4.2.1.12 lets an extended
 * key usage limit the key it is about; in an authority everybody takes it to limit what that
 * issues, too. It costs no real host anything: all intermediates for endorsement keys in
 * TrustedTpm.cab have none, or one that names them. What was added is the administrator's choice.
 */
static bool has_purpose(struct search *search, const struct certificate *certificate, int depth,
                        const struct certificate_profile *profile)
{
    struct error problem = {0};
    char name[NAME_SIZE], usage[128];
    if (!was_brought(search, certificate))
        return true;
    certificate_profile_name(certificate, name, sizeof name);
    if (profile->has_limited_names)
        error_set(&problem, &tpm_issuer_purpose, "RFC 5280 4.2.1.10", name,
                  "the host sent it, and it may issue certificates only for certain names");
    else if (profile->has_usage && !profile->endorsement && !profile->any)
        error_set(&problem, &tpm_issuer_purpose, "RFC 5280 4.2.1.12", name,
                  "the host sent it, and its extended key usage says %s and not 2.23.133.8.1 "
                  "(endorsement key)",
                  der_format_oid(profile->usage, usage, sizeof usage));
    else
        return true;
    return fail(search, depth, &problem);
}

/* Whether an authority may issue what stands depth authorities above an endorsement certificate.
 * An anchor is a name and a key: its own dates and limits do not count (RFC 5280 6.1.1 d). */
static bool may_issue(struct search *search, const struct trusted *issuer, int depth)
{
    const struct certificate *certificate = issuer->certificate;
    const struct certificate_facts *facts = certificate_facts(certificate);
    struct certificate_profile profile;
    struct error problem = {0};
    if (!certificate_profile_read(&profile, certificate, &problem))
        return fail(search, depth, &problem);
    if (profile.has_usage && profile.identity && !profile.endorsement && !profile.any)
        return unfit(search, certificate, depth,
                     "it certifies identity keys only (its extended key usage says so), no "
                     "endorsement keys");
    if (!issuer->intermediate)
        return true;
    if (!has_purpose(search, certificate, depth, &profile))
        return false;
    if (!facts->is_authority)
        return unfit(search, certificate, depth, "it is not the certificate of an authority");
    if (facts->has_usage && (facts->usage & CERTIFICATE_KEY_CERT_SIGN) == 0)
        return unfit(search, certificate, depth,
                     "its key usage does not allow to sign certificates");
    if (facts->path_length >= 0 && facts->path_length < depth)
        return unfit(search, certificate, depth,
                     "its path length constraint does not allow authorities below it");
    return trust_chain_check_time(certificate, search->now, &problem) ||
           fail(search, depth, &problem);
}

/* From one candidate on. */
static bool climb_by(struct search *search, const struct certificate *certificate,
                     const struct trusted *issuer, int depth)
{
    struct error why = {0};
    if (search->verifications++ >= VERIFICATIONS_MAX) {
        error_set(&why, &tpm_chain_too_long, CLAUSE, NULL,
                  "too many authorities of one name would have to be tried");
        return fail(search, TRUST_CHAIN_MAX + 1, &why);
    }
    if (!certificate_verify_endorsement(certificate, issuer->certificate,
                                        was_added(search, certificate, depth), &why))
        return issuer_wrong(search, certificate, depth, &why);
    if (!may_issue(search, issuer, depth))
        return false;
    return !issuer->intermediate || climb(search, issuer->certificate, depth + 1);
}

static bool climb(struct search *search, const struct certificate *certificate, int depth)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    struct error problem = {0};
    char name[NAME_SIZE];
    if (depth > 0 && slice_equal(facts->subject, facts->issuer)) {
        error_set(&problem, &tpm_root_missing, CLAUSE,
                  certificate_profile_name(certificate, name, sizeof name),
                  "it is a root that was added as an intermediate; add it as a root: hgsctl "
                  "tpm-root add FILE");
        return fail(search, depth, &problem);
    }
    if (depth == TRUST_CHAIN_MAX) {
        error_set(&problem, &tpm_chain_too_long, CLAUSE,
                  certificate_profile_name(certificate, name, sizeof name),
                  "no root is among the first %d authorities; add one of them as a root: hgsctl "
                  "tpm-root add FILE",
                  TRUST_CHAIN_MAX);
        return fail(search, depth, &problem);
    }
    bool any = false;
    const struct trusted *issuer = tpm_trust_find(search->trust, facts->issuer);
    for (; issuer != NULL; issuer = issuer->next) {
        any = true;
        if (climb_by(search, certificate, issuer, depth))
            return true;
    }
    for (size_t i = 0; i < search->brought_count; i++) {
        issuer = &search->brought[i];
        if (!slice_equal(certificate_facts(issuer->certificate)->subject, facts->issuer))
            continue;
        any = true;
        if (climb_by(search, certificate, issuer, depth))
            return true;
    }
    return !any && issuer_missing(search, certificate, depth);
}

/* What came with the certificate and can be read; roots among it are of no use. */
static void take_brought(struct search *search, struct cache *cache, struct slice chain)
{
    struct reader reader = reader_of(chain);
    for (size_t i = 0; i < TPM_CHAIN_CERTIFICATES_MAX && reader.rest.size > 0; i++) {
        struct trusted *it = &search->brought[search->brought_count];
        bool sequence = der_peek(&reader) == DER_SEQUENCE;
        struct slice der = der_read_element(&reader);
        if (!sequence || reader.failed)
            return;
        if (!certificate_cache_parse_endorsement(&it->certificate, cache, der, NULL))
            continue;
        const struct certificate_facts *facts = certificate_facts(it->certificate);
        it->intermediate = true;
        if (slice_equal(facts->subject, facts->issuer))
            certificate_free(&it->certificate);
        else
            search->brought_count++;
    }
}

bool trust_chain_verify(struct tpm_trust *trust, const struct certificate *certificate,
                        struct slice chain, int64_t now, struct error *err)
{
    struct search search = {.trust = trust, .now = now, .deepest = -1};
    bool good = climb(&search, certificate, 0);
    if (!good && chain.size > 0) { /* only now: reading them costs */
        search = (struct search){.trust = trust, .now = now, .deepest = -1};
        take_brought(&search, tpm_trust_cache(trust), chain);
        good = climb(&search, certificate, 0);
        for (size_t i = 0; i < search.brought_count; i++)
            certificate_free(&search.brought[i].certificate);
    }
    if (!good && err != NULL)
        *err = search.problem;
    return good;
}
