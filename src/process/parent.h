/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* The process that started pid, as /proc tells; 0 when that cannot be known. */
pid_t process_parent(pid_t pid);
