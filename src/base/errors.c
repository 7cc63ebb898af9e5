/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"

ERROR_TABLE_DEFINE(base_errors, BASE_ERRORS)
