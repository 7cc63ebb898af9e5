/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What commands print: a sentence or a table for people, one JSON object with --json, and secrets
 * to a descriptor. */

#include "base/json.h"
#include "base/option.h"

struct output {
    const struct option_values *values;
    struct buf buf;
    struct json_writer writer; /* inside one object, with --json */
};

/* Begins the JSON object; what is written is thrown away without --json. */
void output_init(struct output *output, const struct option_values *values);
void output_done(struct output *output);
#define _cleanup_output_ __attribute__((cleanup(output_done)))
/* With --json: prints the object and gives true. Otherwise false: the caller prints for people. */
bool output_json(struct output *output);
/* With --json the object, otherwise the sentence and a newline. Gives exit status 0. */
int output_say(struct output *output, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Checks before anything is done that --out-fd (if given) is open for writing. hgs.descriptor. */
bool output_check_descriptor(const struct option_values *values, struct error *err);
/* bytes, exactly, to --out-fd or stdout. */
bool output_secret(const struct option_values *values, struct slice bytes, struct error *err);

/* The row of the option for tables. */
#define OUTPUT_ROW_OUT_FD                                                                \
    {                                                                                    \
        "out-fd", "N", "write to descriptor N instead of standard output", OPTION_VALUE, \
            OPTION_NUMBER                                                                \
    }
