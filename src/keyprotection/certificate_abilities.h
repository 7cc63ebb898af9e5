/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a private key was seen to do when its certificate was added: of keys in PKCS#11 tokens,
 * which know some algorithms and not others. In a record it is an array of names, as
 * ["rsa-pkcs1-sha256", "rsa-oaep-sha1", "raw:rsa-oaep-sha256"].
 */

#include "base/json.h"
#include "crypto/public_key.h"

struct certificate_abilities {
    uint32_t signatures;  /* 1u << enum signature_algorithm */
    uint32_t encryptions; /* 1u << enum encryption_algorithm */
    uint32_t raw;         /* those of encryptions that are done by raw RSA */
};

/* Whether anything is known. */
bool certificate_abilities_known(const struct certificate_abilities *abilities);
/* Key protectors for such a certificate must be written with OAEP over SHA-1: the key does not know
 * SHA-256. */
bool certificate_abilities_only_sha1(const struct certificate_abilities *abilities);
/* An array as property `name`. */
void certificate_abilities_write(struct json_writer *writer, const char *name,
                                 const struct certificate_abilities *abilities);
/* The array of a record; NULL: none. keyprotection.record for a name that is not known. */
bool certificate_abilities_parse(struct certificate_abilities *out, const struct json *array,
                                 struct error *err);
