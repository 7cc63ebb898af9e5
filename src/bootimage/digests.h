/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One thing's digests in every bank that an attestation may rest on. */

#include "base/json.h"
#include "crypto/digest.h"

#define DIGESTS_BANKS 3

/* SHA-256, SHA-384, SHA-512. */
extern const enum digest_algorithm digests_algorithms[DIGESTS_BANKS];

struct digests {
    struct digest banks[DIGESTS_BANKS]; /* in that order */
};

/* Of parts one after the other. Cannot fail. */
void digests_compute(struct digests *out, const struct slice *parts, size_t count);
/* The digest of that algorithm; an empty slice for another than the three. */
struct slice digests_get(const struct digests *digests, enum digest_algorithm algorithm);

/* An object {"sha256": hex, "sha384": hex, "sha512": hex}. */
void digests_write(struct json_writer *writer, const char *name, const struct digests *digests);
/* Reads the property name of object; all three are there. base.json-malformed, base.hex-malformed,
 * bootimage.digest-size. */
bool digests_read(struct digests *out, const struct json *object, const char *name,
                  struct error *err);
/* The same for the object itself. */
bool digests_read_object(struct digests *out, const struct json *banks, struct error *err);
