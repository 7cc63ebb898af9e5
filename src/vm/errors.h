/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of vm/. */

#include "base/error.h"

#define VM_ERRORS(X)                                                                               \
    X(vm_malformed, "vm.malformed", ERROR_MALFORMED, "a file is not a VM file, or was damaged",    \
      "bring back the last known good one: hgs vm restore FILE")                                   \
    X(vm_newer, "vm.newer", ERROR_UNSUPPORTED,                                                     \
      "a VM file was written by a newer version of this project",                                  \
      "install that version or a newer one")                                                       \
    X(vm_limit, "vm.limit", ERROR_LIMIT, "a VM file holds more, or a larger secret, than it may",  \
      "at most 64 secrets of 64 KiB each: keep larger things on the VM's encrypted disk")          \
    X(vm_secret_unknown, "vm.secret-unknown", ERROR_NOT_FOUND, "a VM file has no secret so named", \
      "see which it has: hgs vm show FILE")                                                        \
    X(vm_secret_exists, "vm.secret-exists", ERROR_CONFLICT,                                        \
      "a VM file has a secret of this name already",                                               \
      "choose another name, or remove the old one: hgs vm secret remove FILE NAME")                \
    X(vm_secret_sealed, "vm.secret-sealed", ERROR_CRYPTO,                                          \
      "a sealed secret does not open with the protector's transport key",                          \
      "the file was altered, or parts of two files were mixed: hgs vm restore FILE")               \
    X(vm_no_last_good, "vm.no-last-good", ERROR_NOT_FOUND,                                         \
      "there is no last known good copy of a VM file",                                             \
      "one is kept beside the file (FILE.last-good) from the first unlock on; else use a backup")  \
    X(vm_busy, "vm.busy", ERROR_UNAVAILABLE, "another process is changing a VM file",              \
      "try again when it is done; see who has it open: fuser FILE")

ERROR_TABLE_DECLARE(vm_errors, VM_ERRORS)
