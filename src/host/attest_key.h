/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Host key mode, the host's side (protocol.md 2.1): a fresh identity key, certified because the
 * host key signs for it. */

#include "host/attempt.h"

/* host.key-*, host.*, http.*. */
bool host_attest_key(struct host_attempt *attempt, struct error *err);

/* The body of a request: identity key, host key, the host key's signature over both. Appended to
 * out. */
bool host_attest_key_format(struct buf *out, const struct private_key *host_key,
                            const struct public_key *identity, struct error *err);
