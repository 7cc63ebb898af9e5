/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain_name.h"

#include <string.h>

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool plain_name_valid(const char *name, size_t size)
{
    size_t length = strlen(name);
    return length > 0 && length < size && strspn(name, ALPHANUMERIC) > 0 &&
           strspn(name, ALPHANUMERIC "._-") == length;
}
