/* SPDX-License-Identifier: Apache-2.0 */
#include "hgs/baseline.h"

#include "base/file.h"
#include "hgs/output.h"
#include "hgs/platform.h"
#include "host/baseline.h"
#include "host/event_logs.h"

static enum eventlog_profile profile_of(const struct option_values *values)
{
    const char *word = option_text(values, "profile");
    bool is_windows = word != NULL && strcmp(word, "windows") == 0;
    return is_windows ? EVENTLOG_PROFILE_WINDOWS : EVENTLOG_PROFILE_LINUX;
}

int baseline_run(const struct option_values *values)
{
    struct error err;
    const char *path = option_argument(values, 0);
    bool skip = option_given(values, "skip-validation");
    _cleanup_host_config_ struct host_config config = {0};
    _cleanup_output_ struct output output;
    _cleanup_buf_ struct buf log;
    buf_init(&log, HOST_EVENT_LOG_MAX);
    output_init(&output, values);
    if (!platform_load_config(&config, values, PLATFORM_BIOS_LOG, &err) ||

        !host_baseline_read(&log, &config, &err) ||
        (!skip && !host_baseline_validate(buf_slice(&log), profile_of(values), &config, &err)) ||
        !file_replace(path, buf_slice(&log), 0644, &err))
        return option_fail(values, &err);
    json_write_text(&output.writer, "file", path);
    json_write_integer(&output.writer, "size", (int64_t)log.size);
    json_write_bool(&output.writer, "validated", !skip);
    return output_say(
        &output,
        "Wrote %s, %zu bytes%s. Have the service trust machines like this one: hgsctl "
        "policy add NAME --baseline %s",
        path, log.size, skip ? ", not validated" : "", path);
}

static const char *const profiles[] = {"linux", "windows", NULL};

const struct option_entry baseline_options[] = {
    {"skip-validation", NULL, "write the log whatever it says", OPTION_FLAG},
    {"profile", "PROFILE", "what the log is validated as: linux (default) or windows", OPTION_VALUE,
     OPTION_ANY, profiles},
    PLATFORM_ROW_TCTI,
    PLATFORM_ROW_BIOS_LOG,
    OPTION_END,
};
const struct option_argument baseline_arguments[] = {
    {"FILE", "where to write the log (.tcglog)", OPTION_FILE, false, false},
    {.name = NULL},
};
