/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

static struct slice bytes_of(const void *certificate)
{
    return certificate_der(certificate);
}

static void hold(void *certificate)
{
    certificate_ref(certificate);
}

static void release(void *certificate)
{
    certificate_free(&(struct certificate *){certificate});
}

struct cache *certificate_cache_new(size_t entries)
{
    static const struct cache_kind kind = {bytes_of, hold, release};
    return cache_new(entries, &kind);
}

typedef bool parse(struct certificate **out, struct slice der, struct error *err);

static bool find_or_parse(struct certificate **out, struct cache *cache, struct slice der,
                          parse *parse_new, struct error *err)
{
    /* Larger ones are refused, and not looked through before. */
    struct certificate *certificate =
        der.size <= CERTIFICATE_SIZE_MAX ? cache_find(cache, der) : NULL;
    if (certificate == NULL) {
        /* Outside any lock: two threads may parse the same one, and the first to finish wins. */
        if (!parse_new(&certificate, der, err))
            return false;
        certificate = cache_keep(cache, certificate);
    }
    *out = certificate;
    return true;
}

bool certificate_cache_parse(struct certificate **out, struct cache *cache, struct slice der,
                             struct error *err)
{
    return find_or_parse(out, cache, der, certificate_parse, err);
}

bool certificate_cache_parse_endorsement(struct certificate **out, struct cache *cache,
                                         struct slice der, struct error *err)
{
    return find_or_parse(out, cache, der, certificate_parse_endorsement, err);
}
