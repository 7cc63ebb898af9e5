/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/import_certificate.h"

/* The record as one that is not primary; false when it is no certificate's. */
static bool demote(struct buf *out, const char *key, struct slice record,
                   struct keyprotection_certificate *read)
{
    struct keyprotection_certificate it = {0};
    if (!keyprotection_certificate_parse(&it, key, record, NULL))
        return false;
    read->type = it.type;
    read->primary = it.primary;
    it.primary = false;
    keyprotection_certificate_format(out, &it);
    keyprotection_certificate_done(&it);
    return true;
}

bool import_certificate_is_same(const char *key, struct slice one, struct slice other)
{
    struct keyprotection_certificate read = {0};
    _cleanup_buf_ struct buf left, right;
    buf_init(&left, STORE_VALUE_MAX);
    buf_init(&right, STORE_VALUE_MAX);
    return demote(&left, key, one, &read) && demote(&right, key, other, &read) &&
           slice_equal(buf_slice(&left), buf_slice(&right));
}

bool import_certificate_demote(struct buf *out, const struct certificate_list *own, const char *key,
                               struct slice record)
{
    struct keyprotection_certificate read = {0};
    if (!demote(out, key, record, &read) || !read.primary)
        return false;
    for (size_t i = 0; i < own->count; i++)
        if (own->items[i].certificate.type == read.type && own->items[i].certificate.primary)
            return true;
    return false;
}
