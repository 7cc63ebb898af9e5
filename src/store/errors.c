/* SPDX-License-Identifier: Apache-2.0 */
#include "store/errors.h"

ERROR_TABLE_DEFINE(store_errors, STORE_ERRORS)
