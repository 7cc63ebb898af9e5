/* SPDX-License-Identifier: Apache-2.0 */
#include "hgs/access.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/memory.h"
#include "base/table.h"

void access_list_done(struct access_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        guardian_done(&list->guardians[i]);
    free(list->guardians);
    *list = (struct access_list){0};
}

bool access_list_load(struct access_list *out, const char *folder,
                      const struct option_values *values, struct error *err)
{
    size_t count = option_count(values, "guardian");
    struct access_list list = {memory_allocate_zero(count, sizeof list.guardians[0]), 0};
    for (; list.count < count; list.count++)
        if (!guardians_load(&list.guardians[list.count], folder,
                            option_item(values, "guardian", list.count), err)) {
            access_list_done(&list);
            return false;
        }
    *out = list;
    return true;
}

bool access_create(struct buf *document, struct secret *transport_key,
                   const struct option_values *values, struct error *err)
{
    _cleanup_free_ char *folder = NULL;
    _cleanup_guardian_ struct guardian owner = {0};
    _cleanup_access_list_ struct access_list list = {0};
    if (!guardians_folder(&folder, values, err) ||
        !guardians_load_own(&owner, folder, option_text(values, "owner"), err) ||
        !access_list_load(&list, folder, values, err))
        return false;
    _cleanup_free_ const struct guardian **pointers =
        memory_allocate_zero(list.count, sizeof pointers[0]);
    for (size_t i = 0; i < list.count; i++)
        pointers[i] = &list.guardians[i];
    return protector_create(document, transport_key, &owner, pointers, list.count, err);
}

bool access_owner(struct guardian *out, const struct protector *protector,
                  const struct option_values *values, struct error *err)
{
    _cleanup_free_ char *folder = NULL;
    return guardians_folder(&folder, values, err) &&
           guardians_find_owner(out, folder, option_text(values, "owner"), protector, err);
}

/* All guardians that are known here; one that does not load is empty. */
struct names {
    char **names;
    struct guardian *guardians;
    size_t count;
};

static void load_names(struct names *out, const struct option_values *values)
{
    _cleanup_free_ char *folder = NULL;
    *out = (struct names){0};
    if (!guardians_folder(&folder, values, NULL) ||
        !guardians_names(&out->names, &out->count, folder, NULL))
        return;
    out->guardians = memory_allocate_zero(out->count, sizeof out->guardians[0]);
    for (size_t i = 0; i < out->count; i++)
        guardians_load(&out->guardians[i], folder, out->names[i], NULL);
}

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        guardian_done(&names->guardians[i]);
    free(names->guardians);
    guardians_names_free(names->names, names->count);
}

static bool is_listed(const struct option_values *values, const char *name)
{
    for (size_t i = 0; i < option_count(values, "guardian"); i++)
        if (strcmp(option_item(values, "guardian", i), name) == 0)
            return true;
    return false;
}

/* Those of names that --guardian does not name: borrowed, in an array that the caller frees. */
static struct guardian *find_others(size_t *count, const struct names *names,
                                    const struct option_values *values)
{
    struct guardian *others = memory_allocate_zero(names->count, sizeof *others);
    *count = 0;
    for (size_t i = 0; i < names->count; i++)
        if (names->guardians[i].signing != NULL && !is_listed(values, names->names[i]))
            others[(*count)++] = names->guardians[i];
    return others;
}

struct change {
    enum access_change how;
    const struct guardian *owner;
    const struct guardian *others; /* whom a revocation leaves in any case */
    size_t other_count;
};

static bool change_one(struct buf *document, const struct protector *from,
                       const struct change *change, const struct guardian *guardian,
                       struct error *err)
{
    return change->how == ACCESS_GRANT
               ? protector_grant(document, from, change->owner, guardian, err)
               : protector_revoke(document, from, change->owner, guardian, change->others,
                                  change->other_count, err);
}

/* One guardian of the list after the other. */
static bool change_all(struct buf *document, const struct protector *from,
                       const struct change *change, const struct access_list *list,
                       struct error *err)
{
    _cleanup_protector_ struct protector *step = NULL;
    _cleanup_buf_ struct buf built;
    buf_init(&built, PROTECTOR_SIZE_MAX);
    for (size_t i = 0; i < list->count; i++) {
        struct buf next;
        buf_init(&next, PROTECTOR_SIZE_MAX);
        bool good = change_one(&next, step != NULL ? step : from, change, &list->guardians[i], err);
        protector_free(&step);
        buf_move(&built, &next);
        if (!good || !protector_parse(&step, buf_slice(&built), NULL, err))
            return false;
    }
    buf_append(document, buf_slice(&built));
    return buf_ok(document, "key protector", err);
}

