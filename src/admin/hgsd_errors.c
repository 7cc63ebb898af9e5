/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/hgsd_errors.h"

ERROR_TABLE_DEFINE(hgsd_errors, HGSD_ERRORS)
