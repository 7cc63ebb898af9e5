/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/dump.h"

#include "base/hex.h"
#include "policy/errors.h"

bool dump_key_parse(uint8_t out[POLICY_DUMP_KEY_SIZE], const char *hex, struct error *err)
{
    _cleanup_buf_ struct buf key;
    buf_init(&key, POLICY_DUMP_KEY_SIZE);
    if (!hex_parse(&key, slice_from_text(hex), NULL) || key.overflow ||
        key.size != POLICY_DUMP_KEY_SIZE)
        return error_set(err, &policy_dump_hash, NULL, NULL, "\"%.80s\" is no SHA-256", hex);
    memcpy(out, key.data, POLICY_DUMP_KEY_SIZE);
    return true;
}

bool dump_key_take(uint8_t out[POLICY_DUMP_KEY_SIZE], const struct eventlog *log,
                   enum digest_algorithm algorithm, struct error *err)
{
    _cleanup_eventlog_claims_ struct eventlog_claims claims;
    eventlog_claims_evaluate(&claims, log, EVENTLOG_PROFILE_WINDOWS, algorithm);
    if (claims.claims[EVENTLOG_CLAIM_DUMP_KEY].value != EVENTLOG_GOOD ||
        claims.dump_key_digest.size != POLICY_DUMP_KEY_SIZE)
        return error_set(err, &policy_dump_absent, NULL, NULL, "%s",
                         claims.claims[EVENTLOG_CLAIM_DUMP_KEY].sentence);
    memcpy(out, claims.dump_key_digest.data, POLICY_DUMP_KEY_SIZE);
    return true;
}
