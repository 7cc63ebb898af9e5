/* SPDX-License-Identifier: Apache-2.0 */
#include "http/date.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static int weekday(int64_t time)
{
    int64_t day = (time - (time < 0 ? 86399 : 0)) / 86400 % 7;
    return (int)(day < 0 ? day + 7 : day);
}

/* clock_format's "2026-11-23T10:00:00Z", in another order. */
char *http_date_format(int64_t time, char text[HTTP_DATE_SIZE])
{
    char iso[CLOCK_TEXT_SIZE];
    clock_format(time, iso);
    int month = (iso[5] - '0') * 10 + iso[6] - '0';
    snprintf(text, HTTP_DATE_SIZE, "%.3s, %.2s %.3s %.4s %.8s GMT",
             days + (size_t)3 * weekday(time), iso + 8, months + (size_t)3 * (month - 1), iso,
             iso + 11);
    return text;
}

bool http_date_parse(int64_t *out, const char *text)
{
    char iso[CLOCK_TEXT_SIZE], again[HTTP_DATE_SIZE];
    if (strlen(text) != HTTP_DATE_SIZE - 1)
        return false;
    for (int month = 0; month < 12; month++) {
        if (strncmp(text + 8, months + (size_t)3 * month, 3) != 0)
            continue;
        snprintf(iso, sizeof iso, "%.4s-%02d-%.2sT%.8sZ", text + 12, month + 1, text + 5,
                 text + 17);
        return clock_parse(out, iso, NULL) && strcmp(http_date_format(*out, again), text) == 0;
    }
    return false;
}
