/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/errors.h"

ERROR_TABLE_DEFINE(keyholder_errors, KEYHOLDER_ERRORS)
