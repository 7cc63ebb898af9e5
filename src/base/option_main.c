/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/json.h"
#include "base/option_dump.h"
#include "base/option_help.h"
#include "base/option_private.h"

#define OUTPUT_MAX (1024 * 1024)

int option_fail(const struct option_values *values, const struct error *err)
{
    if (values->json) {
        struct buf out;
        buf_init(&out, OUTPUT_MAX);
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object(&writer, NULL);
        json_write_error(&writer, "error", err);
        json_write_object_end(&writer);
        fprintf(stderr, "%s\n", buf_text(&out));
        buf_done(&out);
    } else {
        char text[ERROR_OBJECT_SIZE + ERROR_MESSAGE_SIZE + 128];
        fprintf(stderr, "%s: %s\n", values->program->name, error_format(err, text, sizeof text));
        if (err->code != NULL && err->code->remedy != NULL)
            fprintf(stderr, "what to do: %s\n", err->code->remedy);
    }
    return error_kind(err) == ERROR_USAGE ? 2 : 1;
}

bool option_asks(const struct option_values *values)
{
    return !option_given(values, "yes") && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool option_confirm(const struct option_values *values, struct error *err, const char *format, ...)
{
    if (!option_asks(values))
        return true;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(" [y/N] ", stderr);
    fflush(stderr);
    char answer[16] = "";
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    return error_set(err, &base_declined, NULL, values->command->name, "nothing was changed");
}

static int show_help(const struct option_values *values, FILE *stream)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    if (values->wanted == WANTED_DUMP)
        option_dump(&out, values->program);
    else
        option_help_format(&out, values->program, values->words);
    fputs(buf_text(&out), stream);
    buf_done(&out);
    return 0;
}

static int run(const struct option_values *values)
{
    int status = 0;
    if (values->wanted == WANTED_RUN)
        status = values->command->run(values);
    else if (values->wanted == WANTED_VERSION)
        printf("%s %s\n", values->program->name, HGS_VERSION);
    else
        status = show_help(values, stdout);
    /* A result that did not reach its reader was not given: a full disk behind stdout, say. What
     * failed before is not tried again by fflush, and its number is not known any more. */
    bool failed_before = ferror(stdout) != 0;
    if ((fflush(stdout) != 0 || failed_before) && status == 0) {
        fprintf(stderr, "%s: cannot write the result: %s\n", values->program->name,
                failed_before ? "standard output took only a part of it" : strerror(errno));
        return 1;
    }
    return status;
}

int option_main(const struct option_program *program, int argc, char *const *argv)
{
    struct option_values *values;
    struct error err;
    int status = 2;
    if (option_parse(&values, program, argc, argv, &err))
        status = run(values);
    else if (values->incomplete && !values->json)
        show_help(values, stderr);
    else
        status = option_fail(values, &err);
    option_free(&values);
    return status;
}
