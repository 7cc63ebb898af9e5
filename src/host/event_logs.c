/* SPDX-License-Identifier: Apache-2.0 */
#include "host/event_logs.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "host/errors.h"

static const char *choose(const char *path, const char *otherwise)
{
    return path != NULL && path[0] != '\0' ? path : otherwise;
}

static bool read_log(struct buf *out, const char *path, struct error *err)
{
    struct error cause = {0};
    if (!file_read(out, path, &cause))
        return error_set(err, &host_log_unreadable, NULL, path, "%s", cause.message);
    return true;
}

bool host_event_logs_read_bios(struct buf *out, const struct host_event_logs *logs,
                               struct error *err)
{
    return read_log(out, choose(logs->bios, HOST_BIOS_LOG), err);
}

bool host_event_logs_read_ima(struct buf *out, const struct host_event_logs *logs,
                              struct error *err)
{
    bool is_named = logs->ima != NULL && logs->ima[0] != '\0';
    const char *path = choose(logs->ima, HOST_IMA_LOG);
    if (!is_named && access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    return read_log(out, path, err);
}
