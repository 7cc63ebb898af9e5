/* SPDX-License-Identifier: Apache-2.0 */

/* hgs explain: what an error code means. */

#include "diagnose/explain.h"
#include "hgs/commands.h"
#include "hgs/errors.h"
#include "hgsd/errors.h"

#define TEXT_MAX ((size_t)1024 * 1024)
#define CODES_MAX 256

/* Ours and the service's, as one table: a host's user sees errors of both. */
static const struct error_code *const *own_codes(void)
{
    static const struct error_code *codes[CODES_MAX + 1];
    static const struct error_code *const *const tables[] = {hgs_errors, hgsd_errors};
    size_t count = 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct error_code *const *code = tables[i]; *code != NULL; code++)
            if (count < CODES_MAX)
                codes[count++] = *code;
    codes[count] = NULL;
    return codes;
}

static bool unknown(const char *name, struct error *err)
{
    const char *nearest = diagnose_explain_nearest(name, own_codes());
    if (nearest == NULL)
        return error_set(err, &hgs_code_unknown, NULL, name, "no table has it");
    return error_set(err, &hgs_code_unknown, NULL, name, "no table has it (did you mean %s?)",
                     nearest);
}

static int run_explain(const struct option_values *values)
{
    struct error err;
    const char *name = option_argument(values, 0);
    _cleanup_buf_ struct buf text;
    buf_init(&text, TEXT_MAX);
    const struct error_code *code = name != NULL ? diagnose_explain_find(name, own_codes()) : NULL;
    if (name != NULL && code == NULL) {
        unknown(name, &err);
        return option_fail(values, &err);
    }
    if (name == NULL)
        diagnose_explain_list(&text, own_codes(), option_json(values));
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
static const char *const examples[] = {"hgs explain host.unauthorized", "hgs explain", NULL};

const struct option_command explain_commands[] = {
    {"explain", "say what an error code means and what to do", NULL, arguments, NULL, examples,
     NULL, run_explain},
    {.name = NULL},
};
