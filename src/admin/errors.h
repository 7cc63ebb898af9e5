/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of admin/. */

#include "base/error.h"

#define ADMIN_ERRORS(X)                                                                            \
    X(admin_unreachable, "admin.unreachable", ERROR_UNAVAILABLE,                                   \
      "no service answers at the administration socket",                                           \
      "start it (systemctl start hgsd), or name its socket: hgsctl --socket PATH")                 \
    X(admin_denied, "admin.denied", ERROR_UNAUTHORIZED,                                            \
      "the caller is in none of the groups that may use this service",                             \
      "have an administrator add you to a group that [admin] of hgsd.conf names, then log in "     \
      "anew")                                                                                      \
    X(admin_read_only, "admin.read-only", ERROR_UNAUTHORIZED, "a reviewer asked for a change",     \
      "ask an administrator: [admin] administrators of hgsd.conf")                                 \
    X(admin_message, "admin.message", ERROR_MALFORMED,                                             \
      "a message on the administration socket is malformed",                                       \
      "use the hgsctl of the same version as the service")                                         \
    X(admin_operation_unknown, "admin.operation-unknown", ERROR_UNSUPPORTED,                       \
      "the service does not know this operation",                                                  \
      "use the hgsctl of the same version as the service")                                         \
    X(admin_argument, "admin.argument", ERROR_USAGE,                                               \
      "an argument is missing or of the wrong form", "see hgsctl(8), or the command's --help")     \
    X(admin_not_initialized, "admin.not-initialized", ERROR_CONFLICT,                              \
      "the service was not initialised yet",                                                       \
      "initialise it: hgsctl server init --service-name NAME --trust tpm "                         \
      "--generate-certificates")                                                                   \
    X(admin_initialized, "admin.initialized", ERROR_CONFLICT,                                      \
      "the service was initialised before",                                                        \
      "look at it: hgsctl server show; to begin anew: hgsctl server clear")                        \
    X(admin_exists, "admin.exists", ERROR_CONFLICT, "there is such an object already",             \
      "choose another name, or remove the old one first")                                          \
    X(admin_not_found, "admin.not-found", ERROR_NOT_FOUND, "there is no such object",              \
      "list what there is (the command with `list`), and check the spelling")                      \
    X(admin_primary, "admin.primary", ERROR_CONFLICT,                                              \
      "the primary certificate of its type cannot be removed or disabled",                         \
      "make another one primary first: hgsctl certificate set THUMBPRINT --type TYPE --primary")   \
    X(admin_certificate_needed, "admin.certificate-needed", ERROR_CONFLICT,                        \
      "key protectors would be lost with a certificate",                                           \
      "have their owners grant access anew (hgs vm grant), and look again: hgsctl certificate "    \
      "usage; or remove it all the same: --yes")                                                   \
    X(admin_certificate_rule, "admin.certificate-rule", ERROR_INVALID,                             \
      "a certificate does not meet the rules for its use",                                         \
      "request one with RSA of 2048 bits or more, and digital signature (signing) or key or data " \
      "encipherment (encryption) as key usage")                                                    \
    X(admin_mode_unsupported, "admin.mode-unsupported", ERROR_UNSUPPORTED,                         \
      "this version does not attest in that mode", "use --trust tpm or --trust hostkey")           \
    X(admin_not_applied, "admin.not-applied", ERROR_UNAVAILABLE,                                   \
      "a change was stored, but this node does not enforce it yet",                                \
      "look at it in a moment: hgsctl server show")                                                \
    X(admin_state_conflict, "admin.state-conflict", ERROR_CONFLICT,                                \
      "a backup and the service hold different objects of the same name",                          \
      "remove the one that is wrong and import again; nothing was overwritten")                    \
    X(admin_staged, "admin.staged", ERROR_CONFLICT,                                                \
      "a staged policy takes part only after it is activated, with all that is staged",            \
      "look at what is staged (hgsctl policy list --state staged), then: hgsctl policy activate")  \
    X(admin_builtin, "admin.builtin", ERROR_CONFLICT, "a built-in policy cannot be removed",       \
      "disable it, unless it is locked: hgsctl policy disable NAME")                               \
    X(admin_policy_needed, "admin.policy-needed", ERROR_CONFLICT,                                  \
      "hosts would fail a baseline without a code integrity policy",                               \
      "disable it instead (hgsctl policy disable NAME): then no host passes by it any more; or "   \
      "replace the baseline by one of a host that boots another image, and remove both")           \
    X(admin_policy_for, "admin.policy-for", ERROR_NOT_FOUND,                                       \
      "it is not clear for which host or set of hosts a policy should be",                         \
      "say which: --for host:NAME or --for set:NAME; see hgsctl host list")                        \
    X(admin_pending_changed, "admin.pending-changed", ERROR_CONFLICT,                              \
      "the host attested with another boot after its pending boot was looked at",                  \
      "look again: hgsctl pending show HOST")                                                      \
    X(admin_pending_remedy, "admin.pending-remedy", ERROR_INVALID,                                 \
      "no policy that can be made of a pending boot would let it pass",                            \
      "see what failed (hgsctl pending show HOST), and what each policy asks for (hgsctl policy "  \
      "show NAME)")                                                                                \
    X(admin_unhealthy, "admin.unhealthy", ERROR_UNAVAILABLE, "a test of the service failed",       \
      "the message says which one, and its own remedy")

ERROR_TABLE_DECLARE(admin_errors, ADMIN_ERRORS)
