/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of tpm/. */

#include "base/error.h"

#define TPM_ERRORS(X)                                                                              \
    X(tpm_pcr_malformed, "tpm.pcr-malformed", ERROR_MALFORMED,                                     \
      "PCR values that a client sent are not of their form, or of a bank that proves nothing",     \
      "find out which program sent them; the message names the field")                             \
    X(tpm_public_malformed, "tpm.public-malformed", ERROR_MALFORMED,                               \
      "a TPM's public area is not of its form (TPM 2.0 Part 2, 12.2)",                             \
      "look at it: tpm2_print -t TPM2B_PUBLIC FILE")                                               \
    X(tpm_public_unsupported, "tpm.public-unsupported", ERROR_UNSUPPORTED,                         \
      "a TPM's public area is of a kind that is not used here",                                    \
      "use an endorsement key of RSA 2048 bits or more, or ECC P-256 or P-384")                    \
    X(tpm_endorsement_attributes, "tpm.endorsement-attributes", ERROR_INVALID,                     \
      "a public area is not one of an endorsement key: its attributes are wrong",                  \
      "identify the host anew, on the host itself: hgs host identify --name NAME --out FILE")      \
    X(tpm_endorsement_key_unknown, "tpm.endorsement-key-unknown", ERROR_MALFORMED,                 \
      "bytes that should hold an endorsement key hold none in any form that is read here",         \
      "identify the host anew, on the host itself: hgs host identify --name NAME --out FILE")      \
    X(tpm_endorsement_mismatch, "tpm.endorsement-mismatch", ERROR_INVALID,                         \
      "an endorsement certificate is for another key than the one it came with",                   \
      "identify the host anew, on the host itself: hgs host identify --name NAME --out FILE")      \
    X(tpm_certificate_malformed, "tpm.certificate-malformed", ERROR_MALFORMED,                     \
      "what should hold an endorsement certificate holds none that can be read",                   \
      "look at it: openssl x509 -inform der -in FILE -noout -text")                                \
    X(tpm_certificate_not_endorsement, "tpm.certificate-not-endorsement", ERROR_INVALID,           \
      "a certificate is not one of an endorsement key",                                            \
      "use the certificate that the TPM's maker put into the TPM: identify the host anew")         \
    X(tpm_certificate_extension, "tpm.certificate-extension", ERROR_UNSUPPORTED,                   \
      "a certificate of an endorsement key or its issuer has a critical extension that is not "    \
      "known here",                                                                                \
      "the message names it; report it, with the TPM's maker")                                     \
    X(tpm_certificate_time, "tpm.certificate-time", ERROR_INVALID,                                 \
      "an endorsement certificate, or that of its issuer, has expired or is not valid yet",        \
      "check the clock; else ask the TPM's maker for a newer one")                                 \
    X(tpm_issuer_missing, "tpm.issuer-missing", ERROR_UNAUTHORIZED,                                \
      "the certificate of an endorsement key's issuer was not added",                              \
      "get the one that the message names from the TPM's maker: hgsctl tpm-root add FILE "         \
      "--intermediate")                                                                            \
    X(tpm_issuer_wrong, "tpm.issuer-wrong", ERROR_UNAUTHORIZED,                                    \
      "an endorsement certificate was not signed by the issuer that it names, or by one that may " \
      "not issue it",                                                                              \
      "the certificate is forged, or the issuer has several keys under one name: add the right "   \
      "one (hgsctl tpm-root add FILE --intermediate); see hgsctl tpm-root list")                   \
    X(tpm_issuer_purpose, "tpm.issuer-purpose", ERROR_UNAUTHORIZED,                                \
      "an intermediate certificate that a host sent may not certify endorsement keys: it is for "  \
      "something else, or only for certain names",                                                 \
      "ask the TPM's maker whether it issues endorsement certificates. If so, add it: hgsctl "     \
      "tpm-root add FILE --intermediate; if not, the endorsement certificate is forged")           \
    X(tpm_root_missing, "tpm.root-missing", ERROR_UNAUTHORIZED,                                    \
      "the chain of an endorsement certificate ends before a root",                                \
      "get the root that the message names from the TPM's maker: hgsctl tpm-root add FILE")        \
    X(tpm_chain_too_long, "tpm.chain-too-long", ERROR_LIMIT,                                       \
      "an endorsement certificate is further from a root than is allowed",                         \
      "add an authority nearer to it as a root")                                                   \
    X(tpm_root_not_authority, "tpm.root-not-authority", ERROR_INVALID,                             \
      "a certificate that should be trusted to issue others is none of an authority",              \
      "add the certificate of its issuer")                                                         \
    X(tpm_root_identity_authority, "tpm.root-identity-authority", ERROR_INVALID,                   \
      "an authority certifies identity keys only, and no endorsement keys",                        \
      "add the authority that issues the endorsement certificates")                                \
    X(tpm_root_place, "tpm.root-place", ERROR_INVALID, "a root was given as an intermediate",      \
      "add it as a root: without --intermediate")                                                  \
    X(tpm_trust_file, "tpm.trust-file", ERROR_MALFORMED,                                           \
      "a file of authorities is no PEM, DER, PKCS#7 or cabinet, or is damaged",                    \
      "look at it: openssl x509 -in FILE -noout -text (add -inform der for DER)")                  \
    X(tpm_session_malformed, "tpm.session-malformed", ERROR_MALFORMED,                             \
      "the state of a TPM session is not of its form",                                             \
      "attest again; if it happens always, the nodes run different versions")                      \
    X(tpm_command_malformed, "tpm.command-malformed", ERROR_MALFORMED,                             \
      "a TPM command that the service asks for is not of its form",                                \
      "check which service answers at the attestation URL: hgs host show")                         \
    X(tpm_command_refused, "tpm.command-refused", ERROR_UNAUTHORIZED,                              \
      "the service asks this host's TPM for something that attestation does not need",             \
      "check which service answers at the attestation URL: hgs host show")                         \
    X(tpm_response_malformed, "tpm.response-malformed", ERROR_MALFORMED,                           \
      "a TPM's response is not of its form", "attest again; update the TPM's firmware")            \
    X(tpm_response_failed, "tpm.response-code", ERROR_CRYPTO, "the TPM refused a command",         \
      "the message has the TPM's reason; attest again")                                            \
    X(tpm_response_attributes, "tpm.response-attributes", ERROR_CRYPTO,                            \
      "a TPM's response says that its session was no audit session",                               \
      "something between the service and the TPM alters messages")                                 \
    X(tpm_response_hmac, "tpm.response-hmac", ERROR_CRYPTO,                                        \
      "a response was not made by the TPM for this session, or was altered",                       \
      "something between the service and the TPM alters messages; attest again")                   \
    X(tpm_response_unexpected, "tpm.response-unexpected", ERROR_CRYPTO,                            \
      "a response belongs to another command than the one that was sent",                          \
      "responses are in the order of the commands; attest again")                                  \
    X(tpm_selection_altered, "tpm.selection-altered", ERROR_CRYPTO,                                \
      "the TPM read other PCRs than it was asked for",                                             \
      "the bank may be switched off in the firmware's setup: enable SHA-256")                      \
    X(tpm_pcr_count, "tpm.pcr-count", ERROR_CRYPTO,                                                \
      "the TPM returned fewer or more PCR values than its selection says, or of a wrong size",     \
      "update the TPM's firmware")                                                                 \
    X(tpm_pcr_counter, "tpm.pcr-counter", ERROR_CRYPTO, "PCRs were extended while they were read", \
      "attest again, when nothing measures")                                                       \
    X(tpm_key_altered, "tpm.key-altered", ERROR_CRYPTO,                                            \
      "the key that a TPM reports is not the one that it was told to create",                      \
      "something between the service and the TPM alters messages")                                 \
    X(tpm_name_wrong, "tpm.name-wrong", ERROR_CRYPTO,                                              \
      "the name that a TPM reports is not that of the object", "update the TPM's firmware")

ERROR_TABLE_DECLARE(tpm_errors, TPM_ERRORS)
