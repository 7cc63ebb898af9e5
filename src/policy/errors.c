/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/errors.h"

ERROR_TABLE_DEFINE(policy_errors, POLICY_ERRORS)
