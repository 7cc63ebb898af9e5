/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/health.h"

#include "base/clock.h"
#include "keyprotection/errors.h"

#define CLAUSE "protocol.md 3"

static bool issued_by(const struct certificate *certificate, const struct certificate *signer,
                      struct verification_cache *cache)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    const struct certificate_facts *by = certificate_facts(signer);
    if (!slice_equal(facts->issuer, by->subject))
        return false;
    if (!cache)
        return certificate_verify_issued(certificate, signer, NULL);
    const char use[] = "issued-by";
    struct slice parts[] = {slice_of(use, sizeof use), slice_of(facts->thumbprint, 32),
                            slice_of(by->thumbprint, 32)};
    struct digest name;
    digest_compute_parts(&name, DIGEST_SHA256, parts, sizeof parts / sizeof parts[0]);
    if (verification_cache_has(cache, name.value))
        return true;
    if (!certificate_verify_issued(certificate, signer, NULL))
        return false;
    verification_cache_add(cache, name.value);
    return true;
}

/* protocol.md 2.4. */
static bool check_profile(const struct certificate_facts *facts, const struct certificate *it,
                          const struct certificate_facts *signer, struct error *err)
{
    const char *wrong = NULL;
    if (!facts->has_usage || facts->usage != CERTIFICATE_KEY_ENCIPHERMENT)
        wrong = "its key usage is not exactly keyEncipherment";
    else if (!facts->has_health_policy)
        wrong = "it lacks the application policy of health certificates";
    else if (facts->is_authority)
        wrong = "it is a certificate authority's";
    else if (facts->unknown_critical)
        wrong = "it has a critical extension that is not understood";
    else if (public_key_type(certificate_key(it)) != PUBLIC_KEY_RSA)
        wrong = "its key is not an RSA key";
    else if (facts->not_after > signer->not_after)
        wrong = "it outlives its signer";
    if (wrong)
        return error_set(err, &health_profile, CLAUSE, facts->subject_text, "%s", wrong);
    return true;
}

static bool check_times(const struct certificate_facts *facts,
                        const struct certificate_facts *signer, int64_t now, struct error *err)
{
    bool good = facts->not_before <= now && now <= facts->not_after;
    if (good && signer->not_before <= now && now <= signer->not_after)
        return true;
    const struct certificate_facts *wrong = good ? signer : facts;
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE], here[CLOCK_TEXT_SIZE];
    return error_set(err, &health_expired, CLAUSE, facts->subject_text,
                     "%s is valid from %s to %s; here it is %s", good ? "its signer" : "it",
                     clock_format(wrong->not_before, from), clock_format(wrong->not_after, to),
                     clock_format(now, here));
}

/* A signer may be listed twice, as ours and as a trusted one: the strictest word counts. */
static int64_t strictest_time(const struct certificate *signer, const struct health_signer *signers,
                              size_t count, int64_t deny_all_before)
{
    int64_t latest = deny_all_before;
    for (size_t i = 0; i < count; i++) {
        if (signers[i].deny_before > latest &&
            slice_equal(certificate_der(signers[i].certificate), certificate_der(signer)))
            latest = signers[i].deny_before;
    }
    return latest;
}

bool health_check(const struct certificate *certificate, const struct health_signer *signers,
                  size_t count, int64_t deny_all_before, int64_t now,
                  struct verification_cache *cache, struct error *err)
{
    const struct certificate_facts *facts = certificate_facts(certificate);
    const struct health_signer *signer = NULL;
    for (size_t i = 0; i < count && !signer; i++) {
        if (issued_by(certificate, signers[i].certificate, cache))
            signer = &signers[i];
    }
    if (!signer)
        return error_set(err, &health_untrusted, CLAUSE, facts->subject_text,
                         "none of the %zu attestation signers that are trusted here issued it "
                         "(issuer: %s)",
                         count, facts->issuer_text);
    const struct certificate_facts *by = certificate_facts(signer->certificate);
    if (!check_times(facts, by, now, err))
        return false;
    if (facts->not_before < strictest_time(signer->certificate, signers, count, deny_all_before))
        return error_set(err, &health_denied, CLAUSE, facts->subject_text,
                         "its signer is accepted only for what it issues later");
    return check_profile(facts, certificate, by, err);
}
