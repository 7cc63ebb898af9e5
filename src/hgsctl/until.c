/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/until.h"

#include "admin/errors.h"
#include "base/clock.h"
#include "base/config.h"

bool until_add(struct call *call)
{
    struct clock clock;
    struct error ignored;
    int64_t time, milliseconds;
    char formatted[CLOCK_TEXT_SIZE];
    const char *text = option_text(call->values, "until");
    if (text == NULL)
        return true;
    clock_init(&clock);
    if (!clock_parse(&time, text, &ignored)) {
        if (!config_parse_duration(&milliseconds, text, &ignored))
            return error_set(&call->err, &admin_argument, "hgsctl(8)", text,
                             "say a time as 2026-11-30 or 2026-11-30T10:00:00Z, or how long: 36h, "
                             "30d");
        time = clock_now(&clock) + milliseconds / 1000;
    }
    json_write_text(&call->writer, "until", clock_format(time, formatted));
    return true;
}
