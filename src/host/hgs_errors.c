/* SPDX-License-Identifier: Apache-2.0 */
#include "host/hgs_errors.h"

ERROR_TABLE_DEFINE(hgs_errors, HGS_ERRORS)
