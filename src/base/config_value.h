/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One value of a configuration: from the file's text to its field, and its end. */

#include "base/config.h"

/* Fills key's field of the structure at values from text, freeing what it held. On failure the
 * message says which form or bound was expected; object is key->key. */
bool config_value_set(void *values, const struct config_key *key, const char *text,
                      struct error *err);
/* Frees what the field holds and clears it. */
void config_value_clear(void *values, const struct config_key *key);
