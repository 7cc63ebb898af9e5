/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/errors.h"

ERROR_TABLE_DEFINE(crypto_errors, CRYPTO_ERRORS)
