/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/file.h"
#include "base/table.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"
#include "tpm/trust.h"
#include "tpm/trust_file.h"

/* What one request carries, and so one commit. */
#define BATCH_MAX 128
#define BATCH_BYTES_MAX (240 * 1024) /* of DER */
#define NAME_SIZE 160

enum outcome { ADDED, CHANGED, SAME, REFUSED, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"added", "changed", "same", "refused"};

/* An addition of many certificates under way. */
struct adding {
    struct call *call;
    const char *file;                 /* that is being read */
    char names[BATCH_MAX][NAME_SIZE]; /* where each of the request came from */
    size_t count, bytes;
    size_t outcomes[OUTCOMES];
    struct error refusal; /* the first; what the command fails with when nothing is good */
    struct buf *items;    /* for --json: {"certificates": [… */
    struct json_writer writer;
    struct table *table;
};

static void begin_request(struct adding *adding)
{
    call_again(adding->call);
    json_write_array(&adding->call->writer, "certificates");
    adding->count = adding->bytes = 0;
}

static void note(struct adding *adding, const char *name, enum outcome outcome,
                 const struct json *item, const char *reason)
{
    bool intermediate = call_bool(item, "intermediate");
    struct json_writer *writer = &adding->writer;
    struct table *table = adding->table;
    adding->outcomes[outcome]++;
    json_write_object(writer, NULL);
    json_write_text(writer, "file", name);
    json_write_text(writer, "outcome", outcome_names[outcome]);
    if (reason != NULL) {
        json_write_text(writer, "reason", reason);
    } else {
        json_write_text(writer, "thumbprint", call_text(item, "thumbprint"));
        json_write_text(writer, "subject", call_text(item, "subject"));
        json_write_bool(writer, "intermediate", intermediate);
    }
    json_write_object_end(writer);
    table_cell(table, outcome == REFUSED ? TABLE_BAD : TABLE_PLAIN, "%s", outcome_names[outcome]);
    table_cell(table, TABLE_PLAIN, "%s",
               reason != NULL ? "" : (intermediate ? "intermediate" : "root"));
    table_cell(table, TABLE_FAINT, "%.16s", call_text(item, "thumbprint"));
    table_cell(table, TABLE_PLAIN, "%s", reason != NULL ? reason : call_text(item, "subject"));
    table_cell(table, TABLE_FAINT, "%s", name);
    table_end_row(table);
}

static void note_refusal(struct adding *adding, const char *name, const struct error *refusal)
{
    note(adding, name, REFUSED, NULL, refusal->message);
    if (adding->refusal.code == NULL)
        adding->refusal = *refusal;
}

static enum outcome outcome_of(const struct json *item)
{
    const char *word = call_text(item, "outcome");
    for (int i = 0; i < OUTCOMES; i++)
        if (strcmp(outcome_names[i], word) == 0)
            return (enum outcome)i;
    return REFUSED;
}

static bool send_request(struct adding *adding)
{
    struct call *call = adding->call;
    size_t place = 0;
    if (adding->count == 0)
        return true;
    json_write_array_end(&call->writer);
    if (!call_run(call, "tpm-root.add"))
        return false;
    for (const struct json *it = json_first(json_get(call->result, "certificates"));
         it != NULL && place < adding->count; it = json_next(it), place++) {
        enum outcome outcome = outcome_of(it);
        const char *reason = call_text(json_get(it, "error"), "message");
        note(adding, adding->names[place], outcome, it, outcome == REFUSED ? reason : NULL);
    }
    begin_request(adding);
    return true;
}

/* The folder says what a certificate is, or the administrator, or who signed it. */
static bool is_intermediate(const struct tpm_trust_found *found, const struct option_values *values,
                            const struct certificate *certificate)
{
    if (found->place != TPM_TRUST_UNSAID)
        return found->place == TPM_TRUST_INTERMEDIATE;
    if (option_given(values, "intermediate") || option_given(values, "root"))
        return option_given(values, "intermediate");
    return !certificate_verify_endorsement(certificate, certificate, true, NULL);
}

