/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of protector/. */

#include "base/error.h"

#define PROTECTOR_ERRORS(X)                                                                      \
    X(protector_malformed, "protector.malformed", ERROR_MALFORMED,                               \
      "a key protector is not a document of the expected form",                                  \
      "use the last known good one (hgs vm restore), or have the owner make a new one")          \
    X(protector_algorithm, "protector.algorithm", ERROR_UNSUPPORTED,                             \
      "a key protector names an algorithm, or parameters of one, that are not used here",        \
      "have it written again by a program that uses RSA-SHA256, RSA-OAEP, ConcatKDF and "        \
      "HMAC-SHA256")                                                                             \
    X(protector_limit, "protector.limit", ERROR_LIMIT,                                           \
      "a key protector is larger, or has more wrappings, than is allowed",                       \
      "revoke guardians, or remove signing certificates, that are not needed: hgs protector "    \
      "revoke, hgsctl certificate remove")                                                       \
    X(protector_signature, "protector.signature", ERROR_CRYPTO,                                  \
      "the guardian signature of a key protector does not verify",                               \
      "it was altered: use the last known good one (hgs vm restore)")                            \
    X(protector_wrapping_invalid, "protector.wrapping", ERROR_INVALID,                           \
      "a wrapping's certificate does not parse, or a signature over it does not verify",         \
      "it was altered: use the last known good one (hgs vm restore), or have the owner grant "   \
      "anew")                                                                                    \
    X(protector_chain, "protector.chain", ERROR_INVALID,                                         \
      "a wrapping's chain of signatures does not lead to the owner",                             \
      "it was altered: use the last known good one (hgs vm restore), or have the owner grant "   \
      "anew")                                                                                    \
    X(protector_no_wrapping, "protector.no-wrapping", ERROR_NOT_FOUND,                           \
      "a key protector has no wrapping for this guardian",                                       \
      "have the owner grant access: hgs protector grant FILE --guardian NAME (hgs vm grant)")    \
    X(protector_opaque, "protector.opaque", ERROR_CRYPTO,                                        \
      "a key protector does not open with this guardian's key",                                  \
      "it was altered: use the last known good one (hgs vm restore)")                            \
    X(protector_owner_key, "protector.owner-key", ERROR_UNAUTHORIZED,                            \
      "this needs the owner's private keys, and they are not here",                              \
      "run it where the owner's guardian was made: hgs guardian list")                           \
    X(protector_granted, "protector.granted", ERROR_CONFLICT,                                    \
      "a guardian has access to this key protector already",                                     \
      "nothing needs to be done; see who has: hgs protector show FILE")                          \
    X(protector_owner_stays, "protector.owner-stays", ERROR_INVALID,                             \
      "the owner's own wrapping cannot be revoked",                                              \
      "make a new protector for another owner: hgs protector create")                            \
    X(metadata_malformed, "metadata.malformed", ERROR_MALFORMED,                                 \
      "a document is not guardian metadata",                                                     \
      "fetch it anew: hgs guardian import NAME "                                                 \
      "http://SERVER/KeyProtection/service/metadata/2014-07/metadata.xml")                       \
    X(metadata_signature, "metadata.signature", ERROR_CRYPTO,                                    \
      "a signature of guardian metadata does not verify",                                        \
      "it was altered on its way: fetch it over HTTPS")                                          \
    X(metadata_untrusted_root, "metadata.untrusted-root", ERROR_UNAUTHORIZED,                    \
      "the certificates of guardian metadata do not chain to a root that this machine trusts",   \
      "compare the thumbprints with the administrator's (hgsctl certificate list), then repeat " \
      "with --allow-untrusted-root")                                                             \
    X(metadata_expired, "metadata.expired", ERROR_INVALID,                                       \
      "a certificate of guardian metadata is expired or not yet valid",                          \
      "have the administrator renew it; or repeat with --allow-expired")

ERROR_TABLE_DECLARE(protector_errors, PROTECTOR_ERRORS)
