/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/boot_log.h"

#include "base/file.h"
#include "eventlog/errors.h"

static const enum digest_algorithm banks[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};

static bool choose_bank(struct boot_log *log, const char *path, struct error *err)
{
    for (size_t i = 0; i < sizeof banks / sizeof banks[0]; i++) {
        log->bank = banks[i];
        if ((log->log.banks & 1u << eventlog_bank_of(banks[i])) != 0)
            return true;
    }
    return error_set(err, &eventlog_bank_missing, NULL, path,
                     "it has no bank of SHA-256 or stronger");
}

bool boot_log_read(struct boot_log *out, const char *path, struct error *err)
{
    *out = (struct boot_log){0};
    buf_init(&out->bytes, EVENTLOG_SIZE_MAX);
    return file_read(&out->bytes, path, err) &&
           eventlog_parse(&out->log, buf_slice(&out->bytes), err) && choose_bank(out, path, err);
}

void boot_log_done(struct boot_log *log)
{
    eventlog_done(&log->log);
    buf_done(&log->bytes);
}
