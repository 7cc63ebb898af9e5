/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The document inside a backup, as the service sees it: u32 count of sealed keys, each u32 size and
 * bytes (little-endian; the keyholder opens or seals these, keyholder.h), then JSON lines:
 *   {"version": 1, "keys": [hex key id, …]}         in the order of the sealed keys
 *   {"kind": number, "key": text, "value": base64}  one a record, in the order of store kinds and
 * keys Nodes, the audit trail's head and its key belong to a machine and stay behind.
 */

#include "store/store.h"

#define DOCUMENT_SIZE_MAX (1024u * 1024 * 1024)
#define DOCUMENT_VERSION 1

struct document_item {
    enum store_kind kind;
    char *key;
    struct slice value; /* borrowed from the document */
};

struct document {
    struct buf bytes;   /* the document; sealed keys borrow from it */
    struct buf values;  /* decoded; the other items borrow from it */
    struct buf service; /* the setting "service" after document_set_mode */
    struct document_item *items;
    size_t count, capacity;
};

/* What the store has, to fd. Gives the number of records and of keys among them. */
bool document_write(int fd, struct store *store, size_t *records, size_t *keys, struct error *err);
/* Reads fd from where it stands. backup.malformed, backup.newer. Freed with document_done in any
 * case. */
bool document_read(struct document *out, int fd, struct error *err);
void document_done(struct document *document);
/* Replaces the mode in the setting "service". */
bool document_set_mode(struct document *document, const char *mode, struct error *err);
/* "host", "certificate"…, for people. */
const char *document_kind_name(enum store_kind kind);
