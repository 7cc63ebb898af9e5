/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of process/. */

#include "base/error.h"

#define PROCESS_ERRORS(X)                                                                         \
    X(process_sandbox, "process.sandbox", ERROR_UNSUPPORTED,                                      \
      "the kernel refused a part of the sandbox",                                                 \
      "Linux 5.13 or newer with seccomp and Landlock is needed (CONFIG_SECURITY_LANDLOCK, and "   \
      "landlock in the lsm= boot parameter)")                                                     \
    X(process_user, "process.user", ERROR_USAGE,                                                  \
      "a user that the service should run as is unknown, or cannot be become",                    \
      "create it (systemd-sysusers), or correct [service] user or [keyholder] user in hgsd.conf") \
    X(process_socket, "process.socket", ERROR_IO, "a socket between processes failed",            \
      "the other side ended; see the log")                                                        \
    X(process_spawn, "process.spawn", ERROR_IO, "a process could not be started",                 \
      "check limits of processes and memory (systemctl show hgsd -p TasksMax -p MemoryMax)")      \
    X(process_journal, "process.journal", ERROR_UNAVAILABLE,                                      \
      "the systemd journal takes no entries",                                                     \
      "see systemctl status systemd-journald, and the mode of /run/systemd/journal/socket")       \
    X(process_capability, "process.capability", ERROR_UNAUTHORIZED,                               \
      "a process lacks a capability that it needs",                                               \
      "start hgsd as root with the capability in the CapabilityBoundingSet= of its unit")         \
    X(process_permission, "process.permission", ERROR_UNAUTHORIZED,                               \
      "the permissions of a file cannot be changed",                                              \
      "run the command as root, or as the file's owner")

ERROR_TABLE_DECLARE(process_errors, PROCESS_ERRORS)
