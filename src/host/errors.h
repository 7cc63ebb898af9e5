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
      "have it registered: hgs host identify --name NAME --out FILE, then hgsctl host add NAME "   \
      "--tpm FILE at the service; in host key mode: hgs host key --out FILE, then hgsctl host "    \
      "add NAME --key FILE. If it is registered, its TPM's certificate is not trusted there: "     \
      "hgsctl event list --host NAME says why")                                                    \
    X(host_insecure, "host.insecure", ERROR_UNAUTHORIZED,                                          \
      "this host does not meet the service's policies (InsecureHostConfiguration)",                \
      "hgs host show says what to do about each; at the service: hgsctl pending show HOST")        \
    X(host_tpm, "host.tpm", ERROR_UNAVAILABLE, "the TPM exchange failed (TpmError)",               \
      "try again; if it persists, look at the TPM: tpm2_getcap properties-variable")               \
    X(host_tpm_permission, "host.tpm-permission", ERROR_UNAUTHORIZED,                              \
      "this user may not use the TPM",                                                             \
      "join the group that the message names, usually tss: "                                       \
      "sudo usermod -aG tss USER, then log in again; or run the command as root")                  \
    X(host_tpm_missing, "host.tpm-missing", ERROR_NOT_FOUND, "there is no TPM there",              \
      "switch the TPM on in the firmware's setup; --tcti or HGS_TCTI names another one (a "        \
      "software TPM: swtpm:path=SOCKET)")                                                          \
    X(host_tpm_busy, "host.tpm-busy", ERROR_UNAVAILABLE, "another program uses the TPM alone",     \
      "use the kernel's resource manager, --tcti device:/dev/tpmrm0, or end the other program "    \
      "(fuser -v /dev/tpm0)")                                                                      \
    X(host_tpm_version, "host.tpm-version", ERROR_UNSUPPORTED, "the TPM is not a TPM 2.0",         \
      "look for TPM 2.0 in the firmware's setup; a TPM 1.2 cannot attest: use host key mode")      \
    X(host_tpm_name, "host.tpm-name", ERROR_USAGE, "a TPM is named in a way that nobody knows",    \
      "name it as device:/dev/tpmrm0 or swtpm:path=SOCKET (--tcti, HGS_TCTI, [tpm] tcti)")         \
    X(host_tpm_failed, "host.tpm-failed", ERROR_UNAVAILABLE, "the TPM did not do what it should",  \
      "try again; if it persists: tpm2_getcap properties-variable (lockout, free slots), and "     \
      "sudo dmesg | grep -i tpm")                                                                  \
    X(host_tpm_endorsement, "host.tpm-endorsement", ERROR_UNSUPPORTED,                             \
      "the TPM has no endorsement key that can be used",                                           \
      "make one and keep it: tpm2_createek -G rsa -c 0x81010001; [tpm] endorsement-key in "        \
      "host.conf chooses among several")                                                           \
    X(host_tpm_command, "host.tpm-command", ERROR_UNAUTHORIZED,                                    \
      "the service asked this host's TPM for something that attestation does not need",            \
      "nothing of it was done; check that the URL is that of your service: hgs host show")         \
    X(host_tpm_key_gone, "host.tpm-key-gone", ERROR_CONFLICT,                                      \
      "the identity key is no longer in the TPM: keys end when the machine starts anew",           \
      "attest anew: hgs host attest")                                                              \
    X(host_tpm_key_locked, "host.tpm-key-locked", ERROR_UNAUTHORIZED,                              \
      "the TPM does not let the identity key be used: its measurements are no longer those that "  \
      "were attested",                                                                             \
      "attest anew: hgs host attest; if that is refused, start the machine anew")                  \
    X(host_log_unreadable, "host.log-unreadable", ERROR_IO,                                        \
      "the log of what this machine measured at its start cannot be read",                         \
      "run as root, or mount securityfs (mount -t securityfs none /sys/kernel/security); "         \
      "--bios-log and --ima-log name copies")                                                      \
    X(host_baseline_invalid, "host.baseline-invalid", ERROR_INVALID,                               \
      "this machine's start is not one to make a baseline of",                                     \
      "change what the message names and start anew, or write it nevertheless: "                   \
      "hgs host baseline --skip-validation")                                                       \
    X(host_unavailable, "host.unavailable", ERROR_UNAVAILABLE,                                     \
      "the service could not attest this host just now (TransientError)",                          \
      "try again; if it persists, look at the service: hgsctl server show")                        \
    X(host_mode, "host.mode", ERROR_CONFLICT,                                                      \
      "the service attests in a mode that this host does not do",                                  \
      "attest again; in a mode that hosts cannot follow, have it switched (hgsctl server set "     \
      "--trust tpm), or use another service")                                                      \
    X(host_refused, "host.refused", ERROR_INVALID, "the service refused this host's request",      \
      "check that the URLs are those of a Host Guardian Service: hgs host show; see there: "       \
      "hgsctl event list")                                                                         \
    X(host_reply, "host.reply", ERROR_MALFORMED, "a reply is not one of a Host Guardian Service",  \
      "check the URLs: hgs host show; look at what answers there with curl -i")                    \
    X(host_certificate, "host.certificate", ERROR_INVALID,                                         \
      "the health certificate that the service issued is not usable here",                         \
      "compare the clocks of this host and the service (timedatectl), then hgs host attest")       \
    X(host_clock, "host.clock", ERROR_INVALID,                                                     \
      "the health certificate is not valid yet, or no longer, by this host's clock: it or the "    \
      "service's is wrong",                                                                        \
      "see both (timedatectl; at the service: hgsctl server show), set the wrong one right "       \
      "(timedatectl set-ntp true), then hgs host attest")                                          \
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
