/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The newest record as the store remembers it: STORE_AUDIT_HEAD, key = node,
 * {"seq":12,"hash":"<64 hex digits>"}. */

#include "audit/record.h"
#include "store/store.h"

/* Sequence 0 when the store remembers nothing. base.json-malformed, base.hex-malformed, store.*. */
bool audit_head_load(struct audit_place *out, struct store *store, const char *node,
                     struct error *err);
bool audit_head_save(struct store *store, const char *node, const struct audit_place *place,
                     struct error *err);
