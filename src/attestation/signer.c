/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signer.h"

#include "attestation/errors.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const use_names[ATTESTATION_SIGNER_USES] = {
    [ATTESTATION_SIGNER_HEALTH] = "health",
    [ATTESTATION_SIGNER_UNPROTECTED] = "unprotected",
};

void attestation_signer_format(struct buf *out, const struct attestation_signer *signer)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_base64(&writer, "certificate", certificate_der(signer->certificate));
    json_write_hex(&writer, "key_id", slice_of(signer->key_id, sizeof signer->key_id));
    json_write_text(&writer, "node", signer->node);
    json_write_text(&writer, "use", use_names[signer->use]);
    json_write_integer(&writer, "publish_at", signer->publish_at);
    json_write_integer(&writer, "active_at", signer->active_at);
    json_write_integer(&writer, "longest_seconds", signer->longest_seconds);
    if (signer->deny_before != 0)
        json_write_integer(&writer, "deny_before", signer->deny_before);
    json_write_object_end(&writer);
}

static bool parse_certificate(struct attestation_signer *signer, const struct json *record,
                              struct error *err)
{
    const char *key_id;
    char expected[2 * KEY_ID_SIZE + 1];
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    if (!json_get_bytes(&der, record, "certificate", err) ||
        !buf_ok(&der, signer->thumbprint, err) || !json_get_text(&key_id, record, "key_id", err) ||
        !certificate_parse(&signer->certificate, buf_slice(&der), err))
        return false;
    const struct certificate_facts *facts = certificate_facts(signer->certificate);
    hex_format(slice_of(facts->thumbprint, sizeof facts->thumbprint), expected);
    if (strcmp(signer->thumbprint, expected) != 0)
        return error_set(err, &attestation_signer_malformed, NULL, signer->thumbprint,
                         "its certificate has the thumbprint %s", expected);
    const uint8_t *id = public_key_digest(certificate_key(signer->certificate));
    hex_format(slice_of(id, KEY_ID_SIZE), expected);
    if (strcmp(key_id, expected) != 0)
        return error_set(err, &attestation_signer_malformed, NULL, signer->thumbprint,
                         "key_id is not the digest of its certificate's key");
    memcpy(signer->key_id, id, KEY_ID_SIZE);
    return true;
}

static bool parse_use(enum attestation_signer_use *out, const struct json *record,
                      const char *object, struct error *err)
{
    const char *word;
    if (!json_get_text_or(&word, record, "use", use_names[ATTESTATION_SIGNER_HEALTH], err))
        return false;
    for (int use = 0; use < ATTESTATION_SIGNER_USES; use++) {
        if (strcmp(word, use_names[use]) == 0) {
            *out = (enum attestation_signer_use)use;
            return true;
        }
    }
    return error_set(err, &attestation_signer_malformed, NULL, object, "its use is unknown");
}

static bool parse_times(struct attestation_signer *signer, const struct json *record,
                        struct error *err)
{
    return json_get_integer(&signer->publish_at, record, "publish_at", err) &&
           json_get_integer(&signer->active_at, record, "active_at", err) &&
           json_get_integer_or(&signer->longest_seconds, record, "longest_seconds", 0, err) &&
           json_get_integer_or(&signer->deny_before, record, "deny_before", 0, err);
}

bool attestation_signer_parse(struct attestation_signer *out, const char *thumbprint,
                              struct slice value, int64_t revision, struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    _cleanup_attestation_signer_ struct attestation_signer signer = {.revision = revision};
    const char *node;
    if (strlen(thumbprint) >= sizeof signer.thumbprint)
        return error_set(err, &attestation_signer_malformed, NULL, thumbprint,
                         "its key is no thumbprint");
    snprintf(signer.thumbprint, sizeof signer.thumbprint, "%s", thumbprint);
    if (!json_parse(&record, value, err) || !json_get_text(&node, record, "node", err) ||
        !parse_use(&signer.use, record, thumbprint, err) || !parse_times(&signer, record, err) ||
        !parse_certificate(&signer, record, err))
        return false;
    if (strlen(node) >= sizeof signer.node)
        return error_set(err, &attestation_signer_malformed, NULL, thumbprint,
                         "the name of its node is too long");
    snprintf(signer.node, sizeof signer.node, "%s", node);
    *out = signer;
    signer.certificate = NULL; /* *out owns it now */
    return true;
}

void attestation_signer_done(struct attestation_signer *signer)
{
    certificate_free(&signer->certificate);
}

static struct attestation_signer *find(const struct attestation_signer_list *list,
                                       const char *thumbprint)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].thumbprint, thumbprint) == 0)
            return &list->items[i];
    }
    return NULL;
}

void attestation_signer_list_put(struct attestation_signer_list *list,
                                 struct attestation_signer *signer)
{
    struct attestation_signer *place = find(list, signer->thumbprint);
    if (place != NULL) {
        attestation_signer_done(place);
    } else {
        list->items = memory_resize(list->items, list->count + 1, sizeof *list->items);
        place = &list->items[list->count++];
    }
    *place = *signer;
    signer->certificate = NULL;
}

void attestation_signer_list_remove(struct attestation_signer_list *list, const char *thumbprint)
{
    struct attestation_signer *place = find(list, thumbprint);
    if (place == NULL)
        return;
    attestation_signer_done(place);
    *place = list->items[--list->count];
}

