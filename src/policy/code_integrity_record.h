/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A code integrity policy as the member "ci" of a policy's record. */

#include "policy/code_integrity.h"

/* An object: "form", and members of the form. */
void code_integrity_write(struct json_writer *writer, const char *name, const struct policy_ci *ci);
/* policy.record-malformed, base.json-*, bootimage.digest-size. */
bool code_integrity_read(struct policy_ci *out, const struct json *object, struct error *err);

/* "windows", "unified-kernel", "kernel", "ima". */
const char *code_integrity_form_name(enum policy_ci_form form);
