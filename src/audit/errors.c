/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/errors.h"

ERROR_TABLE_DEFINE(audit_errors, AUDIT_ERRORS)
