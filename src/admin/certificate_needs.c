/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/certificate_needs.h"

#include <inttypes.h>
#include <stdlib.h>

#include "admin/errors.h"
#include "base/memory.h"

#define DAY_SECONDS 86400

void certificate_needs_load(struct certificate_needs *out, const struct certificate_list *list,
                            const struct admin_services *services, int64_t days)
{
    *out = (struct certificate_needs){.now = clock_now(services->clock), .count = list->count};
    out->lately = out->now - days * DAY_SECONDS;
    out->items = memory_allocate_zero(list->count, sizeof *out->items);
    for (size_t i = 0; i < list->count; i++) {
        const struct keyprotection_certificate *it = &list->items[i].certificate;
        out->items[i].key.type = it->type;
        out->items[i].enabled = it->enabled;
        memcpy(out->items[i].key.id, it->key_id, sizeof it->key_id);
    }
    keyprotection_usage(services->keyprotection, out->items, out->count, out->lately, &out->totals);
}

void certificate_needs_done(struct certificate_needs *needs)
{
    free(needs->items);
    *needs = (struct certificate_needs){0};
}

const char *certificate_needs_verdict(const struct certificate_needs *needs,
                                      const struct certificate_list *list, size_t index)
{
    const struct usage_certificate *it = &needs->items[index];
    if (list->items[index].certificate.primary)
        return "primary";
    if (it->only.lately > 0)
        return "needed";
    if (needs->totals.since > needs->lately)
        return "counting";
    return it->only.count > 0 ? "idle" : "unneeded";
}

static void write_time(struct json_writer *writer, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    json_write_text(writer, name, time != 0 ? clock_format(time, text) : NULL);
}

static void write_figures(struct json_writer *writer, const char *name,
                          const struct usage_figures *figures)
{
    json_write_object(writer, name);
    json_write_integer(writer, "protectors", (int64_t)figures->count);
    json_write_integer(writer, "lately", (int64_t)figures->lately);
    write_time(writer, "last_seen", figures->newest);
    write_time(writer, "oldest_seen", figures->oldest);
    json_write_object_end(writer);
}

void certificate_needs_write(struct json_writer *writer, const struct certificate_needs *needs,
                             const struct certificate_list *list, size_t index)
{
    const struct keyprotection_certificate *it = &list->items[index].certificate;
    const struct certificate_facts *facts = certificate_facts(it->certificate);
    json_write_object(writer, NULL);
    json_write_text(writer, "type", keyprotection_certificate_type_name(it->type));
    json_write_hex(writer, "thumbprint", slice_of(facts->thumbprint, sizeof facts->thumbprint));
    json_write_text(writer, "subject", facts->subject_text);
    json_write_bool(writer, "primary", it->primary);
    json_write_bool(writer, "enabled", it->enabled);
    write_figures(writer, "only", &needs->items[index].only);
    write_figures(writer, "also", &needs->items[index].also);
    json_write_text(writer, "verdict", certificate_needs_verdict(needs, list, index));
    json_write_object_end(writer);
}

bool certificate_needs_check(const struct certificate_needs *needs,
                             const struct certificate_list *list, size_t index, struct error *err)
{
    char newest[CLOCK_TEXT_SIZE];
    const struct usage_figures *only = &needs->items[index].only;
    if (only->count == 0)
        return true;
    return error_set(err, &admin_certificate_needed, NULL, list->items[index].record_key,
                     "%" PRIu64 " key protector%s can be opened with no other %s certificate, "
                     "%" PRIu64 " of them came in the last %" PRId64 " days, the last one at %s",
                     only->count, only->count == 1 ? "" : "s",
                     keyprotection_certificate_type_name(list->items[index].certificate.type),
                     only->lately, (needs->now - needs->lately) / DAY_SECONDS,
                     clock_format(only->newest, newest));
}
