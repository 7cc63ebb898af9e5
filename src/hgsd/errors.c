/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/errors.h"

ERROR_TABLE_DEFINE(hgsd_errors, HGSD_ERRORS)
