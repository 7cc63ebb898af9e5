/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "admin/signer_list.h"
#include "base/base64.h"
#include "base/hex.h"
#include "base/memory.h"
#include "keyprotection/snapshot.h"

/* What one `signer trust` takes: a service's list of signing certificates has a handful. */
#define TRUST_MAX 64
#define SIGNER_VALUE_MAX (2 * CERTIFICATE_SIZE_MAX)

static const char *object_of(char text[96], const char *thumbprint)
{
    snprintf(text, 96, "attestation signer %s", thumbprint);
    return text;
}

/* The certificates of one request, and the change that each one is. */
struct trust {
    size_t count;
    struct trusted {
        struct keyprotection_trusted_signer signer;
        char key[KEYPROTECTION_THUMBPRINT_SIZE];
        const char *outcome;
    } items[TRUST_MAX];
};

static void trust_free(struct trust **trust)
{
    for (size_t i = 0; i < (*trust)->count; i++)
        keyprotection_trusted_signer_done(&(*trust)->items[i].signer);
    free(*trust);
}

static bool read_certificate(struct certificate **out, const struct json *text, struct error *err)
{
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    if (!json_is_text(text))
        return error_set(err, &admin_argument, NULL, "certificates", "one of them is no text");
    return base64_parse(&der, slice_from_text(json_text(text)), err) &&
           certificate_parse(out, buf_slice(&der), err);
}

static const char *outcome_of(const struct trust *trust, const struct signer_list *list,
                              const struct trusted *item)
{
    const struct signer_list_item *known = signer_list_get(list, item->signer.certificate);
    if (known != NULL)
        return known->own ? "own" : "same";
    for (size_t i = 0; i < trust->count; i++)
        if (strcmp(trust->items[i].key, item->key) == 0)
            return "same";
    return "added";
}

static bool read_one(struct trust *trust, const struct signer_list *list, const struct json *text,
                     const struct admin_request *request, struct error *err)
{
    if (trust->count == TRUST_MAX)
        return error_set(err, &admin_argument, NULL, "certificates", "there are more than %d",
                         TRUST_MAX);
    struct trusted *item = &trust->items[trust->count];
    item->signer.added = clock_now(request->services->clock);
    snprintf(item->signer.added_by, sizeof item->signer.added_by, "%s", request->caller->name);
    if (!read_certificate(&item->signer.certificate, text, err))
        return false;
    keyprotection_trusted_signer_key(item->signer.certificate, item->key);
    item->outcome = outcome_of(trust, list, item);
    trust->count++; /* from here on its certificate is freed with the rest */
    return keyprotection_trusted_signer_check(item->signer.certificate, item->signer.added, err);
}

static bool commit_one(const struct admin_request *request, const struct trusted *item,
                       struct error *err)
{
    char object[96];
    _cleanup_buf_ struct buf value;
    buf_init(&value, SIGNER_VALUE_MAX);
    keyprotection_trusted_signer_format(&value, &item->signer);
    struct store_change put = {.kind = STORE_TRUSTED_SIGNER,
                               .key = item->key,
                               .value = buf_slice(&value),
                               .expected = STORE_ABSENT};
    struct admin_change change = {
        "signer.trusted", object_of(object, item->key), SLICE_EMPTY, buf_slice(&value), &put, 1};
    return admin_change_commit(request, &change, err);
}

static void write_outcomes(struct json_writer *result, const struct trust *trust)
{
    json_write_object(result, NULL);
    json_write_array(result, "signers");
    for (size_t i = 0; i < trust->count; i++) {
        const struct trusted *item = &trust->items[i];
        json_write_object(result, NULL);
        json_write_text(result, "thumbprint", item->key);
        json_write_text(result, "subject",
                        certificate_facts(item->signer.certificate)->subject_text);
        json_write_text(result, "outcome", item->outcome);
        json_write_object_end(result);
    }
    json_write_array_end(result);
    json_write_object_end(result);
}

bool operation_signer_trust(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    const struct json *certificates;
    _cleanup_signer_list_ struct signer_list list = {0};
    __attribute__((cleanup(trust_free))) struct trust *trust =
        memory_allocate_zero(1, sizeof *trust);
    if (!json_get_array(&certificates, request->arguments, "certificates", err) ||
        !signer_list_load(&list, request->services->store, err))
        return false;
    for (const struct json *it = json_first(certificates); it != NULL; it = json_next(it))
        if (!read_one(trust, &list, it, request, err))
            return false;
    for (size_t i = 0; i < trust->count; i++)
        if (strcmp(trust->items[i].outcome, "added") == 0 &&
            !commit_one(request, &trust->items[i], err))
            return false;
    write_outcomes(result, trust);
    return true;
}

/* One of this service's own, with its key. Another that is published signs in its place; where
 * there is none, one is made, which signs at once. */
static bool remove_own(const struct admin_request *request, const struct admin_change *change,
                       const uint8_t *key_id, struct error *err)
{
    int64_t due;
    struct error later;
    if (!admin_change_commit(request, change, err))
        return false;
    if (request->dry_run)
        return true;
    /* What fails here is done by the schedule a moment later: the signer is gone in any case. */
    keyholder_forget(request->services->keyholder, key_id, NULL);
    attestation_tick(request->services->attestation, &due, &later);
    return true;
}

