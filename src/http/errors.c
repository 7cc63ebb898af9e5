/* SPDX-License-Identifier: Apache-2.0 */
#include "http/errors.h"

ERROR_TABLE_DEFINE(http_errors, HTTP_ERRORS)
