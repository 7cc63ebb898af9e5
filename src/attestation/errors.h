/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of attestation/. */

#include "base/error.h"

#define ATTESTATION_ERRORS(X)                                                                     \
    X(attestation_not_initialized, "attestation.not-initialized", ERROR_UNAVAILABLE,              \
      "the service has no attestation mode yet", "initialise it: hgsctl server init")             \
    X(attestation_mode_wrong, "attestation.mode-wrong", ERROR_CONFLICT,                           \
      "a host asked for another mode of attestation than the service's",                          \
      "the host should follow the mode that the reply names; see hgsctl server show")             \
    X(attestation_mode_unsupported, "attestation.mode-unsupported", ERROR_UNAVAILABLE,            \
      "this version does not attest hosts in the service's mode",                                 \
      "install a version that does, or change the mode: hgsctl server set --trust hostkey")       \
    X(attestation_payload_malformed, "attestation.payload-malformed", ERROR_MALFORMED,            \
      "a request is not of the shape that its door takes",                                        \
      "find out which program sent it; the message names the property")                           \
    X(attestation_content_refused, "attestation.content-refused", ERROR_UNSUPPORTED,              \
      "a request asks for a certificate, or gives evidence, that this mode does not have",        \
      "ask for an encryption certificate; signing certificates need the setting "                 \
      "allow_unprotected_signing_keys")                                                           \
    X(attestation_host_key, "attestation.host-key", ERROR_UNAUTHORIZED,                           \
      "a host's key is of a kind or size that no registered host has",                            \
      "make a key of RSA 2048 bits or more, or ECDSA P-256 or P-384: hgs host key --generate")    \
    X(attestation_host_unknown, "attestation.host-unknown", ERROR_UNAUTHORIZED,                   \
      "a host that is not registered asked to be attested",                                       \
      "if it should be: on the host, hgs host key --out FILE; here, hgsctl host add NAME --key "  \
      "FILE")                                                                                     \
    X(attestation_signature_wrong, "attestation.signature-wrong", ERROR_UNAUTHORIZED,             \
      "the signature of an attestation was not made by the host's key over what was sent",        \
      "the request was altered, or its sender does not have the host's private key")              \
    X(attestation_identity_key, "attestation.identity-key", ERROR_INVALID,                        \
      "the identity key that should be certified is not a usable RSA key",                        \
      "make an RSA key of 2048 bits or more; hgs host attest does")                               \
    X(attestation_no_signer, "attestation.no-signer", ERROR_UNAVAILABLE,                          \
      "this node has no attestation signer that is valid now",                                    \
      "see hgsctl signer list; hgsctl signer renew makes one")                                    \
    X(attestation_signer_failed, "attestation.signer-failed", ERROR_UNAVAILABLE,                  \
      "the attestation signer's key did not sign",                                                \
      "try again; if it persists, make another signer: hgsctl signer renew")                      \
    X(attestation_unaudited, "attestation.unaudited", ERROR_UNAVAILABLE,                          \
      "an attestation passed but could not be put into the audit trail, so nothing was issued",   \
      "make room on the audit trail's disk; see hgsctl server show")                              \
    X(attestation_host_name, "attestation.host-name", ERROR_USAGE, "a name is not a host's name", \
      "use 1 to 128 letters, digits, dots, underscores and hyphens, the first a letter or digit") \
    X(attestation_host_malformed, "attestation.host-malformed", ERROR_MALFORMED,                  \
      "the store's record of a host is damaged", "remove the host and add it again")              \
    X(attestation_signer_malformed, "attestation.signer-malformed", ERROR_MALFORMED,              \
      "the store's record of an attestation signer is damaged",                                   \
      "restore a backup (hgsctl state import), or make another signer: hgsctl signer renew")      \
    X(attestation_settings_malformed, "attestation.settings-malformed", ERROR_MALFORMED,          \
      "a setting of the attestation service is of the wrong form or out of its bounds",           \
      "the message names the setting and its bounds")                                             \
    X(attestation_reply_malformed, "attestation.reply-malformed", ERROR_MALFORMED,                \
      "a reply of an attestation service is not one of the protocol's",                           \
      "check the attestation URL: hgs host show; open it with curl")                              \
    X(attestation_context_malformed, "attestation.context-malformed", ERROR_MALFORMED,            \
      "the remote TPM's context in a message is not of the protocol's form",                      \
      "find out which program sent it; the message names the part")                               \
    X(attestation_context_too_large, "attestation.context-too-large", ERROR_LIMIT,                \
      "the remote TPM's context in a message is larger than the protocol takes",                  \
      "a log may have 2 MiB, a context 3 MiB; a host with a larger IMA log needs a policy that "  \
      "measures less")

ERROR_TABLE_DECLARE(attestation_errors, ATTESTATION_ERRORS)
