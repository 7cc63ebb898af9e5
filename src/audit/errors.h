/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of audit/. */

#include "base/error.h"

#define AUDIT_ERRORS(X)                                                                            \
    X(audit_unwritable, "audit.unwritable", ERROR_UNAVAILABLE,                                     \
      "the audit trail cannot be written, so no key is released",                                  \
      "make room on its disk or mend its folder's owner and mode; the service goes on by itself "  \
      "within a second")                                                                           \
    X(audit_damaged, "audit.damaged", ERROR_UNAVAILABLE,                                           \
      "records of the audit trail that were on disk are gone or changed, so no key is released",   \
      "see hgsctl event verify and find out who did it; then bring back the right file, and the "  \
      "service goes on by itself, or accept the loss: hgsctl event acknowledge")                   \
    X(audit_undamaged, "audit.undamaged", ERROR_CONFLICT,                                          \
      "the audit trail has no damage that waits to be acknowledged",                               \
      "nothing needs to be done; hgsctl server show says whether the trail is written")            \
    X(audit_busy, "audit.busy", ERROR_UNAVAILABLE,                                                 \
      "more events wait to be written than the queue holds",                                       \
      "try again; if it persists, the audit trail's disk is too slow")                             \
    X(audit_altered, "audit.altered", ERROR_INVALID, "a record of the audit trail was changed",    \
      "compare with a copy on another system (the journal); treat this node as compromised until " \
      "it is explained")                                                                           \
    X(audit_missing, "audit.missing", ERROR_INVALID, "records of the audit trail are missing",     \
      "restore the missing file if it was archived; treat this node as compromised until it is "   \
      "explained")                                                                                 \
    X(audit_reordered, "audit.reordered", ERROR_INVALID,                                           \
      "records of the audit trail are out of order",                                               \
      "compare with a copy on another system; treat this node as compromised until it is "         \
      "explained")                                                                                 \
    X(audit_cut, "audit.cut", ERROR_INVALID, "the end of the audit trail was cut off",             \
      "the store remembers later records; treat this node as compromised until it is explained")   \
    X(audit_checkpoint, "audit.checkpoint", ERROR_INVALID,                                         \
      "a checkpoint of the audit trail is not signed by the audit key",                            \
      "the trail was rewritten, or belongs to another cluster")                                    \
    X(audit_unreadable, "audit.unreadable", ERROR_IO, "the audit trail cannot be read",            \
      "run the command as a member of the administrators' group, and check the folder's mode")     \
    X(audit_sink_missing, "audit.sink-missing", ERROR_UNAVAILABLE,                                 \
      "what the audit trail shall be copied to is not there, so no key is released",               \
      "mend it (the message says what), or take it out of [audit] in hgsd.conf and restart; the "  \
      "service goes on by itself within a second of its coming back")                              \
    X(audit_sink_privilege, "audit.sink-privilege", ERROR_UNAUTHORIZED,                            \
      "the service may not write to the Linux audit system, so no key is released",                \
      "let the unit grant it: systemctl edit hgsd, [Service] "                                     \
      "CapabilityBoundingSet=CAP_AUDIT_WRITE, then "                                               \
      "restart; or set [audit] linux-audit = no")                                                  \
    X(audit_sink_failed, "audit.sink-failed", ERROR_UNAVAILABLE,                                   \
      "what the audit trail is copied to takes no records, so no key is released",                 \
      "see auditctl -s (backlog, enabled); the service goes on by itself within a second")         \
    X(audit_record_invalid, "audit.record-invalid", ERROR_INTERNAL,                                \
      "an event cannot be a record of the audit trail",                                            \
      "this is a fault of the service: report it with the message")

ERROR_TABLE_DECLARE(audit_errors, AUDIT_ERRORS)
