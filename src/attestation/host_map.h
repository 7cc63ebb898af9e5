/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who is registered: from a host's mode and 32-byte identity (SHA-256 of a SubjectPublicKeyInfo)
 * to its name, for up to millions of hosts. Readers take only the read lock
 * of one shard of many, so that workers do not meet; changes come from one thread at a time, and
 * each holds up the readers of one shard for as long as that shard needs to grow at most.
 *
 * A staged host has its name and identity here, but does not attest yet.
 *
 * Two hosts may be registered with one identity: either name is then found, and removing one leaves
 * the other.
 */

#include "attestation/host.h"

struct attestation_host_map;

struct attestation_host_map *attestation_host_map_new(void);
void attestation_host_map_free(struct attestation_host_map **map);

/* Where a host is known by which key. */
struct attestation_host_identity {
    enum attestation_mode mode;
    bool staged;
    uint8_t id[ATTESTATION_HOST_ID_SIZE];
};

/* The host of this name has this identity from now on, whatever it had before. */
void attestation_host_map_put(struct attestation_host_map *map, const char *name,
                              const struct attestation_host_identity *identity);
/* False when there was none of this name. */
bool attestation_host_map_remove(struct attestation_host_map *map, const char *name);

/*
 * Reading all hosts anew: begin, put each that there is, sweep; this removes all that were not put
 * since begin. Readers find every host that stays throughout. One at a time.
 */
void attestation_host_map_begin(struct attestation_host_map *map);
void attestation_host_map_sweep(struct attestation_host_map *map);

/* Copies the name of a host of this mode with this identity to name; false when there is none.
 * *staged (NULL: staged hosts are none). */
bool attestation_host_map_find(struct attestation_host_map *map, enum attestation_mode mode,
                               const uint8_t id[ATTESTATION_HOST_ID_SIZE],
                               char name[ATTESTATION_NAME_SIZE], bool *staged);

size_t attestation_host_map_count(struct attestation_host_map *map);
/* Bytes of memory it takes, the allocator's share included. */
size_t attestation_host_map_memory(struct attestation_host_map *map);
