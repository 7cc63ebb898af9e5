/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/errors.h"

ERROR_TABLE_DEFINE(vm_errors, VM_ERRORS)
