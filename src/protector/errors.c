/* SPDX-License-Identifier: Apache-2.0 */
#include "protector/errors.h"

ERROR_TABLE_DEFINE(protector_errors, PROTECTOR_ERRORS)
