/* SPDX-License-Identifier: Apache-2.0 */
#include "host/errors.h"

ERROR_TABLE_DEFINE(host_errors, HOST_ERRORS)
