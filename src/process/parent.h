/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The process that started pid, as /proc tells; 0 when that cannot be known. */
pid_t process_parent(pid_t pid);
/* Whether a process that pid's parent started, too, works as this user (its effective one). */
bool process_sibling_is(pid_t pid, uid_t user);
/* Whether pid's program was called name, of at most 15 characters. */
bool process_is_called(pid_t pid, const char *name);