static bool distrust(const struct admin_request *request, const struct signer_list_item *item,
                     struct error *err)
{
    char object[96], key_name[2 * KEY_ID_SIZE + 1] = "";
    _cleanup_buf_ struct buf before;
    buf_init(&before, SIGNER_VALUE_MAX);
    signer_list_format(&before, item);
    if (item->own)
        hex_format(slice_of(item->attestation.key_id, KEY_ID_SIZE), key_name);
    struct store_change removals[] = {
        {.kind = item->own ? STORE_ATTESTATION_SIGNER : STORE_TRUSTED_SIGNER,
         .key = item->thumbprint,
         .remove = true,
         .expected = item->revision},
        {.kind = STORE_KEY, .key = key_name, .remove = true, .expected = STORE_ANY},
    };
    struct admin_change change = {"signer.distrusted",
                                  object_of(object, item->thumbprint),
                                  buf_slice(&before),
                                  SLICE_EMPTY,
                                  removals,
                                  item->own ? 2 : 1};
    return item->own ? remove_own(request, &change, item->attestation.key_id, err)
                     : admin_change_commit(request, &change, err);
}

bool operation_signer_distrust(struct admin_request *request, struct json_writer *result,
                               struct error *err)
{
    const char *text;
    _cleanup_signer_list_ struct signer_list list = {0};
    if (!json_get_text(&text, request->arguments, "thumbprint", err) ||
        !signer_list_load(&list, request->services->store, err))
        return false;
    const struct signer_list_item *item = signer_list_find(&list, text, err);
    if (item == NULL || !distrust(request, item, err))
        return false;
    json_write_object(result, NULL);
    json_write_text(result, "thumbprint", item->thumbprint);
    json_write_text(result, "subject",
                    certificate_facts(signer_list_certificate(item))->subject_text);
    json_write_bool(result, "own", item->own);
    json_write_object_end(result);
    return true;
}

static bool deny_one(const struct admin_request *request, struct signer_list_item *item,
                     int64_t time, struct error *err)
{
    char object[96];
    _cleanup_buf_ struct buf before, after;
    buf_init(&before, SIGNER_VALUE_MAX);
    buf_init(&after, SIGNER_VALUE_MAX);
    signer_list_format(&before, item);
    if (item->own)
        item->attestation.deny_before = time;
    else
        item->trusted.deny_before = time;
    signer_list_format(&after, item);
    struct store_change put = {.kind = item->own ? STORE_ATTESTATION_SIGNER : STORE_TRUSTED_SIGNER,
                               .key = item->thumbprint,
                               .value = buf_slice(&after),
                               .expected = item->revision};
    struct admin_change change = {"signer.denied",
                                  object_of(object, item->thumbprint),
                                  buf_slice(&before),
                                  buf_slice(&after),
                                  &put,
                                  1};
    return admin_change_commit(request, &change, err);
}

static bool deny_all(const struct admin_request *request, const struct signer_list *list,
                     int64_t time, struct error *err)
{
    _cleanup_buf_ struct buf before, after;
    buf_init(&before, 128);
    buf_init(&after, 128);
    if (list->deny_all_revision != STORE_ABSENT)
        keyprotection_deny_all_format(&before, list->deny_all_before);
    if (time != 0)
        keyprotection_deny_all_format(&after, time);
    struct store_change put = {.kind = STORE_TRUSTED_SIGNER,
                               .key = KEYPROTECTION_ALL_SIGNERS,
                               .remove = time == 0,
                               .value = buf_slice(&after),
                               .expected = list->deny_all_revision};
    struct admin_change change = {
        "signer.denied", "all attestation signers", buf_slice(&before), buf_slice(&after), &put, 1};
    bool nothing_to_lift = time == 0 && list->deny_all_revision == STORE_ABSENT;
    return nothing_to_lift || admin_change_commit(request, &change, err);
}

#define AHEAD_SECONDS 60 /* of clocks that are a little apart */

/* Argument "time": seconds since 1970; 0 lifts what was denied. */
bool operation_signer_deny_before(struct admin_request *request, struct json_writer *result,
                                  struct error *err)
{
    int64_t time;
    const char *text;
    char shown[CLOCK_TEXT_SIZE];
    _cleanup_signer_list_ struct signer_list list = {0};
    if (!json_get_integer(&time, request->arguments, "time", err) ||
        !json_get_text_or(&text, request->arguments, "thumbprint", NULL, err) ||
        !signer_list_load(&list, request->services->store, err))
        return false;
    if (time < 0 || time > clock_now(request->services->clock) + 366 * 86400LL)
        return error_set(err, &admin_argument, NULL, "time",
                         "it is before 1970, or more than a year ahead");
    struct signer_list_item *item = NULL;
    if (text != NULL && (item = signer_list_find(&list, text, err)) == NULL)
        return false;
    /* Of another service's signer it may be wanted; of our own it would stop everything. */
    if ((item == NULL || item->own) && time > clock_now(request->services->clock) + AHEAD_SECONDS)
        return error_set(
            err, &admin_argument, NULL, "time",
            "it has not come yet: no host that attests here would get a key until then");
    if (item != NULL ? !deny_one(request, item, time, err) : !deny_all(request, &list, time, err))
        return false;
    json_write_object(result, NULL);
    json_write_text(result, "signer", item != NULL ? item->thumbprint : "all");
    if (time != 0)
        json_write_text(result, "deny_before", clock_format(time, shown));
    json_write_object_end(result);
    return true;
}