static bool add_found(void *context, const struct tpm_trust_found *found, struct error *err)
{
    struct adding *adding = context;
    struct error refusal;
    const char *name = found->name != NULL ? found->name : adding->file;
    _cleanup_certificate_ struct certificate *certificate = NULL, *checked = NULL;
    (void)err; /* is call->err */
    if (found->problem != NULL) {
        note_refusal(adding, name, found->problem);
        return true;
    }
    if (!certificate_parse_endorsement(&certificate, found->der, &refusal)) {
        note_refusal(adding, name, &refusal);
        return true;
    }
    bool intermediate = is_intermediate(found, adding->call->values, certificate);
    if (!tpm_trust_check(&checked, found->der, intermediate, &refusal)) {
        note_refusal(adding, name, &refusal);
        return true;
    }
    bool full = adding->count == BATCH_MAX || adding->bytes + found->der.size > BATCH_BYTES_MAX;
    if (full && !send_request(adding))
        return false;
    snprintf(adding->names[adding->count++], NAME_SIZE, "%s", name);
    adding->bytes += found->der.size;
    json_write_object(&adding->call->writer, NULL);
    json_write_base64(&adding->call->writer, "certificate", found->der);
    json_write_bool(&adding->call->writer, "intermediate", intermediate);
    json_write_object_end(&adding->call->writer);
    return true;
}

static bool add_file(struct adding *adding, const char *path)
{
    _cleanup_buf_ struct buf file;
    buf_init(&file, TPM_TRUST_FILE_SIZE_MAX);
    struct error *err = &adding->call->err;
    adding->file = path;
    if (!file_read(&file, path, err))
        return false;
    return tpm_trust_file_read(buf_slice(&file), add_found, adding, err) ||
           error_name_object(err, path);
}

static int say_added(struct adding *adding)
{
    const size_t *outcomes = adding->outcomes;
    if (outcomes[ADDED] + outcomes[CHANGED] + outcomes[SAME] == 0 && outcomes[REFUSED] > 0) {
        adding->call->err = adding->refusal;
        return call_fail(adding->call);
    }
    if (option_json(adding->call->values)) {
        json_write_array_end(&adding->writer);
        for (int i = 0; i < OUTCOMES; i++)
            json_write_integer(&adding->writer, outcome_names[i], (int64_t)outcomes[i]);
        json_write_object_end(&adding->writer);
        puts(buf_text(adding->items));
        return 0;
    }
    table_print(adding->table, stdout);
    printf("%zu added, %zu changed, %zu the same, %zu refused.%s\n", outcomes[ADDED],
           outcomes[CHANGED], outcomes[SAME], outcomes[REFUSED],
           option_given(adding->call->values, "dry-run") ? " (not done: --dry-run)" : "");
    return 0;
}

static int run_add(const struct option_values *values)
{
    const char *const headings[] = {"OUTCOME", "AS", "THUMBPRINT", "SUBJECT", "FILE", NULL};
    _cleanup_call_ struct call call;
    _cleanup_table_ struct table *table = table_new(headings);
    _cleanup_buf_ struct buf items;
    struct adding adding = {.call = &call, .table = table, .items = &items};
    call_init(&call, values);
    buf_init(&items, 64 * 1024 * 1024);
    json_writer_init(&adding.writer, &items);
    json_write_object(&adding.writer, NULL);
    json_write_array(&adding.writer, "certificates");
    begin_request(&adding);
    bool ok = true;
    for (size_t i = 0; ok && i < option_argument_count(values); i++)
        ok = add_file(&adding, option_argument(values, i));
    ok = ok && send_request(&adding);
    return ok ? say_added(&adding) : call_fail(&call);
}

