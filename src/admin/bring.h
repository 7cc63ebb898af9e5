/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a backup does not hold: private keys that are in files of each node, or in a token. Whoever
 * moves a service brings them by hand. */

#include "base/json.h"
#include "keyprotection/certificate.h"

/* How a key does where it was brought to. */
struct bring_test {
    bool works;
    struct error failure; /* unless it works */
};

/* The certificate as an object {type, thumbprint, subject, key_source, key_uri} of an array, unless
 * its key is sealed: then nothing. With a test (may be NULL), works and error besides. */
void bring_write(struct json_writer *writer, const struct keyprotection_certificate *certificate,
                 const struct bring_test *test);
