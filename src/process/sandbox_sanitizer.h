/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a sandbox must make room for when AddressSanitizer is built in; in other builds the table is
 * empty. LeakSanitizer looks for leaks by ptrace at exit, which no sandbox allows: it is told not
 * to look in processes that entered one.
 */

#include "process/sandbox_seccomp.h"

extern const struct sandbox_table sandbox_sanitizer_calls;
/* Before the sandbox closes. */
void sandbox_sanitizer_quiet(void);
