/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/parts_private.h"

#include "admin/hgsd_errors.h"
#include "base/log.h"

#define FIELDS_MAX 8192
/* A clock that was wrong at the machine's start, or was set, is mostly right by then. */
#define STEADY_MS (INT64_C(3600) * 1000)

/* A record of the trail, which nobody waits for; the log has it in any case. */
static void record(struct parts *parts, const char *event, struct buf *fields)
{
    audit_append(parts->audit, event, slice_of(fields->data + 1, fields->size - 2), NULL, NULL,
                 NULL);
}

static void begin(struct json_writer *writer, struct buf *fields)
{
    buf_init(fields, FIELDS_MAX);
    json_writer_init(writer, fields);
    json_write_object(writer, NULL);
}

void parts_signer_made(void *context, const struct attestation_signer *signer,
                       const struct error *problem)
{
    struct parts *parts = context;
    char time[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    _cleanup_buf_ struct buf fields;
    begin(&writer, &fields);
    json_write_text(&writer, "signer", signer->thumbprint);
    json_write_text(&writer, "node", signer->node);
    json_write_text(&writer, "publish_at", clock_format(signer->publish_at, time));
    json_write_text(&writer, "active_at", clock_format(signer->active_at, time));
    if (problem != NULL) {
        json_write_text(&writer, "code", problem->code->name);
        json_write_text(&writer, "reason", problem->message);
        log_error(LOG_LEVEL_WARNING, problem, "an attestation signer signs unannounced");
    }
    json_write_object_end(&writer);
    record(parts, "signer.made", &fields);
}

void parts_host_clock_changed(void *context, const char *host,
                              const struct attestation_host_clock *clock, int64_t bound)
{
    struct parts *parts = context;
    char offset[CLOCK_OFFSET_SIZE];
    struct json_writer writer;
    struct error err = {0};
    _cleanup_buf_ struct buf fields;
    clock_format_offset(clock->offset, offset);
    begin(&writer, &fields);
    json_write_text(&writer, "host", host);
    json_write_integer(&writer, "offset", clock->offset);
    json_write_integer(&writer, "bound", bound);
    if (clock->is_off) {
        error_set(&err, &hgsd_host_clock, "hgsctl(8)", host, "its clock is %s against this node's",
                  offset);
        log_error(LOG_LEVEL_WARNING, &err, "a host's clock is off");
        json_write_text(&writer, "code", err.code->name);
    } else {
        log_write(LOG_LEVEL_NOTICE, "the clock of host %s is right again (%s)", host, offset);
    }
    json_write_object_end(&writer);
    record(parts, "clock.host", &fields);
}

void parts_host_clock(void *context, const char *host, int64_t offset)
{
    const struct parts *parts = context;
    attestation_host_clock_note(parts->attestation, host, offset);
}

bool parts_look_at_clock(struct parts *parts)
{
    int64_t bound, tolerance, seconds;
    struct error what = {0};
    attestation_clock_settings(parts->attestation, &bound, &tolerance);
    bool changed = node_clock_look(parts->node_clock, bound, &seconds, &what);
    attestation_keep_retired(parts->attestation,
                             node_clock_steady_ms(parts->node_clock) < STEADY_MS);
    if (!changed)
        return false;
    struct json_writer writer;
    _cleanup_buf_ struct buf fields;
    begin(&writer, &fields);
    json_write_text(&writer, "code", what.code->name);
    json_write_integer(&writer, "seconds", seconds);
    json_write_integer(&writer, "offset", node_clock_offset(parts->node_clock));
    json_write_text(&writer, "reason", what.message);
    json_write_object_end(&writer);
    record(parts, "clock.node", &fields);
    log_error(LOG_LEVEL_WARNING, &what, "this node's clock");
    return true;
}
