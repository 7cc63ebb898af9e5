/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `hgsctl server show` tells about this process: addresses, users, sandbox, load, health. */

#include "base/json.h"

/* Properties of the object that is being written; context is the struct parts. Called by the
 * administration's threads. */
void describe_service(void *context, struct json_writer *writer);
/* "tokens": [{name, module, uri, state, label, details, sessions, keys, keys_told, error}]. */
void describe_tokens(void *context, struct json_writer *writer);
/* Of this node's object among the nodes. */
void describe_node(void *context, struct json_writer *writer);
