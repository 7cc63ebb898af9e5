/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/refusal.h"

#include "base/json.h"

#define FIELDS_MAX 4096
/* Our longest path is a quarter of it; a scanner's may fill the head of a request. */
#define TEXT_MAX 256

/* As it may stand in a URL, so that nothing is lost of what is no text, and no longer than
 * TEXT_MAX.
 */
static void write_encoded(struct json_writer *writer, const char *name, const char *text)
{
    if (text == NULL)
        return;
    _cleanup_buf_ struct buf encoded;
    buf_init(&encoded, TEXT_MAX + 3);
    for (; *text != '\0' && encoded.size < TEXT_MAX; text++) {
        uint8_t byte = (uint8_t)*text;
        if (byte > 0x20 && byte < 0x7f && byte != '%')
            buf_append_u8(&encoded, byte);
        else
            buf_append_format(&encoded, "%%%02X", byte);
    }
    json_write_slice(writer, name, buf_slice(&encoded));
}

void refusal_record(struct audit *audit, const struct http_refusal *refusal)
{
    struct json_writer writer;
    _cleanup_buf_ struct buf fields;
    buf_init(&fields, FIELDS_MAX);
    json_writer_init(&writer, &fields);
    write_encoded(&writer, "method", refusal->method);
    write_encoded(&writer, "path", refusal->path);
    if (refusal->status != 0)
        json_write_integer(&writer, "status", refusal->status);
    json_write_text(&writer, "code", refusal->code->name);
    json_write_text(&writer, "reason", refusal->code->cause);
    json_write_text(&writer, "peer", refusal->peer);
    audit_append_limited(audit, "http.refused", refusal->peer, buf_slice(&fields), NULL);
}
