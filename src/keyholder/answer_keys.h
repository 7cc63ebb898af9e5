/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every kind of keyholder does with the keys of its keyring: the far end of those calls of
 * keyholder.h that name a key. */

#include "keyholder/keyring.h"
#include "keyholder/serve.h"

/* A request of opcode SIGN, DECRYPT, ROLL, REQUEST or FORGET. keyholder.message; errors of
 * keyring.h. */
bool answer_keys(struct answer *answer, struct keyring *keyring, unsigned worker,
                 const struct keyholder_request *request, struct error *err);
