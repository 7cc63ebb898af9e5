/* SPDX-License-Identifier: Apache-2.0 */
#include "process/errors.h"

ERROR_TABLE_DEFINE(process_errors, PROCESS_ERRORS)
