/* SPDX-License-Identifier: Apache-2.0 */
#include "hgs/errors.h"

ERROR_TABLE_DEFINE(hgs_errors, HGS_ERRORS)
