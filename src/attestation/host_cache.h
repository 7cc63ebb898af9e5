/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The records of hosts in TPM mode that attested lately, read and parsed once: an attestation looks
 * at its host's record in each of its requests, and the host map (host_map.h) holds names only. A
 * bounded number of them; what changes in the store is forgotten.
 */

#include "attestation/host.h"
#include "store/store.h"
#include "tpm/endorsement_key.h"

#include <stdatomic.h>

/* Immutable, counted by references. */
struct attestation_known_host {
    atomic_uint references;
    struct attestation_host host;
    struct tpm_endorsement_key key;
};

void attestation_known_host_release(struct attestation_known_host **host);
#define _cleanup_attestation_known_host_ __attribute__((cleanup(attestation_known_host_release)))

struct attestation_host_cache; /* thread-safe */

/* entries: a power of two; about 4 KiB each when filled. */
struct attestation_host_cache *attestation_host_cache_new(struct store *store, size_t entries);
void attestation_host_cache_free(struct attestation_host_cache **cache);

/* A reference of the caller's own. The errors of store_get, attestation_host_parse and
 * tpm_endorsement_key_parse; attestation.host-unknown when it is not a host in TPM mode. */
bool attestation_host_cache_get(struct attestation_known_host **out,
                                struct attestation_host_cache *cache, const char *name,
                                struct error *err);
/* Its record changed, or (NULL) any may have. */
void attestation_host_cache_forget(struct attestation_host_cache *cache, const char *name);
