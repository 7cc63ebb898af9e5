/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The padding of RSA where the private operation is done elsewhere: by a token that knows only the
 * bare one. */

#include "base/error.h"
#include "base/secret.h"
#include "crypto/algorithm.h"

/*
 * Removes OAEP (RFC 8017 7.1.2 step 3) from encoded, which is as long as the key's modulus, in a
 * time that depends on that length alone. crypto.decryption-failed says nothing about why.
 */
bool rsa_padding_remove_oaep(struct secret *out, enum encryption_algorithm algorithm,
                             struct slice encoded, struct error *err);
