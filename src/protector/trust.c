/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/trust.h"

#include "base/file.h"
#include "base/memory.h"
#include "protector/errors.h"

#include <stdlib.h>

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"
#define ANCHORS_MAX 2000

struct trust {
    struct certificate **anchors;
    size_t count;
};

/* The next PEM block of *rest, which moves behind it; empty at the end. */
static struct slice next_block(struct slice *rest)
{
    if (rest->size == 0)
        return SLICE_EMPTY;
    const uint8_t *begin = memmem(rest->data, rest->size, PEM_BEGIN, sizeof PEM_BEGIN - 1);
    if (!begin)
        return SLICE_EMPTY;
    size_t left = rest->size - (size_t)(begin - rest->data);
    const uint8_t *end = memmem(begin, left, PEM_END, sizeof PEM_END - 1);
    if (!end)
        return SLICE_EMPTY;
    size_t size = (size_t)(end - begin) + sizeof PEM_END - 1;
    *rest = slice_of(begin + size, left - size);
    return slice_of(begin, size);
}

bool trust_load(struct trust **out, const char *path, struct error *err)
{
    _cleanup_buf_ struct buf file;
    buf_init(&file, TRUST_FILE_MAX);
    if (!file_read(&file, path, err))
        return false;
    struct trust *trust = memory_allocate_zero(1, sizeof *trust);
    trust->anchors = memory_allocate_zero(ANCHORS_MAX, sizeof *trust->anchors);
    struct slice rest = buf_slice(&file);
    struct slice block;
    while ((block = next_block(&rest)).size > 0 && trust->count < ANCHORS_MAX) {
        if (certificate_parse_file(&trust->anchors[trust->count], block, NULL))
            trust->count++;
    }
    *out = trust;
    return true;
}

void trust_free(struct trust **trust)
{
    if (!*trust)
        return;
    for (size_t i = 0; i < (*trust)->count; i++)
        certificate_free(&(*trust)->anchors[i]);
    free((*trust)->anchors);
    free(*trust);
    *trust = NULL;
}

/* Whether anchor may have issued certificate, and did. */
static bool vouches(const struct certificate *anchor, const struct certificate *certificate,
                    int64_t now, bool allow_expired)
{
    const struct certificate_facts *facts = certificate_facts(anchor);
    if (slice_equal(facts->der, certificate_der(certificate)))
        return true;
    if (!slice_equal(facts->subject, certificate_facts(certificate)->issuer))
        return false;
    bool authority = facts->is_authority && !facts->unknown_critical &&
                     (!facts->has_usage || (facts->usage & CERTIFICATE_KEY_CERT_SIGN));
    bool valid = allow_expired || (facts->not_before <= now && now <= facts->not_after);
    return authority && valid && certificate_verify_issued(certificate, anchor, NULL);
}

bool trust_check(const struct trust *trust, const struct certificate *certificate, int64_t now,
                 bool allow_expired, struct error *err)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (vouches(trust->anchors[i], certificate, now, allow_expired))
            return true;
    }
    const struct certificate_facts *facts = certificate_facts(certificate);
    return error_set(err, &metadata_untrusted_root, NULL, facts->subject_text,
                     "no authority that this machine trusts issued it (issuer: %s); compare its "
                     "thumbprint with the administrator's, then use --allow-untrusted-root",
                     facts->issuer_text);
}
