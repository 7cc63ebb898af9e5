/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/errors.h"

ERROR_TABLE_DEFINE(attestation_errors, ATTESTATION_ERRORS)
