/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Software keys: private keys in this process's memory. OpenSSL takes a lock on a key for every RSA
 * operation (blinding), which costs some percent when threads share it; so each worker gets a copy
 * of its own when it first uses the key.
 */

#include "keyholder/keyring.h"

extern const struct key_operations software_operations;

/* Takes key over. The value is for keyring_add with software_operations. */
void *software_key_new(struct private_key **key);
