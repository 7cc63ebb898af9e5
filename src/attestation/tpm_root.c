/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_root.h"

#include "attestation/errors.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/memory.h"

#include <stdlib.h>

/* Endorsement certificates that a node remembers; about 4 KiB each. */
#define CACHED_CERTIFICATES 8192

struct root {
    struct buf der;
    bool intermediate;
};

struct attestation_tpm_roots {
    struct map *roots; /* thumbprint -> struct root */
};

bool attestation_tpm_root_format(struct buf *out, char key[ATTESTATION_THUMBPRINT_SIZE],
                                 struct slice der, bool intermediate, int64_t added,
                                 const char *added_by, struct error *err)
{
    char time[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!tpm_trust_check(&certificate, der, intermediate, err))
        return false;
    const struct certificate_facts *facts = certificate_facts(certificate);
    hex_format(slice_of(facts->thumbprint, sizeof facts->thumbprint), key);
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_base64(&writer, "certificate", der);
    json_write_bool(&writer, "intermediate", intermediate);
    json_write_text(&writer, "subject", facts->subject_text);
    json_write_text(&writer, "not_after", clock_format(facts->not_after, time));
    json_write_text(&writer, "added", clock_format(added, time));
    json_write_text(&writer, "added_by", added_by);
    json_write_object_end(&writer);
    return true;
}

bool attestation_tpm_root_parse(struct buf *der, bool *intermediate, struct slice value,
                                struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    if (!json_parse(&record, value, err) || !json_get_bytes(der, record, "certificate", err) ||
        !json_get_bool(intermediate, record, "intermediate", err))
        return false;
    return !der->overflow || error_set(err, &attestation_tpm_root_malformed, NULL, "certificate",
                                       "it is larger than any certificate");
}

static void free_root(void *value)
{
    struct root *root = value;
    buf_done(&root->der);
    free(root);
}

struct attestation_tpm_roots *attestation_tpm_roots_new(void)
{
    struct attestation_tpm_roots *roots = memory_allocate_zero(1, sizeof *roots);
    roots->roots = map_new(free_root);
    return roots;
}

void attestation_tpm_roots_free(struct attestation_tpm_roots **roots)
{
    struct attestation_tpm_roots *gone = memory_steal(roots);
    if (gone == NULL)
        return;
    map_free(gone->roots);
    free(gone);
}

bool attestation_tpm_roots_put(struct attestation_tpm_roots *roots, const char *key,
                               struct slice value, struct error *problem)
{
    struct root *root = memory_allocate_zero(1, sizeof *root);
    buf_init(&root->der, CERTIFICATE_SIZE_MAX);
    if (!attestation_tpm_root_parse(&root->der, &root->intermediate, value, problem)) {
        free_root(root);
        attestation_tpm_roots_remove(roots, key);
        return false;
    }
    map_put(roots->roots, slice_from_text(key), root);
    return true;
}

void attestation_tpm_roots_remove(struct attestation_tpm_roots *roots, const char *key)
{
    map_remove(roots->roots, slice_from_text(key));
}

struct tpm_trust *attestation_tpm_roots_build(const struct attestation_tpm_roots *roots)
{
    size_t count = 0, position = 0;
    struct slice key;
    void *value;
    struct tpm_trusted_certificate *certificates =
        memory_allocate_zero(map_count(roots->roots) + 1, sizeof *certificates);
    while (map_next(roots->roots, &position, &key, &value)) {
        const struct root *root = value;
        certificates[count++] =
            (struct tpm_trusted_certificate){buf_slice(&root->der), root->intermediate};
    }
    struct tpm_trust *trust = tpm_trust_new(certificates, count, CACHED_CERTIFICATES, NULL);
    free(certificates);
    return trust;
}
