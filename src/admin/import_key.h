/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private keys of a backup beside those of a service, which may have lost the key that opens its
 * own: cluster.key lies in a file, and files get lost. */

#include "admin/operation.h"

/* Whether the keyholder opens what the store has sealed. Its errors when it cannot tell: it does
 * not answer, or is full. */
bool import_key_opens(bool *opens, struct keyholder *keyholder, struct slice sealed,
                      struct error *err);
/*
 * A trail is one machine's, so its key is no part of a backup: a service that has none yet, or one
 * that does not open any more, gets its own. What was signed by the former is verified by nobody
 * then: the record audit.key-made says from where on. Nothing in a dry run.
 */
bool import_audit_key(const struct admin_request *request, struct error *err);
