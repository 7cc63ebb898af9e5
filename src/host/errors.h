/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of host/. */

#include "base/error.h"

#define HOST_ERRORS(X)                                                                             \
    X(host_not_configured, "host.not-configured", ERROR_NOT_FOUND,                                 \
      "this host knows no Host Guardian Service",                                                  \
      "hgs host configure --attestation-url http://SERVER/Attestation --key-protection-url "       \
      "http://SERVER/KeyProtection")                                                               \
    X(host_key_missing, "host.key-missing", ERROR_NOT_FOUND, "this host has no host key",          \
      "make one and have it registered: hgs host key --generate --out FILE; then, at the "         \
      "service, hgsctl host add NAME --key FILE")                                                  \
    X(host_key_exists, "host.key-exists", ERROR_CONFLICT, "this host has a host key already",      \
      "use that one: hgs host key --out FILE; --yes makes another, which must be registered anew") \
    X(host_key_unusable, "host.key-unusable", ERROR_INVALID,                                       \
      "the host key cannot sign attestations",                                                     \
      "use RSA of 2048 bits or more, or ECDSA P-256 or P-384: hgs host key --generate")            \
    X(host_unauthorized, "host.unauthorized", ERROR_UNAUTHORIZED,                                  \
      "the service does not know this host (UnauthorizedHost)",                                    \
      "have its key registered: hgs host key --out FILE; at the service, hgsctl host add NAME "    \
      "--key FILE")                                                                                \
    X(host_insecure, "host.insecure", ERROR_UNAUTHORIZED,                                          \
      "this host does not meet the service's policies (InsecureHostConfiguration)",                \
      "the message names the policies; see at the service: hgsctl event list")                     \
    X(host_tpm, "host.tpm", ERROR_UNAVAILABLE, "the TPM exchange failed (TpmError)",               \
      "try again; if it persists, look at the TPM: tpm2_getcap properties-variable")               \
    X(host_unavailable, "host.unavailable", ERROR_UNAVAILABLE,                                     \
      "the service could not attest this host just now (TransientError)",                          \
      "try again; if it persists, look at the service: hgsctl server show")                        \
    X(host_mode, "host.mode", ERROR_CONFLICT,                                                      \
      "the service attests in a mode that this host does not do",                                  \
      "have it switched (hgsctl server set --trust hostkey), or use another service")              \
    X(host_refused, "host.refused", ERROR_INVALID, "the service refused this host's request",      \
      "check that the URLs are those of a Host Guardian Service: hgs host show; see there: "       \
      "hgsctl event list")                                                                         \
    X(host_reply, "host.reply", ERROR_MALFORMED, "a reply is not one of a Host Guardian Service",  \
      "check the URLs: hgs host show; look at what answers there with curl -i")                    \
    X(host_certificate, "host.certificate", ERROR_INVALID,                                         \
      "the health certificate that the service issued is not usable here",                         \
      "compare the clocks of this host and the service (timedatectl), then hgs host attest")       \
    X(host_identity_malformed, "host.identity-malformed", ERROR_MALFORMED,                         \
      "the kept identity key and health certificate are damaged", "attest anew: hgs host attest")  \
    X(host_health_refused, "host.health-refused", ERROR_UNAUTHORIZED,                              \
      "the key protection service does not accept this host's health certificate",                 \
      "attest anew: hgs host attest; both URLs must belong to one service (hgs host show)")        \
    X(host_protector_refused, "host.protector-refused", ERROR_INVALID,                             \
      "the key protection service does not accept the key protector",                              \
      "if its guardian is not among those of hgs vm show FILE, have the owner grant it; if the "   \
      "file was altered: hgs vm restore FILE")                                                     \
    X(host_release_unavailable, "host.release-unavailable", ERROR_UNAVAILABLE,                     \
      "the key protection service cannot release keys just now",                                   \
      "try again; if it persists, look at the service: hgsctl server show")                        \
    X(host_release_wrong, "host.release-wrong", ERROR_CRYPTO,                                      \
      "what the key protection service released does not fit the VM file",                         \
      "nothing was changed; another answered in the service's place, or it is broken: see its "    \
      "events (hgsctl event list)")                                                                \
    X(host_service_unknown, "host.service-unknown", ERROR_UNAUTHORIZED,                            \
      "a key protector was signed by another service than the one this host was told to trust",    \
      "if the service has a new signing certificate, compare it with its administrator's "         \
      "(hgsctl certificate list), then hgs host configure --service-thumbprint HEX")

ERROR_TABLE_DECLARE(host_errors, HOST_ERRORS)
