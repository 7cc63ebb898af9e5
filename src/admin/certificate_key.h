/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Under which names the sealed keys of guardian certificates are in the store (STORE_KEY). A key is
 * sealed with its one purpose, so one that serves two types is there twice: under its hex key id
 * for the type that came first, and under "KEYID/TYPE" for each other one. It stays as long as a
 * certificate of the type has it.
 */

#include "admin/certificate_list.h"

#define CERTIFICATE_KEY_NAME_SIZE (2 * 32 + sizeof "/communications")
#define CERTIFICATE_KEY_REMOVALS 2

struct certificate_key_names {
    char plain[CERTIFICATE_KEY_NAME_SIZE];
    char of_type[CERTIFICATE_KEY_NAME_SIZE];
};

/* Whether a certificate of the list has this key, sealed; type NULL: of any type. except: one that
 * does not count, or NULL. */
bool certificate_key_is_used(const struct certificate_list *list, const uint8_t key_id[32],
                             const enum keyprotection_certificate_type *type,
                             const struct certificate_list_item *except);
/*
 * Whether the store, as it is now, has a certificate or a request with this key, wherever that is;
 * true when the store does not tell. What an operation read when it began may be older than what
 * another one has added meanwhile: ask this before the keyholder forgets a key.
 */
bool certificate_key_is_needed(struct store *store, const uint8_t key_id[32]);
/* The name for the key of a certificate that is added. Errors of store/. */
bool certificate_key_name(char name[CERTIFICATE_KEY_NAME_SIZE], const struct certificate_list *list,
                          const struct keyprotection_certificate *certificate, struct store *store,
                          struct error *err);
/* The changes that remove what nobody needs any more when item is removed; they borrow names.
 * Errors of store/. */
bool certificate_key_removals(struct store_change changes[CERTIFICATE_KEY_REMOVALS], size_t *count,
                              struct certificate_key_names *names,
                              const struct certificate_list *list,
                              const struct certificate_list_item *item, struct store *store,
                              struct error *err);
