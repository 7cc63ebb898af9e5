/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of keyprotection/. */

#include "base/error.h"

#define KEYPROTECTION_ERRORS(X)                                                                   \
    X(keyprotection_request_malformed, "keyprotection.request-malformed", ERROR_MALFORMED,        \
      "a request to the Key Protection Service is not a RollTransportKeyRequest",                 \
      "nothing that speaks MS-KPS sends such a request: find out what did")                       \
    X(keyprotection_reply_malformed, "keyprotection.reply-malformed", ERROR_MALFORMED,            \
      "the answer of a Key Protection Service is not one of MS-KPS",                              \
      "check the URL (hgs host show): something else may answer there")                           \
    X(keyprotection_guardian_gone, "keyprotection.guardian-gone", ERROR_NOT_FOUND,                \
      "a key protector names no signing certificate that this service still has",                 \
      "have the owner import today's metadata (hgs guardian import NAME URL --replace) and "      \
      "grant access anew: hgs vm grant FILE --guardian NAME")                                     \
    X(keyprotection_disabled, "keyprotection.certificate-disabled", ERROR_UNAUTHORIZED,           \
      "a key protector asks for a certificate of this service that is disabled",                  \
      "have the owner import today's metadata (hgs guardian import NAME URL --replace) and "      \
      "grant access anew (hgs vm grant FILE --guardian NAME); until then, or if it was a "        \
      "mistake: hgsctl certificate set T --type TYPE --enable")                                   \
    X(keyprotection_no_encryption_certificate, "keyprotection.no-encryption-certificate",         \
      ERROR_NOT_FOUND, "the service has no primary encryption certificate",                       \
      "initialise it (hgsctl server init), or add one: hgsctl certificate add --type "            \
      "encryption, then certificate set T --type encryption --primary")                           \
    X(keyprotection_no_signing_certificate, "keyprotection.no-signing-certificate",               \
      ERROR_NOT_FOUND, "the service has no primary signing certificate",                          \
      "initialise it (hgsctl server init), or add one: hgsctl certificate add --type signing, "   \
      "then certificate set T --type signing --primary")                                          \
    X(keyprotection_metadata_unsigned, "keyprotection.metadata-unsigned", ERROR_UNAVAILABLE,      \
      "the guardian's metadata is not signed: the key that must sign it cannot be used now",      \
      "at the service, see which key or token fails and why (hgsctl server test, hgsctl token "   \
      "list), and mend that; no other key signs in its place, but one that works can be made "    \
      "primary: hgsctl certificate set T --type TYPE --primary")                                  \
    X(keyprotection_busy, "keyprotection.busy", ERROR_UNAVAILABLE,                                \
      "more releases wait than the service's queue holds", "try again in a moment")               \
    X(keyprotection_record, "keyprotection.record", ERROR_INTERNAL,                               \
      "a record of the store that key protection needs cannot be read",                           \
      "remove and add the object again; it was written by another version or damaged")            \
    X(health_malformed, "health.malformed", ERROR_MALFORMED,                                      \
      "a health certificate is not an X.509 certificate with a usable key",                       \
      "attest again: hgs host attest")                                                            \
    X(health_untrusted, "health.untrusted", ERROR_UNAUTHORIZED,                                   \
      "a health certificate was issued by no attestation signer that this service trusts",        \
      "attest at this service's own Attestation Service: hgs host show has both URLs")            \
    X(health_expired, "health.expired", ERROR_UNAUTHORIZED,                                       \
      "a health certificate, or its signer's, is expired or not yet valid",                       \
      "attest again (hgs host attest); when that does not help, compare the clocks of host and "  \
      "service")                                                                                  \
    X(health_denied, "health.denied", ERROR_UNAUTHORIZED,                                         \
      "a health certificate was issued before the time from which its signer is accepted",        \
      "attest again: hgs host attest (the time: hgsctl signer list)")                             \
    X(health_profile, "health.profile", ERROR_UNAUTHORIZED,                                       \
      "a certificate by an attestation signer is no health certificate for encryption",           \
      "attest again and send the certificate of the identity encryption key")                     \
    X(signer_unfit, "signer.unfit", ERROR_INVALID,                                                \
      "a certificate is none that an attestation signer can have",                                \
      "take the signers from the other service: curl -o signers.json "                            \
      "http://OTHER/Attestation/v2.0/signingCertificates, then hgsctl signer trust signers.json") \
    X(certificate_key_kind, "certificate.key-kind", ERROR_INVALID,                                \
      "a guardian certificate's key is not an RSA key",                                           \
      "make one with an RSA key of 2048 bits or more")                                            \
    X(certificate_usage, "certificate.usage", ERROR_INVALID,                                      \
      "a certificate's key usage does not allow what it would be used for",                       \
      "signing and communications need digitalSignature, encryption needs keyEncipherment or "    \
      "dataEncipherment")                                                                         \
    X(certificate_critical, "certificate.critical-extension", ERROR_INVALID,                      \
      "a certificate has a critical extension that nobody here understands",                      \
      "have it issued without that extension")                                                    \
    X(certificate_key_uri, "certificate.key-uri", ERROR_USAGE,                                    \
      "the URI of a key in a token cannot be taken",                                              \
      "name token and object alone, as pkcs11:token=NAME;object=LABEL (RFC 7512)")                \
    X(certificate_only_sha1, "certificate.only-sha1", ERROR_UNSUPPORTED,                          \
      "an HSM decrypts key protectors for a certificate only when they are written with SHA-1",   \
      "allow raw RSA for the token (raw-rsa = yes in hgsd.conf); or add the certificate with "    \
      "--only-sha1, and have owners import the guardian with hgs guardian import --sha1")         \
    X(certificate_type_unknown, "certificate.type-unknown", ERROR_USAGE,                          \
      "there is no such type of guardian certificate",                                            \
      "use signing, encryption or communications")

ERROR_TABLE_DECLARE(keyprotection_errors, KEYPROTECTION_ERRORS)