void attestation_signer_list_copy(struct attestation_signer_list *out,
                                  const struct attestation_signer_list *list)
{
    *out = (struct attestation_signer_list){0};
    if (list->count == 0)
        return;
    out->items = memory_allocate_zero(list->count, sizeof *out->items);
    out->count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        out->items[i] = list->items[i];
        certificate_ref(out->items[i].certificate);
    }
}

void attestation_signer_list_done(struct attestation_signer_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        attestation_signer_done(&list->items[i]);
    free(list->items);
    *list = (struct attestation_signer_list){0};
}

struct loading {
    struct attestation_signer_list *list;
    struct error *problem;
};

static bool load_record(void *context, const struct store_record *record, struct error *err)
{
    (void)err;
    struct loading *loading = context;
    _cleanup_attestation_signer_ struct attestation_signer signer = {0};
    if (attestation_signer_parse(&signer, record->key, record->value, record->revision,
                                 loading->problem))
        attestation_signer_list_put(loading->list, &signer);
    return true;
}

bool attestation_signer_list_load(struct attestation_signer_list *out, struct store *store,
                                  struct error *problem, struct error *err)
{
    _cleanup_attestation_signer_list_ struct attestation_signer_list list = {0};
    struct loading loading = {&list, problem};
    if (!store_list(store, STORE_ATTESTATION_SIGNER, NULL, 0, load_record, &loading, NULL, err))
        return false;
    *out = list;
    list = (struct attestation_signer_list){0};
    return true;
}

static bool issue(struct certificate **out, const struct attestation_signer_plan *plan,
                  struct keyholder *keyholder, const struct public_key *key, struct error *err)
{
    char name[CERTIFICATE_CN_MAX + 1]; /* the name of a node may be longer: it is cut */
    struct keyholder_key reference = {keyholder, key};
    struct signer signer = keyholder_signer(&reference);
    snprintf(name, sizeof name, "HGS Attestation Signer %s", plan->node);
    struct certificate_template template = {
        .subject_cn = name,
        .subject_key = key,
        .not_before = plan->not_before,
        .not_after = plan->not_after,
        .usage = CERTIFICATE_KEY_CERT_SIGN,
        .authority = true,
    };
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    return certificate_issue(&der, &template, &signer, err) &&
           certificate_parse(out, buf_slice(&der), err);
}

static void fill(struct attestation_signer *signer, const struct attestation_signer_plan *plan)
{
    const struct certificate_facts *facts = certificate_facts(signer->certificate);
    hex_format(slice_of(facts->thumbprint, sizeof facts->thumbprint), signer->thumbprint);
    memcpy(signer->key_id, public_key_digest(certificate_key(signer->certificate)), KEY_ID_SIZE);
    snprintf(signer->node, sizeof signer->node, "%s", plan->node);
    signer->use = plan->use;
    signer->publish_at = plan->publish_at;
    signer->active_at = plan->active_at;
    signer->longest_seconds = plan->longest_seconds;
}

bool attestation_signer_create(struct attestation_signer_draft *out,
                               const struct attestation_signer_plan *plan,
                               struct keyholder *keyholder, struct error *err)
{
    enum private_key_kind kind =
        plan->key == ATTESTATION_SIGNER_KEY_P256 ? PRIVATE_KEY_P256 : PRIVATE_KEY_RSA_2048;
    _cleanup_public_key_ struct public_key *key = NULL;
    _cleanup_attestation_signer_draft_ struct attestation_signer_draft draft = {0};
    buf_init(&draft.sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&draft.value, STORE_VALUE_MAX);
    if (!keyholder_generate(keyholder, KEY_PURPOSE_ATTESTATION_SIGNER, kind, &key, &draft.sealed,
                            err) ||
        !keyholder_load(keyholder, buf_slice(&draft.sealed), NULL, err))
        return false;
    if (!issue(&draft.signer.certificate, plan, keyholder, key, err)) {
        /* It is tried again each minute: keys that nobody knows must not fill the keyholder. */
        keyholder_forget(keyholder, public_key_digest(key), NULL);
        return false;
    }
    fill(&draft.signer, plan);
    hex_format(slice_of(draft.signer.key_id, KEY_ID_SIZE), draft.key_name);
    attestation_signer_format(&draft.value, &draft.signer);
    *out = draft;
    draft = (struct attestation_signer_draft){0}; /* *out owns it now */
    return true;
}

void attestation_signer_draft_changes(const struct attestation_signer_draft *draft,
                                      struct store_change changes[2])
{
    changes[0] = (struct store_change){.kind = STORE_KEY,
                                       .key = draft->key_name,
                                       .value = buf_slice(&draft->sealed),
                                       .expected = STORE_ABSENT};
    changes[1] = (struct store_change){.kind = STORE_ATTESTATION_SIGNER,
                                       .key = draft->signer.thumbprint,
                                       .value = buf_slice(&draft->value),
                                       .expected = STORE_ABSENT};
}

void attestation_signer_draft_done(struct attestation_signer_draft *draft)
{
    attestation_signer_done(&draft->signer);
    buf_done(&draft->value);
    buf_done(&draft->sealed);
}
