/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether the private key of each guardian certificate works on this node: keys in files are found
 * (keyholder_reference), and all but those in tokens show that they are the certificate's by
 * signing or decrypting; at each start of a keyholder, and when a certificate comes. Of a key in a
 * token it is seen whether this node has that token (hgsd/tokens.h goes on from there). The service
 * goes on with what works. What does not is named in `server show` with file, user and mode, logged
 * and written to the trail when it is found out (key.unusable) and when it is over (key.usable),
 * and tried again until it works.
 */

#include "audit/audit.h"
#include "base/json.h"
#include "keyholder/keyholder.h"
#include "store/store.h"

struct certificate_keys;

struct certificate_keys *certificate_keys_new(struct store *store, struct keyholder *keyholder,
                                              struct audit *audit);
void certificate_keys_free(struct certificate_keys **keys);
/* Has the keyholder look for the keys in files, while it is held. False only when the store cannot
 * be read or the keyholder is away. */
bool certificate_keys_load(struct certificate_keys *keys, struct error *err);
/* Has every key show what it can; once the keyholder is not held any more. */
void certificate_keys_prove(struct certificate_keys *keys);
/* Tries those again that did not work, or for which the keyholder did not answer. */
void certificate_keys_retry(struct certificate_keys *keys);
/* From the store's watch. */
void certificate_keys_apply(struct certificate_keys *keys, const struct store_change *changes,
                            size_t count);
/* Array "certificates_unusable" {type, thumbprint, error} as a property of an object. */
void certificate_keys_describe(struct certificate_keys *keys, struct json_writer *writer);
