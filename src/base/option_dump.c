/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option_dump.h"

#include "base/json.h"

static void dump_option(struct json_writer *writer, const struct option_entry *option)
{
    static const char *const forms[] = {"flag", "value", "repeated"};
    static const char *const checks[] = {"any", "name", "pattern", "number", "file", "url"};
    json_write_object(writer, NULL);
    json_write_text(writer, "name", option->name);
    if (option->value != NULL)
        json_write_text(writer, "value", option->value);
    json_write_text(writer, "description", option->description);
    json_write_text(writer, "form", forms[option->form]);
    json_write_text(writer, "check", checks[option->check]);
    json_write_bool(writer, "required", option->required);
    if (option->group != NULL)
        json_write_text(writer, "group", option->group);
    if (option->choices != NULL) {
        json_write_array(writer, "choices");
        for (const char *const *choice = option->choices; *choice != NULL; choice++)
            json_write_text(writer, NULL, *choice);
        json_write_array_end(writer);
    }
    json_write_object_end(writer);
}

static void dump_options(struct json_writer *writer, const struct option_entry *table)
{
    json_write_array(writer, "options");
    for (; table != NULL && table->name != NULL; table++)
        if (!table->hidden)
            dump_option(writer, table);
    json_write_array_end(writer);
}

static void dump_command(struct json_writer *writer, const struct option_command *command)
{
    json_write_object(writer, NULL);
    json_write_text(writer, "name", command->name);
    json_write_text(writer, "summary", command->summary);
    if (command->description != NULL)
        json_write_text(writer, "description", command->description);
    json_write_array(writer, "arguments");
    for (const struct option_argument *a = command->arguments; a != NULL && a->name != NULL; a++) {
        json_write_object(writer, NULL);
        json_write_text(writer, "name", a->name);
        json_write_text(writer, "description", a->description);
        json_write_bool(writer, "optional", a->optional);
        json_write_bool(writer, "repeated", a->repeated);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    dump_options(writer, command->options);
    json_write_array(writer, "examples");
    for (const char *const *example = command->examples; *example != NULL; example++)
        json_write_text(writer, NULL, *example);
    json_write_array_end(writer);
    if (command->cmdlet != NULL)
        json_write_text(writer, "cmdlet", command->cmdlet);
    json_write_object_end(writer);
}

void option_dump(struct buf *out, const struct option_program *program)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "program", program->name);
    json_write_integer(&writer, "section", program->section);
    json_write_text(&writer, "summary", program->summary);
    if (program->description != NULL)
        json_write_text(&writer, "description", program->description);
    dump_options(&writer, program->options);
    json_write_array(&writer, "nouns");
    for (const struct option_noun *noun = program->nouns; noun->name != NULL; noun++) {
        json_write_object(&writer, NULL);
        json_write_text(&writer, "name", noun->name);
        json_write_text(&writer, "summary", noun->summary);
        json_write_array(&writer, "commands");
        for (const struct option_command *c = noun->commands; c->name != NULL; c++)
            dump_command(&writer, c);
        json_write_array_end(&writer);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    buf_append_text(out, "\n");
}
