/* SPDX-License-Identifier: Apache-2.0 */

/* Whom the administrator trusts to certify endorsement keys. */

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/thumbprint.h"
#include "attestation/tpm_root.h"
#include "base/memory.h"

/* The certificates of one request, which become one commit. */
struct addition {
    const struct admin_request *request;
    struct json_writer *result;
    struct store_change changes[STORE_CHANGES_MAX];
    char keys[STORE_CHANGES_MAX][ATTESTATION_THUMBPRINT_SIZE];
    struct buf values[STORE_CHANGES_MAX];
    size_t count;
    struct buf after; /* for the audit trail: {thumbprint, subject, intermediate} of each */
    struct json_writer after_writer;
};

static void addition_done(struct addition *addition)
{
    for (size_t i = 0; i < STORE_CHANGES_MAX; i++)
        buf_done(&addition->values[i]);
    buf_done(&addition->after);
}

static void write_root(struct json_writer *writer, const char *thumbprint,
                       const struct certificate *certificate, bool intermediate)
{
    json_write_text(writer, "thumbprint", thumbprint);
    json_write_text(writer, "subject", certificate_facts(certificate)->subject_text);
    json_write_bool(writer, "intermediate", intermediate);
}

/* Whether the certificate is there in this role already; *revision of what is there. */
static bool is_there(bool *same, int64_t *revision, const struct addition *addition,
                     const char *thumbprint, bool intermediate, struct error *err)
{
    bool was = false;
    _cleanup_buf_ struct buf value, der;
    buf_init(&value, STORE_VALUE_MAX);
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    *same = false;
    *revision = STORE_ABSENT;
    for (size_t i = 0; i < addition->count; i++)
        *same = *same || strcmp(addition->keys[i], thumbprint) == 0;
    if (*same)
        return true;
    if (!store_get(addition->request->services->store, STORE_TPM_ROOT, thumbprint, &value, revision,
                   err))
        return error_kind(err) == ERROR_NOT_FOUND;
    *same = attestation_tpm_root_parse(&der, &was, buf_slice(&value), err) && was == intermediate;
    return true; /* a damaged one is written anew */
}

static bool add_good(struct addition *addition, const struct certificate *certificate,
                     bool intermediate, struct error *err)
{
    bool same;
    int64_t revision;
    char thumbprint[ATTESTATION_THUMBPRINT_SIZE];
    size_t place = addition->count;
    struct buf *value = &addition->values[place];
    buf_reset(value);
    if (!attestation_tpm_root_format(value, thumbprint, certificate_der(certificate), intermediate,
                                     clock_now(addition->request->services->clock),
                                     addition->request->caller->name, err) ||
        !is_there(&same, &revision, addition, thumbprint, intermediate, err))
        return false;
    json_write_object(addition->result, NULL);
    write_root(addition->result, thumbprint, certificate, intermediate);
    json_write_text(addition->result, "outcome",
                    same ? "same" : (revision == STORE_ABSENT ? "added" : "changed"));
    json_write_object_end(addition->result);
    if (same)
        return true;
    json_write_object(&addition->after_writer, NULL);
    write_root(&addition->after_writer, thumbprint, certificate, intermediate);
    json_write_object_end(&addition->after_writer);
    memcpy(addition->keys[place], thumbprint, sizeof thumbprint);
    addition->changes[place] = (struct store_change){.kind = STORE_TPM_ROOT,
                                                     .key = addition->keys[place],
                                                     .value = buf_slice(value),
                                                     .expected = revision};
    addition->count++;
    return true;
}

/* A certificate that cannot be trusted is told with its reason, and is no failure of the rest. */
static bool add_one(struct addition *addition, const struct json *item, struct error *err)
{
    bool intermediate;
    struct error refusal;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    if (!json_get_bytes(&der, item, "certificate", err) ||
        !json_get_bool(&intermediate, item, "intermediate", err))
        return false;
    if (tpm_trust_check(&certificate, buf_slice(&der), intermediate, &refusal))
        return add_good(addition, certificate, intermediate, err);
    json_write_object(addition->result, NULL);
    json_write_text(addition->result, "outcome", "refused");
    json_write_bool(addition->result, "intermediate", intermediate);
    json_write_error(addition->result, "error", &refusal);
    json_write_object_end(addition->result);
    return true;
}

static bool add_all(struct addition *addition, const struct json *list, struct error *err)
{
    size_t seen = 0;
    for (const struct json *it = json_first(list); it != NULL; it = json_next(it)) {
        if (seen++ == STORE_CHANGES_MAX)
            return error_set(err, &admin_argument, NULL, "certificates",
                             "one request adds at most %d", STORE_CHANGES_MAX);
        if (!add_one(addition, it, err))
            return false;
    }
    return true;
}

static bool commit(struct addition *addition, struct error *err)
{
    json_write_array_end(&addition->after_writer);
    struct admin_change change = {"tpm-root.added",  "TPM roots",
                                  SLICE_EMPTY,       buf_slice(&addition->after),
                                  addition->changes, addition->count};
    return addition->count == 0 || admin_change_commit(addition->request, &change, err);
}

