/* SPDX-License-Identifier: Apache-2.0 */

/* JSON from anybody. What is accepted is the same text when it is written, read and written again;
 * and our writer says of each text what our reader reads. */

#include "base/json.h"

#include "require.h"

static void append_again(struct buf *out, struct slice text)
{
    _cleanup_json_ struct json *document = NULL;
    require(json_parse(&document, text, NULL));
    json_append(out, document);
    require(buf_ok(out, "fuzz", NULL));
}

static void write_text_again(const char *text)
{
    _cleanup_json_ struct json *document = NULL;
    _cleanup_buf_ struct buf out;
    buf_init(&out, 6 * strlen(text) + 16);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_array(&writer, NULL);
    json_write_text(&writer, NULL, text);
    json_write_array_end(&writer);
    require(json_parse(&document, buf_slice(&out), NULL));
    require(strcmp(json_text(json_first(document)), text) == 0);
}

static void ask_everything(const struct json *value)
{
    struct error err = {0};
    int64_t number;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, 4096);
    for (const struct json *child = json_first(value); child != NULL; child = json_next(child)) {
        const char *name = json_name(child);
        if (json_is_text(child))
            write_text_again(json_text(child));
        if (json_is_object(value)) {
            require(name != NULL && json_get(value, name) == child);
            if (json_get_integer(&number, value, name, &err))
                require(json_is_number(child) && (double)number == json_number(child));
            buf_reset(&bytes);
            json_get_bytes(&bytes, value, name, &err);
        }
        ask_everything(child);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_json_ struct json *document = NULL;
    struct error err = {0};
    if (!json_parse(&document, slice_of(data, size), &err)) {
        require(document == NULL && err.code != NULL);
        return 0;
    }
    _cleanup_buf_ struct buf first, second;
    buf_init(&first, 32 * size + 64);
    buf_init(&second, 32 * size + 64);
    json_append(&first, document);
    require(buf_ok(&first, "fuzz", NULL));
    append_again(&second, buf_slice(&first));
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
    ask_everything(document);
    return 0;
}
