/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnose/explain.h"
#include "base/errors.h"
#include "hgsctl/commands.h"
#include "hgsd/errors.h"

static int print_all(const struct option_values *values)
{
    _cleanup_buf_ struct buf text;
    buf_init(&text, 1024 * 1024);
    diagnose_explain_list(&text, hgsd_errors, option_json(values));
    fputs(buf_text(&text), stdout);
    return 0;
}

static int run_explain(const struct option_values *values)
{
    const char *name = option_argument(values, 0);
    if (name == NULL)
        return print_all(values);
    const struct error_code *code = diagnose_explain_find(name, hgsd_errors);
    if (code == NULL) {
        struct error err;
        const char *nearest = diagnose_explain_nearest(name, hgsd_errors);
        error_set(&err, &base_usage, NULL, name, "there is no such error code%s%s%s",
                  nearest != NULL ? "; is it " : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "?" : "");
        return option_fail(values, &err);
    }
    _cleanup_buf_ struct buf text;
    buf_init(&text, 65536);
    if (option_json(values))
        diagnose_explain_format_json(&text, code);
    else
        diagnose_explain_format(&text, code);
    fputs(buf_text(&text), stdout);
    return 0;
}

static const struct option_argument code_argument[] = {
    {"CODE", "an error's code, as host.key-mode; none: list them all", OPTION_ANY, true, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const char *const examples[] = {"hgsctl explain audit.unwritable", "hgsctl explain", NULL};

const struct option_command explain_commands[] = {
    {"explain", "say what an error code means and what to do", NULL, code_argument, NULL, examples,
     NULL, run_explain},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
