/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The key that a Windows host encrypts memory dumps to, known by the SHA-256 of its public key as a
 * BCRYPT_RSAKEY_BLOB (SIPAEVENT_DUMP_ENCRYPTION_KEY_DIGEST).
 */

#include "policy/policy.h"

/* From 64 hexadecimal digits. policy.dump-hash. */
bool dump_key_parse(uint8_t out[POLICY_DUMP_KEY_SIZE], const char *hex, struct error *err);
/* From the log of a host whose dumps are encrypted. policy.dump-absent. */
bool dump_key_take(uint8_t out[POLICY_DUMP_KEY_SIZE], const struct eventlog *log,
                   enum digest_algorithm algorithm, struct error *err);
