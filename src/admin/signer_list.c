/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/signer_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/errors.h"
#include "admin/thumbprint.h"
#include "base/clock.h"
#include "base/memory.h"
#include "keyprotection/snapshot.h"

static void append(struct signer_list *list, const struct signer_list_item *item)
{
    list->items = memory_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = *item;
}

static bool add_own(void *context, const struct store_record *record, struct error *err)
{
    struct signer_list_item item = {.own = true, .revision = record->revision};
    if (!attestation_signer_parse(&item.attestation, record->key, record->value, record->revision,
                                  err))
        return false;
    snprintf(item.thumbprint, sizeof item.thumbprint, "%s", record->key);
    append(context, &item);
    return true;
}

static bool add_trusted(void *context, const struct store_record *record, struct error *err)
{
    struct signer_list *list = context;
    struct signer_list_item item = {.revision = record->revision};
    if (strcmp(record->key, KEYPROTECTION_ALL_SIGNERS) == 0) {
        list->deny_all_revision = record->revision;
        return keyprotection_deny_all_parse(&list->deny_all_before, record->value, err);
    }
    if (!keyprotection_trusted_signer_parse(&item.trusted, record->key, record->value, err)) {
        keyprotection_trusted_signer_done(&item.trusted);
        return false;
    }
    snprintf(item.thumbprint, sizeof item.thumbprint, "%s", record->key);
    append(list, &item);
    return true;
}

bool signer_list_load(struct signer_list *out, struct store *store, struct error *err)
{
    *out = (struct signer_list){.deny_all_revision = STORE_ABSENT};
    return store_list(store, STORE_ATTESTATION_SIGNER, NULL, 0, add_own, out, NULL, err) &&
           store_list(store, STORE_TRUSTED_SIGNER, NULL, 0, add_trusted, out, NULL, err);
}

void signer_list_done(struct signer_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        attestation_signer_done(&list->items[i].attestation);
        keyprotection_trusted_signer_done(&list->items[i].trusted);
    }
    free(list->items);
    *list = (struct signer_list){0};
}

struct certificate *signer_list_certificate(const struct signer_list_item *item)
{
    return item->own ? item->attestation.certificate : item->trusted.certificate;
}

struct signer_list_item *signer_list_get(const struct signer_list *list,
                                         const struct certificate *certificate)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_equal(certificate_der(signer_list_certificate(&list->items[i])),
                        certificate_der(certificate)))
            return &list->items[i];
    return NULL;
}

struct signer_list_item *signer_list_find(const struct signer_list *list, const char *text,
                                          struct error *err)
{
    struct thumbprint thumbprint;
    struct signer_list_item *found = NULL;
    if (!thumbprint_parse(&thumbprint, text, err))
        return NULL;
    for (size_t i = 0; i < list->count; i++) {
        if (!thumbprint_matches(&thumbprint, signer_list_certificate(&list->items[i])))
            continue;
        if (found != NULL) {
            error_set(err, &admin_argument, NULL, text, "several signers begin with this");
            return NULL;
        }
        found = &list->items[i];
    }
    if (found == NULL)
        error_set(err, &admin_not_found, NULL, text,
                  "no attestation signer that is trusted here has this thumbprint");
    return found;
}

void signer_list_format(struct buf *out, const struct signer_list_item *item)
{
    if (item->own)
        attestation_signer_format(out, &item->attestation);
    else
        keyprotection_trusted_signer_format(out, &item->trusted);
}

static void write_time(struct json_writer *writer, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    json_write_text(writer, name, clock_format(time, text));
}

void signer_list_write_trusted(struct json_writer *writer, const struct signer_list *list)
{
    json_write_array(writer, "trusted");
    for (size_t i = 0; i < list->count; i++) {
        const struct keyprotection_trusted_signer *it = &list->items[i].trusted;
        if (list->items[i].own)
            continue;
        const struct certificate_facts *facts = certificate_facts(it->certificate);
        json_write_object(writer, NULL);
        json_write_text(writer, "thumbprint", list->items[i].thumbprint);
        json_write_text(writer, "subject", facts->subject_text);
        write_time(writer, "not_before", facts->not_before);
        write_time(writer, "not_after", facts->not_after);
        write_time(writer, "added", it->added);
        json_write_text(writer, "added_by", it->added_by);
        if (it->deny_before != 0)
            write_time(writer, "deny_before", it->deny_before);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}