bool access_change(struct buf *document, const struct protector *from, const struct guardian *owner,
                   enum access_change how, const struct option_values *values, struct error *err)
{
    _cleanup_free_ char *folder = NULL;
    _cleanup_access_list_ struct access_list list = {0};
    if (!guardians_folder(&folder, values, err) || !access_list_load(&list, folder, values, err))
        return false;
    struct names names;
    struct change change = {.how = how, .owner = owner};
    load_names(&names, values);
    _cleanup_free_ struct guardian *others = find_others(&change.other_count, &names, values);
    change.others = others;
    bool good = change_all(document, from, &change, &list, err);
    names_done(&names);
    return good;
}

static const char *name_of(const struct names *names, const struct certificate *signing)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->guardians[i].signing != NULL &&
            slice_equal(certificate_der(names->guardians[i].signing), certificate_der(signing)))
            return names->names[i];
    return NULL;
}

static void show_wrapping(struct output *output, struct table *table,
                          const struct protector *protector,
                          const struct protector_wrapping *wrapping, const char *name)
{
    const struct certificate_facts *signing = certificate_facts(wrapping->signing_certificate);
    const struct certificate_facts *encryption =
        certificate_facts(wrapping->encryption_certificate);
    const struct protector_wrapping *owner = protector_owner(protector);
    const char *role = owner != NULL && wrapping->id == owner->id ? "owner" : "guardian";
    bool last = protector_last_guardian(protector)->id == wrapping->id;
    char text[65];
    json_write_object(&output->writer, NULL);
    json_write_integer(&output->writer, "id", wrapping->id);
    json_write_text(&output->writer, "role", role);
    json_write_text(&output->writer, "guardian", name);
    json_write_text(&output->writer, "subject", signing->subject_text);
    hex_format(slice_of(signing->thumbprint, 32), text);
    json_write_text(&output->writer, "signing", text);
    table_cell(table, TABLE_PLAIN, "%u", (unsigned)wrapping->id);
    table_cell(table, TABLE_PLAIN, "%s", role);
    table_cell(table, TABLE_PLAIN, "%s", name != NULL ? name : "-");
    table_cell(table, TABLE_PLAIN, "%s", signing->subject_text);
    table_cell(table, TABLE_FAINT, "%.16s…", text);
    hex_format(slice_of(encryption->thumbprint, 32), text);
    json_write_text(&output->writer, "encryption", text);
    json_write_bool(&output->writer, "signed_last", last);
    json_write_object_end(&output->writer);
    table_cell(table, TABLE_PLAIN, "%s", last ? "signed last" : "");
    table_end_row(table);
}

void access_show(struct output *output, const struct protector *protector, bool print)
{
    static const char *const headings[] = {"ID",      "ROLE", "NAME HERE", "SUBJECT",
                                           "SIGNING", "",     NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    struct names names;
    struct error err;
    char digest[65];
    load_names(&names, output->values);
    hex_format(slice_of(protector_digest(protector), 32), digest);
    bool good = protector_verify(protector, &err);
    json_write_text(&output->writer, "protector_sha256", digest);
    json_write_bool(&output->writer, "verifies", good);
    if (!good)
        json_write_error(&output->writer, "error", &err);
    json_write_integer(&output->writer, "max_offline_unwraps",
                       protector_max_offline_unwraps(protector));
    json_write_array(&output->writer, "wrappings");
    for (size_t i = 0; i < protector_wrapping_count(protector); i++) {
        const struct protector_wrapping *wrapping = protector_wrapping(protector, i);
        show_wrapping(output, table, protector, wrapping,
                      name_of(&names, wrapping->signing_certificate));
    }
    json_write_array_end(&output->writer);
    names_done(&names);
    if (!print)
        return;
    _cleanup_table_ struct table *facts = table_new(NULL);
    table_pair(facts, "Key protector", "SHA-256 %s", digest);
    table_pair(facts, "Signatures", "%s%s",
               good ? "verify" : "DO NOT VERIFY: ", good ? "" : err.message);
    table_pair(facts, "Offline unwraps", "%u", (unsigned)protector_max_offline_unwraps(protector));
    table_print(facts, stdout);
    putchar('\n');
    table_print(table, stdout);
}
