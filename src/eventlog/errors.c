/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/errors.h"

ERROR_TABLE_DEFINE(eventlog_errors, EVENTLOG_ERRORS)
