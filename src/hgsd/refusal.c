/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/refusal.h"

#include "base/json.h"

#define FIELDS_MAX 4096
/* Our longest path is a quarter of it; a scanner's may fill the head of a request. */
#define TEXT_MAX 256

static void write_cut(struct json_writer *writer, const char *name, const char *text)
{
    if (text != NULL)
        json_write_slice(writer, name, slice_of(text, strnlen(text, TEXT_MAX)));
}

void refusal_record(struct audit *audit, const struct http_refusal *refusal)
{
    struct json_writer writer;
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, FIELDS_MAX);
    json_writer_init(&writer, &fields);
    write_cut(&writer, "method", refusal->method);
    write_cut(&writer, "path", refusal->path);
    if (refusal->status != 0)
        json_write_integer(&writer, "status", refusal->status);
    json_write_text(&writer, "code", refusal->code->name);
    json_write_text(&writer, "reason", refusal->code->cause);
    json_write_text(&writer, "peer", refusal->peer);
    audit_append_limited(audit, "http.refused", refusal->peer, buf_slice(&fields), NULL);
}
