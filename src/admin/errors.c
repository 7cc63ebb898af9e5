/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/errors.h"

ERROR_TABLE_DEFINE(admin_errors, ADMIN_ERRORS)
