/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table of usage_table.h as the store keeps it, each node its own: STORE_CERTIFICATE_USAGE
 * under "NODE/head", {"since": seconds, "count": number of entries, "check": hex, "keys":
 * [{"number": …, "type": text, "key_id": hex}, …]}, and under "NODE/00000" and so on pages of
 * USAGE_PAGE entries of USAGE_ENTRY_SIZE bytes: link, former (u64), keys (u64), seen (u32),
 * little-endian. check shows under which key the links were made; it is absent until there are any.
 */

#include "keyprotection/usage_table.h"
#include "store/store.h"

#define USAGE_ENTRY_SIZE 28
#define USAGE_CHECK_SIZE 8

struct usage_check {
    bool known;
    uint8_t bytes[USAGE_CHECK_SIZE];
};

/* The records' keys; text holds STORE_KEY_MAX + 1. */
char *usage_record_head_key(char *text, const char *node);
char *usage_record_page_key(char *text, const char *node, size_t page);
/* Whether a key is one of this node's. */
bool usage_record_is_of(const char *key, const char *node);

/* Appended to out. */
void usage_record_format_head(struct buf *out, const struct usage_table *table,
                              const struct usage_check *check);
void usage_record_format_page(struct buf *out, const struct usage_table *table, size_t page);

/*
 * The table and the check as this node wrote them; a new one, of since, when it never did. What is
 * missing or cannot be read of the pages is passed over: counts are not worth a service that does
 * not start. Errors of store/; keyprotection.record when the head cannot be read.
 */
bool usage_record_load(struct usage_table **out, struct usage_check *check, struct store *store,
                       const char *node, int64_t since, size_t protectors_max, struct error *err);
