/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Times in HTTP headers, in the one form that is still sent (RFC 9110 5.6.7, IMF-fixdate): "Sun, 06
 * Nov 1994 08:49:37 GMT". Without regard to the locale.
 */

#include <stdbool.h>
#include <stdint.h>

#define HTTP_DATE_SIZE sizeof "Sun, 06 Nov 1994 08:49:37 GMT"

/* Seconds since 1970, years 0000 to 9999; writes HTTP_DATE_SIZE bytes and returns text. */
char *http_date_format(int64_t time, char text[HTTP_DATE_SIZE]);
/* False for what is not exactly that, a day of the week that does not fit included. */
bool http_date_parse(int64_t *out, const char *text);
