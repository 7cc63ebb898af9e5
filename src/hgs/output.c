/* SPDX-License-Identifier: Apache-2.0 */
#include "hgs/output.h"

#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/file.h"
#include "host/hgs_errors.h"

#define OUTPUT_MAX ((size_t)16 * 1024 * 1024)

void output_init(struct output *output, const struct option_values *values)
{
    output->values = values;
    /* Some results are secrets (hgs vm unlock --json). */
    buf_init_secret(&output->buf, OUTPUT_MAX);
    json_writer_init(&output->writer, &output->buf);
    json_write_object(&output->writer, NULL);
}

void output_done(struct output *output)
{
    buf_done(&output->buf);
}

bool output_json(struct output *output)
{
    if (!option_json(output->values))
        return false;
    json_write_object_end(&output->writer);
    puts(buf_text(&output->buf));
    return true;
}

int output_say(struct output *output, const char *format, ...)
{
    if (output_json(output))
        return 0;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    return 0;
}

static int descriptor(const struct option_values *values)
{
    return (int)option_number(values, "out-fd", STDOUT_FILENO);
}

bool output_check_descriptor(const struct option_values *values, struct error *err)
{
    int flags = fcntl(descriptor(values), F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY)
        return true;
    const char *name = option_text(values, "out-fd");
    return error_set(err, &hgs_descriptor, NULL, name != NULL ? name : "standard output",
                     "the descriptor is not open for writing");
}

bool output_secret(const struct option_values *values, struct slice bytes, struct error *err)
{
    fflush(stdout);
    return file_write_fd(descriptor(values), bytes, "descriptor for the secret", err);
}
