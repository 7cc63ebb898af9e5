/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnose/errors.h"

ERROR_TABLE_DEFINE(diagnose_errors, DIAGNOSE_ERRORS)
