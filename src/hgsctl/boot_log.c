/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/boot_log.h"

#include <stdio.h>

#include "base/file.h"
#include "bootimage/digests.h"
#include "eventlog/errors.h"

static bool choose_bank(struct boot_log *log, const char *path, struct error *err)
{
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        log->bank = digests_algorithms[i];
        if ((log->log.banks & 1u << eventlog_bank_of(log->bank)) != 0)
            return true;
    }
    return error_set(err, &eventlog_bank_missing, NULL, path,
                     "it has no bank of SHA-256 or stronger");
}

/* "FILE: event 12 at byte 3456": some commands read two logs. */
static bool parse(struct boot_log *out, const char *path, struct error *err)
{
    struct error why = {0};
    if (eventlog_parse(&out->log, buf_slice(&out->bytes), &why))
        return true;
    char object[ERROR_OBJECT_SIZE];
    snprintf(object, sizeof object, "%.180s%s%.64s", path, why.object[0] != '\0' ? ": " : "",
             why.object);
    return error_set(err, why.code, why.clause, object, "%s", why.message);
}

bool boot_log_read(struct boot_log *out, const char *path, struct error *err)
{
    *out = (struct boot_log){0};
    buf_init(&out->bytes, EVENTLOG_SIZE_MAX);
    return file_read(&out->bytes, path, err) && parse(out, path, err) &&
           choose_bank(out, path, err);
}

void boot_log_done(struct boot_log *log)
{
    eventlog_done(&log->log);
    buf_done(&log->bytes);
}
