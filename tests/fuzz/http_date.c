/* SPDX-License-Identifier: Apache-2.0 */

/* The Date header of any client: what is taken is exactly what would be written of it. */

#include "http/date.h"

#include <string.h>

#include "require.h"

#define INPUT_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[INPUT_MAX + 1], again[HTTP_DATE_SIZE];
    int64_t time;
    if (size > INPUT_MAX)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (http_date_parse(&time, text))
        require(strcmp(http_date_format(time, again), text) == 0);
    return 0;
}
