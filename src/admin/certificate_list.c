/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/certificate_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/errors.h"
#include "admin/thumbprint.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/memory.h"

static bool add(void *context, const struct store_record *record, struct error *err)
{
    struct certificate_list *list = context;
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? 2 * list->capacity : 8;
        list->items = memory_resize(list->items, list->capacity, sizeof *list->items);
    }
    struct certificate_list_item *item = &list->items[list->count];
    if (!keyprotection_certificate_parse(&item->certificate, record->key, record->value, err))
        return false;
    snprintf(item->record_key, sizeof item->record_key, "%s", record->key);
    item->revision = record->revision;
    list->count++;
    return true;
}

bool certificate_list_load(struct certificate_list *out, struct store *store, struct error *err)
{
    *out = (struct certificate_list){0};
    return store_list(store, STORE_CERTIFICATE, NULL, 0, add, out, NULL, err);
}

void certificate_list_done(struct certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        keyprotection_certificate_done(&list->items[i].certificate);
    free(list->items);
    *list = (struct certificate_list){0};
}

static bool is_same(const struct certificate_list_item *a, const struct certificate_list_item *b)
{
    return slice_equal(certificate_der(a->certificate.certificate),
                       certificate_der(b->certificate.certificate));
}

struct certificate_list_item *certificate_list_find(struct certificate_list *list, const char *text,
                                                    const enum keyprotection_certificate_type *type,
                                                    struct error *err)
{
    struct certificate_list_item *found = NULL;
    struct thumbprint thumbprint;
    if (!thumbprint_parse(&thumbprint, text, err))
        return NULL;
    for (size_t i = 0; i < list->count; i++) {
        struct certificate_list_item *item = &list->items[i];
        if ((type != NULL && item->certificate.type != *type) ||
            !thumbprint_matches(&thumbprint, item->certificate.certificate))
            continue;
        if (found != NULL && is_same(found, item))
            continue; /* it serves two types */
        if (found != NULL) {
            error_set(err, &admin_argument, NULL, text, "several certificates begin with this");
            return NULL;
        }
        found = item;
    }
    if (found == NULL)
        error_set(err, &admin_not_found, NULL, text, "the service has no such certificate%s%s",
                  type != NULL ? " for " : "",
                  type != NULL ? keyprotection_certificate_type_name(*type) : "");
    return found;
}

void certificate_list_write_members(struct json_writer *writer,
                                    const struct keyprotection_certificate *certificate,
                                    int64_t now)
{
    char time[CLOCK_TEXT_SIZE];
    const struct certificate_facts *facts = certificate_facts(certificate->certificate);
    json_write_text(writer, "type", keyprotection_certificate_type_name(certificate->type));
    json_write_hex(writer, "thumbprint", slice_of(facts->thumbprint, 32));
    json_write_hex(writer, "thumbprint_sha1", slice_of(facts->thumbprint_sha1, 20));
    json_write_text(writer, "subject", facts->subject_text);
    json_write_text(writer, "issuer", facts->issuer_text);
    json_write_text(writer, "not_before", clock_format(facts->not_before, time));
    json_write_text(writer, "not_after", clock_format(facts->not_after, time));
    json_write_bool(writer, "expired", facts->not_after < now);
    json_write_hex(writer, "key_id", slice_of(certificate->key_id, sizeof certificate->key_id));
    json_write_bool(writer, "primary", certificate->primary);
    json_write_bool(writer, "enabled", certificate->enabled);
    json_write_text(writer, "source", keyprotection_certificate_source_name(certificate->source));
    json_write_text(writer, "key_source", keyprotection_key_source_name(certificate->key_source));
    if (certificate->key_source == KEYPROTECTION_KEY_TOKEN)
        json_write_text(writer, "key_uri", certificate->key_uri);
    if (certificate_abilities_known(&certificate->abilities))
        certificate_abilities_write(writer, "abilities", &certificate->abilities);
    json_write_bool(writer, "only_sha1", certificate_abilities_only_sha1(&certificate->abilities));
    json_write_text(writer, "added", clock_format(certificate->added, time));
}

void certificate_list_write(struct json_writer *writer,
                            const struct keyprotection_certificate *certificate, int64_t now)
{
    json_write_object(writer, NULL);
    certificate_list_write_members(writer, certificate, now);
    json_write_object_end(writer);
}