bool operation_tpm_root_add(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    const struct json *list;
    int64_t there;
    if (!json_get_array(&list, request->arguments, "certificates", err) ||
        !store_count(request->services->store, STORE_TPM_ROOT, &there, err))
        return false;
    if (there > TPM_TRUST_CERTIFICATES_MAX - STORE_CHANGES_MAX)
        return error_set(err, &admin_argument, NULL, "certificates",
                         "there are %lld already: remove those that no host needs",
                         (long long)there);
    struct addition *addition = memory_allocate_zero(1, sizeof *addition);
    addition->request = request;
    addition->result = result;
    for (size_t i = 0; i < STORE_CHANGES_MAX; i++)
        buf_init(&addition->values[i], ATTESTATION_TPM_ROOT_VALUE_MAX);
    buf_init(&addition->after, STORE_VALUE_MAX);
    json_writer_init(&addition->after_writer, &addition->after);
    json_write_array(&addition->after_writer, NULL);
    json_write_object(result, NULL);
    json_write_array(result, "certificates");
    bool ok = add_all(addition, list, err) && commit(addition, err);
    json_write_array_end(result);
    json_write_object_end(result);
    addition_done(addition);
    free(addition);
    return ok;
}

struct listing {
    struct json_writer *result;
    const char *pattern; /* of subjects; NULL: all */
};

static void write_listed(struct json_writer *result, const char *thumbprint,
                         const struct json *record)
{
    static const char *const texts[] = {"subject", "not_after", "added", "added_by"};
    bool intermediate = false;
    struct error ignored;
    json_get_bool(&intermediate, record, "intermediate", &ignored);
    json_write_object(result, NULL);
    json_write_text(result, "thumbprint", thumbprint);
    json_write_bool(result, "intermediate", intermediate);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct json *text = json_get(record, texts[i]);
        json_write_text(result, texts[i],
                        text != NULL && json_is_text(text) ? json_text(text) : "");
    }
    json_write_object_end(result);
}

static bool list_one(void *context, const struct store_record *record, struct error *err)
{
    const struct listing *listing = context;
    struct error damaged;
    const char *subject = "";
    _cleanup_json_ struct json *root = NULL;
    (void)err;
    if (!json_parse(&root, record->value, &damaged)) {
        json_write_object(listing->result, NULL);
        json_write_text(listing->result, "thumbprint", record->key);
        json_write_error(listing->result, "error", &damaged);
        json_write_object_end(listing->result);
        return true;
    }
    if (listing->pattern == NULL || (json_get_text(&subject, root, "subject", &damaged) &&
                                     fnmatch(listing->pattern, subject, 0) == 0))
        write_listed(listing->result, record->key, root);
    return true;
}

bool operation_tpm_root_list(struct admin_request *request, struct json_writer *result,
                             struct error *err)
{
    struct listing listing = {result, NULL};
    if (!json_get_text_or(&listing.pattern, request->arguments, "pattern", NULL, err))
        return false;
    json_write_object(result, NULL);
    json_write_array(result, "roots");
    bool ok = store_list(request->services->store, STORE_TPM_ROOT, NULL, 0, list_one, &listing,
                         NULL, err);
    json_write_array_end(result);
    json_write_object_end(result);
    return ok;
}

/* Looks for the one record that a thumbprint names. */
struct search {
    struct thumbprint thumbprint;
    char key[ATTESTATION_THUMBPRINT_SIZE];
    int64_t revision;
    struct buf value;
    size_t found;
};

/* By the key alone when it is the SHA-256, so that a damaged record can be removed. */
static bool matches(const struct search *search, const struct store_record *record)
{
    bool intermediate;
    struct error ignored;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    const char *digits = search->thumbprint.digits;
    if (strncmp(record->key, digits, strlen(digits)) == 0)
        return true;
    return strlen(digits) == 40 && /* SHA-1, as Windows shows it */
           attestation_tpm_root_parse(&der, &intermediate, record->value, &ignored) &&
           certificate_parse_endorsement(&certificate, buf_slice(&der), &ignored) &&
           thumbprint_matches(&search->thumbprint, certificate);
}

static bool find_one(void *context, const struct store_record *record, struct error *err)
{
    struct search *search = context;
    (void)err;
    if (!matches(search, record))
        return true;
    search->found++;
    search->revision = record->revision;
    snprintf(search->key, sizeof search->key, "%s", record->key);
    buf_reset(&search->value);
    buf_append(&search->value, record->value);
    return true;
}

static bool find(struct search *search, const struct admin_request *request, struct error *err)
{
    const char *text;
    if (!json_get_text(&text, request->arguments, "thumbprint", err) ||
        !thumbprint_parse(&search->thumbprint, text, err) ||
        !store_list(request->services->store, STORE_TPM_ROOT, NULL, 0, find_one, search, NULL, err))
        return false;
    if (search->found > 1)
        return error_set(err, &admin_argument, NULL, text, "%zu TPM roots begin with this",
                         search->found);
    return search->found == 1 ||
           error_set(err, &admin_not_found, NULL, text, "no TPM root has this thumbprint");
}

bool operation_tpm_root_remove(struct admin_request *request, struct json_writer *result,
                               struct error *err)
{
    struct search search = {.found = 0};
    struct error damaged;
    _cleanup_json_ struct json *root = NULL;
    buf_init(&search.value, STORE_VALUE_MAX);
    bool ok = find(&search, request, err);
    if (ok) {
        bool readable = json_parse(&root, buf_slice(&search.value), &damaged);
        _cleanup_free_ char *object = memory_format("TPM root %s", search.key);
        struct store_change remove = {
            .kind = STORE_TPM_ROOT, .key = search.key, .remove = true, .expected = search.revision};
        struct admin_change change = {
            "tpm-root.removed", object,  readable ? buf_slice(&search.value) : SLICE_EMPTY,
            SLICE_EMPTY,        &remove, 1};
        ok = admin_change_commit(request, &change, err);
        if (ok)
            write_listed(result, search.key, root);
    }
    buf_done(&search.value);
    return ok;
}
