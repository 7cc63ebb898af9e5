/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/signer_trust.h"

#include <stdio.h>

#include "attestation/message_reply.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/table.h"
#include "crypto/certificate_file.h"
#include "crypto/cms.h"
#include "crypto/pem.h"
#include "hgsctl/call.h"

/* A list of signing certificates is text: "[48,130,…]", up to four characters a byte. */
#define LIST_FILE_MAX (4 * PEM_FILE_SIZE_MAX)

static bool add_certificate(void *context, struct slice der, struct error *err)
{
    struct call *call = context;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!certificate_parse(&certificate, der, err))
        return false;
    json_write_base64(&call->writer, NULL, der);
    return true;
}

/* As signingCertificates answers (protocol.md 2), or as files have certificates. */
static bool add_certificates(struct call *call, const char *path)
{
    _cleanup_buf_ struct buf file, der;
    buf_init(&file, LIST_FILE_MAX);
    buf_init(&der, PEM_FILE_SIZE_MAX);
    if (!file_read(&file, path, &call->err))
        return false;
    struct slice bytes = buf_slice(&file);
    if (bytes.size == 0 || bytes.data[0] != '[')
        return certificate_file_read(bytes, add_certificate, call, &call->err);
    return attestation_reply_parse_signing_certificates(&der, bytes, &call->err) &&
           cms_parse_certificates(buf_slice(&der), add_certificate, call, &call->err);
}

static const char *outcome_words(const char *outcome)
{
    if (strcmp(outcome, "added") == 0)
        return "trusted from now on";
    return strcmp(outcome, "own") == 0 ? "this service's own" : "was trusted before";
}

int signer_trust_run(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    json_write_array(&call.writer, "certificates");
    if (!add_certificates(&call, option_argument(values, 0))) {
        error_name_object(&call.err, option_argument(values, 0));
        return call_fail(&call);
    }
    json_write_array_end(&call.writer);
    if (!call_run(&call, "signer.trust"))
        return call_fail(&call);
    if (call_printed(&call))
        return 0;
    const char *const headings[] = {"THUMBPRINT", "SUBJECT", "OUTCOME", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (const struct json *it = json_first(json_get(call.result, "signers")); it != NULL;
         it = json_next(it)) {
        table_cell(table, TABLE_FAINT, "%.16s…", call_text(it, "thumbprint"));
        table_cell(table, TABLE_PLAIN, "%s", call_text(it, "subject"));
        table_cell(table, TABLE_PLAIN, "%s", outcome_words(call_text(it, "outcome")));
        table_end_row(table);
    }
    table_print(table, stdout);
    if (option_given(values, "dry-run"))
        puts("(not done: --dry-run)");
    return 0;
}

int signer_distrust_run(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *thumbprint = option_argument(values, 0);
    if (!option_given(values, "dry-run") &&
        !option_confirm(
            values, &call.err,
            "Hosts with health certificates of signer %s will get no more keys here; of "
            "another service's, also after they attest anew there.",
            thumbprint))
        return call_fail(&call);
    json_write_text(&call.writer, "thumbprint", thumbprint);
    if (!call_run(&call, "signer.distrust"))
        return call_fail(&call);
    return call_say(&call, "Signer %s (%s) is not trusted any more%s.",
                    call_text(call.result, "thumbprint"), call_text(call.result, "subject"),
                    call_bool(call.result, "own") ? ", and its key is gone" : "");
}

/* "now", "never" (0: deny nothing), or a time. */
static bool read_time(struct call *call, int64_t *time, const char *text)
{
    struct clock clock;
    clock_init(&clock);
    *time = strcmp(text, "now") == 0 ? clock_now(&clock) : 0;
    return *time != 0 || strcmp(text, "never") == 0 || call_time(call, time, text);
}

int signer_deny_before_run(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    int64_t time;
    const char *signer = option_text(values, "signer");
    call_init(&call, values);
    if (!read_time(&call, &time, option_argument(values, 0)))
        return call_fail(&call);
    if (time != 0 && !option_given(values, "dry-run") &&
        !option_confirm(values, &call.err,
                        "Hosts with older health certificates must attest again before they get a "
                        "key."))
        return call_fail(&call);
    json_write_integer(&call.writer, "time", time);
    if (signer != NULL)
        json_write_text(&call.writer, "thumbprint", signer);
    if (!call_run(&call, "signer.deny-before"))
        return call_fail(&call);
    const char *who = signer != NULL ? call_text(call.result, "signer") : "any signer";
    if (time == 0)
        return call_say(&call, "Health certificates of %s count, whenever they were issued.", who);
    return call_say(&call, "Health certificates that %s issued before %s are refused.", who,
                    call_text(call.result, "deny_before"));
}
