/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of attestation/. */

#include "base/error.h"

#define ATTESTATION_ERRORS(X)                                                                      \
    X(attestation_not_initialized, "attestation.not-initialized", ERROR_UNAVAILABLE,               \
      "the service has no attestation mode yet", "initialise it: hgsctl server init")              \
    X(attestation_mode_wrong, "attestation.mode-wrong", ERROR_CONFLICT,                            \
      "a host asked for another mode of attestation than the service's",                           \
      "the host should follow the mode that the reply names; see hgsctl server show")              \
    X(attestation_mode_unsupported, "attestation.mode-unsupported", ERROR_UNAVAILABLE,             \
      "this version does not attest hosts in the service's mode",                                  \
      "install a version that does, or change the mode: hgsctl server set --trust hostkey")        \
    X(attestation_payload_malformed, "attestation.payload-malformed", ERROR_MALFORMED,             \
      "a request is not of the shape that its door takes",                                         \
      "find out which program sent it; the message names the property")                            \
    X(attestation_content_refused, "attestation.content-refused", ERROR_UNSUPPORTED,               \
      "a request asks for a certificate, or gives evidence, that this mode does not have",         \
      "ask for an encryption certificate; signing certificates need the setting "                  \
      "allow_unprotected_signing_keys")                                                            \
    X(attestation_host_key, "attestation.host-key", ERROR_UNAUTHORIZED,                            \
      "a host's key is of a kind or size that no registered host has",                             \
      "make a key of RSA 2048 bits or more, or ECDSA P-256 or P-384: hgs host key --generate")     \
    X(attestation_host_unknown, "attestation.host-unknown", ERROR_UNAUTHORIZED,                    \
      "a host that is not registered asked to be attested",                                        \
      "if it should be: on the host, hgs host identify --name NAME --out FILE, here, hgsctl host " \
      "add NAME --tpm FILE; in host key mode: hgs host key --out FILE, hgsctl host add NAME "      \
      "--key FILE")                                                                                \
    X(attestation_signature_wrong, "attestation.signature-wrong", ERROR_UNAUTHORIZED,              \
      "the signature of an attestation was not made by the host's key over what was sent",         \
      "the request was altered, or its sender does not have the host's private key")               \
    X(attestation_identity_key, "attestation.identity-key", ERROR_INVALID,                         \
      "the identity key that should be certified is not a usable RSA key",                         \
      "make an RSA key of 2048 bits or more; hgs host attest does")                                \
    X(attestation_no_signer, "attestation.no-signer", ERROR_UNAVAILABLE,                           \
      "this node has no attestation signer that is valid now",                                     \
      "see hgsctl signer list; hgsctl signer renew makes one")                                     \
    X(attestation_signer_failed, "attestation.signer-failed", ERROR_UNAVAILABLE,                   \
      "the attestation signer's key did not sign",                                                 \
      "try again; if it persists, make another signer: hgsctl signer renew")                       \
    X(attestation_signer_future, "attestation.signer-future", ERROR_CONFLICT,                      \
      "an attestation signer is not valid yet by this node's clock: it was made while a clock "    \
      "was ahead, or this clock is behind",                                                        \
      "compare the clocks (timedatectl, hgsctl server show) and set the wrong one right; another " \
      "signer signs meanwhile, and this one is of use again when its time has come")               \
    X(attestation_signer_unannounced, "attestation.signer-unannounced", ERROR_CONFLICT,            \
      "an attestation signer signs before those who verify could know it, because no other of "    \
      "its node was valid: the clock was set, or hgsd did not run when it was due",                \
      "nothing for hosts and keys: key protection knows it; SQL clients that keep the list may "   \
      "refuse it for up to a day (start them again); keep the clock right (timedatectl)")          \
    X(attestation_deny_ahead, "attestation.deny-ahead", ERROR_UNAVAILABLE,                         \
      "what would be issued now is denied: the time of signer deny-before has not come by this "   \
      "node's clock",                                                                              \
      "set the clock right (timedatectl, hgsctl server show); or lift it: hgsctl signer "          \
      "deny-before never, with --signer T if it is of one signer")                                 \
    X(attestation_unaudited, "attestation.unaudited", ERROR_UNAVAILABLE,                           \
      "an attestation passed but could not be put into the audit trail, so nothing was issued",    \
      "make room on the audit trail's disk; see hgsctl server show")                               \
    X(attestation_host_name, "attestation.host-name", ERROR_USAGE, "a name is not a host's name",  \
      "use 1 to 128 letters, digits, dots, underscores and hyphens, the first a letter or digit")  \
    X(attestation_host_malformed, "attestation.host-malformed", ERROR_MALFORMED,                   \
      "the store's record of a host is damaged", "remove the host and add it again")               \
    X(attestation_signer_malformed, "attestation.signer-malformed", ERROR_MALFORMED,               \
      "the store's record of an attestation signer is damaged",                                    \
      "restore a backup (hgsctl state import), or make another signer: hgsctl signer renew")       \
    X(attestation_settings_malformed, "attestation.settings-malformed", ERROR_MALFORMED,           \
      "a setting of the attestation service is of the wrong form or out of its bounds",            \
      "the message names the setting and its bounds")                                              \
    X(attestation_reply_malformed, "attestation.reply-malformed", ERROR_MALFORMED,                 \
      "a reply of an attestation service is not one of the protocol's",                            \
      "check the attestation URL: hgs host show; open it with curl")                               \
    X(attestation_context_malformed, "attestation.context-malformed", ERROR_MALFORMED,             \
      "the remote TPM's context in a message is not of the protocol's form",                       \
      "find out which program sent it; the message names the part")                                \
    X(attestation_context_too_large, "attestation.context-too-large", ERROR_LIMIT,                 \
      "the remote TPM's context in a message is larger than the protocol takes",                   \
      "a log may have 2 MiB, a context 3 MiB; a host with a larger IMA log needs a policy that "   \
      "measures less")                                                                             \
    X(attestation_state_refused, "attestation.state-refused", ERROR_INVALID,                       \
      "the state of an attestation that a host brought back does not open",                        \
      "begin the attestation anew; if it happens always, the nodes have different cluster "        \
      "keys, or something between host and service alters messages")                               \
    X(attestation_exchange_expired, "attestation.exchange-expired", ERROR_INVALID,                 \
      "an attestation took longer than it may",                                                    \
      "attest again; slow TPMs may need more time: the setting rtpm_exchange_seconds")             \
    X(attestation_state_mismatch, "attestation.state-mismatch", ERROR_INVALID,                     \
      "an attestation went on with another request than it began with",                            \
      "begin the attestation anew; the host's program is at fault when it happens always")         \
    X(attestation_policies_changed, "attestation.policies-changed", ERROR_INVALID,                 \
      "the policies were changed while a host attested", "attest again")                           \
    X(attestation_log_changed, "attestation.log-changed", ERROR_INVALID,                           \
      "a host sent another event log in the middle of its attestation",                            \
      "attest again; the host's program is at fault when it happens always")                       \
    X(attestation_pcr_changed, "attestation.pcr-changed", ERROR_INVALID,                           \
      "a host's TPM reads other PCR values than those that its attestation began with",            \
      "attest again; if it happens always, something on the host still extends PCRs, or the "      \
      "values that it sends are not its TPM's")                                                    \
    X(attestation_pcr_bank, "attestation.pcr-bank", ERROR_INVALID,                                 \
      "a host attests by another bank of its TPM's PCRs than the one that it is registered for",   \
      "have the host send the registered one (host.conf, [tpm] pcr-bank); where its firmware "     \
      "measures into the other: hgsctl host set HOST --bank BANK")                                 \
    X(attestation_pcr_missing, "attestation.pcr-missing", ERROR_INVALID,                           \
      "a policy looks at a PCR whose value the host does not send",                                \
      "send the values of every PCR from 0 to 15, in the SHA-256 bank or a stronger one")          \
    X(attestation_pcrs_none, "attestation.pcrs-none", ERROR_CONFLICT,                              \
      "the policies of a host look at no PCR that its keys can be bound to, or at more than one "  \
      "attestation can read",                                                                      \
      "add policies that look at the boot, a baseline above all: hgsctl policy add NAME "          \
      "--baseline FILE")                                                                           \
    X(attestation_context_incomplete, "attestation.context-incomplete", ERROR_INVALID,             \
      "a part of the remote TPM's context is missing, or does not belong where it is",             \
      "find out which program sent it; the message names the part")                                \
    X(attestation_response_refused, "attestation.response-refused", ERROR_CRYPTO,                  \
      "a key that a TPM created is of no use", "attest again; update the TPM's firmware")          \
    X(attestation_tpm_version, "attestation.tpm-version", ERROR_UNSUPPORTED,                       \
      "a host with a TPM 1.2 asked to be attested", "use a TPM 2.0")                               \
    X(attestation_log_mismatch, "attestation.log-mismatch", ERROR_INVALID,                         \
      "an event log is not the one of the boot that the TPM has measured",                         \
      "attest again after a boot; a host that resumed from hibernation must boot in full, "        \
      "and firmware that writes incomplete logs needs an update")                                  \
    X(attestation_policies_failed, "attestation.policies-failed", ERROR_UNAUTHORIZED,              \
      "a host booted what its policies do not allow",                                              \
      "see why, and how the boot differs: hgsctl pending show HOST; boot what is trusted, or "     \
      "trust what was booted: hgsctl pending approve HOST --policy NAME")                          \
    X(attestation_certificate_missing, "attestation.certificate-missing", ERROR_UNAUTHORIZED,      \
      "a TPM has no endorsement certificate, and version v2 needs one",                            \
      "register the host without: hgsctl host add NAME --tpm FILE --force --policy-version v1; "   \
      "its policies must be of version v1 then too")                                               \
    X(attestation_force_version, "attestation.force-version", ERROR_USAGE,                         \
      "a host without a good endorsement certificate can only be registered as version v1",        \
      "add --policy-version v1, or leave --force away")                                            \
    X(attestation_force_needed, "attestation.force-needed", ERROR_UNAUTHORIZED,                    \
      "a host of version v1 has no endorsement certificate that leads to a root",                  \
      "add the root that is missing (hgsctl tpm-root add FILE), or register the host all the "     \
      "same: --force")                                                                             \
    X(attestation_host_set, "attestation.host-set", ERROR_USAGE,                                   \
      "the sets of a host are too many, or one has a name that is none",                           \
      "a host is in 16 sets at most; names have 1 to 128 letters, digits, dots, underscores "      \
      "and hyphens")                                                                               \
    X(attestation_identifier_malformed, "attestation.identifier-malformed", ERROR_MALFORMED,       \
      "a platform identifier is not a file of such",                                               \
      "make it anew on the host that should be registered: hgs host identify --name NAME --out "   \
      "FILE; on Windows: Get-PlatformIdentifier")                                                  \
    X(attestation_identifier_no_key, "attestation.identifier-no-key", ERROR_INVALID,               \
      "a platform identifier holds no endorsement key that can be used",                           \
      "make it anew on the host that should be registered: hgs host identify --name NAME --out "   \
      "FILE")                                                                                      \
    X(attestation_identifier_several_keys, "attestation.identifier-several-keys", ERROR_INVALID,   \
      "a platform identifier holds several endorsement keys, or a certificate of another key",     \
      "make it anew on the host (hgs host identify --name NAME --out FILE); one file is one "      \
      "TPM's")                                                                                     \
    X(attestation_tpm_root_malformed, "attestation.tpm-root-malformed", ERROR_MALFORMED,           \
      "the store's record of a TPM root is damaged",                                               \
      "remove it (hgsctl tpm-root remove THUMBPRINT) and add its certificate again")               \
    X(attestation_boot_malformed, "attestation.boot-malformed", ERROR_MALFORMED,                   \
      "the store's record of a boot is damaged", "it is written anew when the host attests")       \
    X(attestation_boot_none, "attestation.boot-none", ERROR_NOT_FOUND,                             \
      "no boot of that host is remembered",                                                        \
      "a boot is pending when the host attested and its policies failed: hgsctl pending list")     \
    X(attestation_boot_log_missing, "attestation.boot-log-missing", ERROR_LIMIT,                   \
      "the event log of a remembered boot is too large to be kept",                                \
      "take the log from the host (hgs host baseline FILE) and add it: hgsctl policy add NAME "    \
      "--baseline FILE")

ERROR_TABLE_DECLARE(attestation_errors, ATTESTATION_ERRORS)
