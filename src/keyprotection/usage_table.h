/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which key protectors ask for which of our certificates, in memory: an entry a protector, for as
 * many as are used most lately. Pure: no store, no clock, no lock.
 *
 * A protector has no name, and every roll changes it (protocol.md 3). What goes on is the chain of
 * its transport keys: a roll releases the key that the next roll brings, and an owner who grants
 * access keeps it. So a protector is known by a link, a keyed digest of its transport key. An entry
 * has two: the newest, and the one before, which comes again when a reply was lost or a last known
 * good copy was put back. A protector whose key its owner replaced is another one from then on.
 *
 * An entry takes 40 bytes, and 16 in the index: at USAGE_PROTECTORS_MAX 56 MiB.
 */

#include "keyprotection/certificate.h"

#define USAGE_PROTECTORS_MAX ((size_t)1024 * 1024)
#define USAGE_KEYS_MAX 64 /* keys of certificates that are told apart */
#define USAGE_PAGE 256    /* entries that are written together */

/* What a wrapping names: our certificates are told apart by their keys, since a certificate that
 * was renewed over its key opens the same. */
struct usage_key {
    enum keyprotection_certificate_type type; /* signing or encryption */
    uint8_t id[32];
};

struct usage_entry {
    uint64_t link, former; /* former 0: there is none */
    uint64_t keys;         /* a bit for each of ours that it has a wrapping for */
    uint32_t seen;         /* seconds since 1970 */
};

struct usage_table;

/* since: when counting began; protectors_max: USAGE_PROTECTORS_MAX, less in tests. */
struct usage_table *usage_table_new(int64_t since, size_t protectors_max);
void usage_table_free(struct usage_table **table);

/* The number of a key, which it gets when it is first asked for; -1 when USAGE_KEYS_MAX have one.
 */
int usage_table_number(struct usage_table *table, const struct usage_key *key);
/* As usage_table_number; -1 when it has none. */
int usage_table_find_key(const struct usage_table *table, const struct usage_key *key);
/* Takes their numbers from all keys but these. */
void usage_table_keep_keys(struct usage_table *table, const struct usage_key *keys, size_t count);
size_t usage_table_key_count(const struct usage_table *table);
/* NULL: the number is free. */
const struct usage_key *usage_table_key(const struct usage_table *table, size_t number);

/* A roll: the links of the keys that came and went (not 0), and what the protector has wrappings
 * for. When there is no room, the protector that was not seen for longest is forgotten. */
void usage_table_note(struct usage_table *table, uint64_t ingress, uint64_t egress, uint64_t keys,
                      uint32_t now);

/* A roll that could not be counted. */
void usage_table_miss(struct usage_table *table, int64_t now);

/* Every protector that was rolled after this time is here: when counting began, or later when some
 * had to be forgotten or could not be counted. */
int64_t usage_table_since(const struct usage_table *table);
size_t usage_table_count(const struct usage_table *table);
/* 0 to usage_table_count - 1, in no order. */
const struct usage_entry *usage_table_entry(const struct usage_table *table, size_t index);

/* Pages of USAGE_PAGE entries that changed. Takes the next one from the list; false: none did. */
bool usage_table_take_changed(struct usage_table *table, size_t *page);
/* It could not be written, and is changed still. */
void usage_table_put_changed(struct usage_table *table, size_t page);
bool usage_table_changed(const struct usage_table *table);

/* What was written, when it is read again: keys under their numbers, then entries one by one.
 * Entries that cannot be (a link that is there already, no room) are passed over; false then. Ends
 * with usage_table_loaded. */
bool usage_table_load_key(struct usage_table *table, size_t number, const struct usage_key *key);
bool usage_table_load(struct usage_table *table, const struct usage_entry *entry);
void usage_table_loaded(struct usage_table *table);