static int run_list(const struct option_values *values)
{
    const char *const headings[] = {"THUMBPRINT", "AS", "SUBJECT", "EXPIRES", "ADDED", "BY", NULL};
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (option_argument(values, 0) != NULL)
        json_write_text(&call.writer, "pattern", option_argument(values, 0));
    if (!call_run(&call, "tpm-root.list"))
        return call_fail(&call);
    if (call_printed(&call))
        return 0;
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *it = json_first(json_get(call.result, "roots")); it != NULL;
         it = json_next(it)) {
        bool damaged = json_get(it, "error") != NULL;
        table_cell(table, TABLE_FAINT, "%.16s…", call_text(it, "thumbprint"));
        table_cell(table, damaged ? TABLE_BAD : TABLE_PLAIN, "%s",
                   damaged ? "DAMAGED" : (call_bool(it, "intermediate") ? "intermediate" : "root"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "subject"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "not_after"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "added"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "added_by"));
        table_end_row(table);
    }
    table_print(table, stdout);
    return 0;
}

static int run_remove(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *thumbprint = option_argument(values, 0);
    if (!option_given(values, "dry-run") &&
        !option_confirm(values, &call.err,
                        "Hosts whose endorsement certificates lead to %s will not attest.",
                        thumbprint))
        return call_fail(&call);
    json_write_text(&call.writer, "thumbprint", thumbprint);
    if (!call_run(&call, "tpm-root.remove"))
        return call_fail(&call);
    return call_say(&call, "%s (%s) is not trusted any more.", call_text(call.result, "thumbprint"),
                    call_text(call.result, "subject"));
}

static const struct option_argument file_arguments[] = {
    {"FILE", "certificates: PEM, DER, PKCS#7, or Microsoft's TrustedTpm.cab", OPTION_FILE, false,
     true},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument pattern_argument[] = {
    {"PATTERN", "subjects to list, with shell wildcards", OPTION_ANY, true, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_argument thumbprint_argument[] = {
    {"THUMBPRINT", "the certificate's, or its first digits", OPTION_ANY, false, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const struct option_entry add_options[] = {
    {"intermediate", NULL, "they issue for a root, and are none themselves", OPTION_FLAG,
     OPTION_ANY, NULL, false, "place", false},
    {"root", NULL, "they are roots, though another authority signed them", OPTION_FLAG, OPTION_ANY,
     NULL, false, "place", false},
    OPTION_ROW_DRY_RUN,
    OPTION_END,
};
static const struct option_entry remove_options[] = {OPTION_ROW_YES, OPTION_ROW_DRY_RUN,
                                                     OPTION_END};
static const char *const add_examples[] = {
    "hgsctl tpm-root add TrustedTpm.cab",
    "hgsctl tpm-root add vendor-root.pem && hgsctl tpm-root add vendor-issuer.der --intermediate",
    NULL};
static const char *const list_examples[] = {"hgsctl tpm-root list",
                                            "hgsctl tpm-root list '*Infineon*'", NULL};
static const char *const remove_examples[] = {"hgsctl tpm-root remove 5f2c9a01 --yes", NULL};

const struct option_command tpm_root_commands[] = {
    {"tpm-root add", "trust makers of TPMs: their roots and intermediate authorities",
     "A host in TPM mode is registered, and attests, when its TPM's endorsement certificate leads "
     "to one of these roots.\n\nThe cabinet's folders say which is a root; otherwise a certificate "
     "that signed itself is a root and any other is an intermediate, unless said. What cannot be "
     "read or trusted is listed with its reason, and the rest is added.",
     file_arguments, add_options, add_examples, NULL, run_add},
    {"tpm-root list", "list whom endorsement certificates may lead to", NULL, pattern_argument,
     NULL, list_examples, NULL, run_list},
    {"tpm-root remove", "trust a root or an intermediate authority no more", NULL,
     thumbprint_argument, remove_options, remove_examples, NULL, run_remove},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
