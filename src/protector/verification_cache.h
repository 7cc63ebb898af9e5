/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A bounded memory of signatures that did verify, shared by threads.
 *
 * The certificates of a protector's wrappings and their signatures are the same at every roll of
 * the same VM, and so is a host's health certificate for hours; the RSA verifications over them are
 * a seventh of a roll's cost (service-facts.md). What is kept is SHA-256 over (what was verified,
 * by whom, how, with which signature), each part with its length: a hit means that exactly this
 * verification has succeeded in this process before. Failures are never kept. Revocation does not
 * live here: who is trusted is decided anew each time, and only the arithmetic is skipped. What is
 * pushed out is merely verified again.
 */

#include "crypto/public_key.h"

struct verification_cache;

/* Remembers at least `entries` verifications (32 bytes each). */
struct verification_cache *verification_cache_new(size_t entries);
void verification_cache_free(struct verification_cache **cache);
#define _cleanup_verification_cache_ __attribute__((cleanup(verification_cache_free)))

/* public_key_verify, or its remembered success. cache may be NULL. */
bool verification_cache_verify(struct verification_cache *cache, const struct public_key *key,
                               enum signature_algorithm algorithm, struct slice message,
                               struct slice signature, struct error *err);

/* The same for verifications of another shape: name must bind everything that was verified. */
bool verification_cache_has(struct verification_cache *cache, const uint8_t name[32]);
void verification_cache_add(struct verification_cache *cache, const uint8_t name[32]);
