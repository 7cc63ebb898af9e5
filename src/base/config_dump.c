/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config_dump.h"

#include "base/json.h"

static const char *const type_names[] = {
    [CONFIG_TEXT] = "text",     [CONFIG_LIST] = "list",         [CONFIG_BOOL] = "bool",
    [CONFIG_NUMBER] = "number", [CONFIG_DURATION] = "duration", [CONFIG_SIZE] = "size",
};

static void dump_key(struct json_writer *writer, const struct config_key *key)
{
    json_write_object(writer, NULL);
    json_write_text(writer, "section", key->section);
    json_write_text(writer, "key", key->key);
    json_write_text(writer, "type", type_names[key->type]);
    json_write_text(writer, "default", key->initial != NULL ? key->initial : "");
    if (key->minimum != 0 || key->maximum != 0) {
        json_write_integer(writer, "minimum", key->minimum);
        json_write_integer(writer, "maximum", key->maximum);
    }
    json_write_text(writer, "description", key->description);
    json_write_object_end(writer);
}

void config_dump(struct buf *out, const struct config_key *keys, size_t count)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_array(&writer, NULL);
    for (size_t i = 0; i < count; i++)
        dump_key(&writer, &keys[i]);
    json_write_array_end(&writer);
    buf_append_text(out, "\n");
}
