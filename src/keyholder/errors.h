/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of keyholder/. */

#include "base/error.h"

#define KEYHOLDER_ERRORS(X)                                                                      \
    X(keyholder_away, "keyholder.away", ERROR_UNAVAILABLE,                                       \
      "the process that holds the private keys does not answer; it is being started again",      \
      "try again in a moment; if it persists, see why it stops: journalctl -u hgsd")             \
    X(keyholder_key_unknown, "keyholder.key-unknown", ERROR_NOT_FOUND,                           \
      "the keyholder has no such key loaded",                                                    \
      "see which keys cannot be read: hgsctl certificate list")                                  \
    X(keyholder_purpose, "keyholder.purpose", ERROR_UNAUTHORIZED,                                \
      "a key was asked for something that it is not meant for",                                  \
      "this is a fault of the service, or an attack on it: report it with the audit trail")      \
    X(keyholder_message, "keyholder.message", ERROR_MALFORMED,                                   \
      "a message to or from the keyholder is malformed",                                         \
      "this is a fault of the service, or an attack on it: report it with the log")              \
    X(keyholder_sealed, "keyholder.sealed", ERROR_INVALID,                                       \
      "a sealed key does not open with this node's cluster key",                                 \
      "restore cluster.key of this cluster to the keyholder's folder, or import a backup "       \
      "(hgsctl state import)")                                                                   \
    X(keyholder_cluster_key, "keyholder.cluster-key", ERROR_IO,                                  \
      "the cluster key cannot be read or made",                                                  \
      "check owner and mode (0600) of cluster.key in the keyholder's folder and of the folder")  \
    X(keyholder_limit, "keyholder.limit", ERROR_LIMIT,                                           \
      "the keyholder holds as many keys as it may",                                              \
      "remove certificates that nobody uses: hgsctl certificate list")                           \
    X(keyholder_permit, "keyholder.permit", ERROR_UNAUTHORIZED,                                  \
      "a backup of the private keys was asked for without proof that an administrator wants it", \
      "run the export as root or as the keyholder's user, who can open export.permit in the "    \
      "keyholder's folder")                                                                      \
    X(keyholder_meeting, "keyholder.meeting", ERROR_UNAVAILABLE,                                 \
      "the files that an administrator gives did not reach the keyholder",                       \
      "run the command again; it must be of the same version as the service")                    \
    X(keyholder_impostor, "keyholder.impostor", ERROR_UNAUTHORIZED,                              \
      "another process than the keyholder asked for private files; it got none",                 \
      "treat the service as taken over: stop it, and look into the audit trail and the log. If " \
      "/proc hides the processes of others from you, run the command as root")                   \
    X(backup_malformed, "backup.malformed", ERROR_MALFORMED,                                     \
      "a file is not a backup of this project, or was damaged or cut",                           \
      "use another copy; nothing was changed")                                                   \
    X(backup_newer, "backup.newer", ERROR_UNSUPPORTED,                                           \
      "a backup was written by a newer version of this project",                                 \
      "install that version or a newer one, and import again; nothing was changed")              \
    X(backup_password, "backup.password", ERROR_UNAUTHORIZED,                                    \
      "the password does not open the backup, or the backup was altered",                        \
      "try again with the password that was given to state export; nothing was changed")

ERROR_TABLE_DECLARE(keyholder_errors, KEYHOLDER_ERRORS)
