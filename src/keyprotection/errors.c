/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/errors.h"

ERROR_TABLE_DEFINE(keyprotection_errors, KEYPROTECTION_ERRORS)
