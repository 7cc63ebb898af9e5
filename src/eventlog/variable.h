/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UEFI_VARIABLE_DATA (PFP 10.4.2.1): how firmware and shim log a UEFI variable. */

#include "base/guid.h"
#include "base/slice.h"

struct uefi_variable {
    struct guid vendor;
    struct slice name; /* UTF-16LE without a NUL */
    struct slice data;
};

/* 8be4df61-93ca-11d2-aa0d-00e098032b8c: SecureBoot, PK, KEK, boot entries. */
extern const struct guid uefi_global_variable;
/* d719b2cb-3d3a-4596-a3bc-dad00e67656f: db, dbx, dbt. */
extern const struct guid uefi_security_database;

/* The structure fills bytes exactly; borrows from them. False: it does not. */
bool uefi_variable_parse(struct uefi_variable *out, struct slice bytes);

/* The same, but with up to UEFI_VARIABLE_PADDING_MAX bytes of zeros behind, as versions 15 and
 * earlier of shim hash a structure that they made too long. */
#define UEFI_VARIABLE_PADDING_MAX 5
bool uefi_variable_parse_padded(struct uefi_variable *out, struct slice bytes);

/* Whether the name is this text of ASCII. */
bool uefi_variable_has_name(const struct uefi_variable *variable, const char *name);
bool uefi_variable_is(const struct uefi_variable *variable, const struct guid *vendor,
                      const char *name);
