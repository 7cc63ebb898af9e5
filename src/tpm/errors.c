/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/errors.h"

ERROR_TABLE_DEFINE(tpm_errors, TPM_ERRORS)
