/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of diagnose/. */

#include "base/error.h"

#define DIAGNOSE_ERRORS(X)                                             \
    X(diagnose_code_unknown, "diagnose.code-unknown", ERROR_NOT_FOUND, \
      "there is no such error code", "see all of them: hgsctl explain, or hgs explain")

ERROR_TABLE_DECLARE(diagnose_errors, DIAGNOSE_ERRORS)
