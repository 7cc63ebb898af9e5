/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/errors.h"

ERROR_TABLE_DEFINE(bootimage_errors, BOOTIMAGE_ERRORS)
