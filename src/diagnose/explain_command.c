/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnose/explain_command.h"

#include "diagnose/errors.h"
#include "diagnose/explain.h"

#define TEXT_MAX ((size_t)1024 * 1024)

static bool unknown(const char *name, struct error *err)
{
    const char *nearest = diagnose_explain_nearest(name);
    if (nearest == NULL)
        return error_set(err, &diagnose_code_unknown, NULL, name, "no table has it");
    return error_set(err, &diagnose_code_unknown, NULL, name, "no table has it (did you mean %s?)",
                     nearest);
}

static int run_explain(const struct option_values *values)
{
    struct error err;
    const char *name = option_argument(values, 0);
    _cleanup_buf_ struct buf text;
    buf_init(&text, TEXT_MAX);
    const struct error_code *code = name != NULL ? diagnose_explain_find(name) : NULL;
    if (name != NULL && code == NULL) {
        unknown(name, &err);
        return option_fail(values, &err);
    }
    if (name == NULL)
        diagnose_explain_list(&text, option_json(values));
    else if (option_json(values))
        diagnose_explain_format_json(&text, code);
    else
        diagnose_explain_format(&text, code);
    fputs(buf_text(&text), stdout);
    return 0;
}

static const struct option_argument arguments[] = {
    {"CODE", "as an error shows it, \"vm.malformed\"; without it, all are listed", OPTION_ANY, true,
     false},
    {.name = NULL},
};
static const char *const examples[] = {"hgsctl explain audit.unwritable",
                                       "hgs explain host.unauthorized", NULL};

const struct option_command diagnose_explain_commands[] = {
    {"explain", "say what an error code means and what to do", NULL, arguments, NULL, examples,
     NULL, run_explain},
    {.name = NULL},
};
