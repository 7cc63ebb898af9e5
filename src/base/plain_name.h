/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names that administrators choose: of services, hosts, sets, policies, tokens. They can stand in a
 * path, a command line, a log and a configuration file without being quoted. */

#include <stdbool.h>
#include <stddef.h>

#define PLAIN_NAME_SIZE 129 /* of the longest name with its NUL */

/* [A-Za-z0-9][A-Za-z0-9._-]*, with its NUL at most size bytes. The locale does not matter. */
bool plain_name_valid(const char *name, size_t size);
