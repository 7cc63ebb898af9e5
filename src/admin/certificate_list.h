/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The service's guardian certificates as the store has them, for the operations that list, find and
 * change them. */

#include "base/json.h"
#include "keyprotection/certificate.h"
#include "store/store.h"

struct certificate_list_item {
    struct keyprotection_certificate certificate;
    char record_key[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    int64_t revision;
};

struct certificate_list {
    struct certificate_list_item *items;
    size_t count, capacity;
};

/* Errors of store/ and keyprotection/. Freed with certificate_list_done in any case. */
bool certificate_list_load(struct certificate_list *out, struct store *store, struct error *err);
void certificate_list_done(struct certificate_list *list);
/*
 * The one whose SHA-256 thumbprint begins with text (at least 8 digits, either case; colons and
 * spaces do not count), or whose SHA-1 thumbprint is text, of *type (NULL: of any).
 * Of one that serves two types, the first. admin.not-found; admin.argument when several match.
 */
struct certificate_list_item *certificate_list_find(struct certificate_list *list, const char *text,
                                                    const enum keyprotection_certificate_type *type,
                                                    struct error *err);
/* What is said of one certificate, into the object under way. now: for "expired". */
void certificate_list_write_members(struct json_writer *writer,
                                    const struct keyprotection_certificate *certificate,
                                    int64_t now);
/* One certificate as an object of an array (or the outermost value). */
void certificate_list_write(struct json_writer *writer,
                            const struct keyprotection_certificate *certificate, int64_t now);
