/* SPDX-License-Identifier: Apache-2.0 */
#include "hgs/what_if.h"

#include "base/table.h"

static const char *word_of(enum verdict_result result)
{
    switch (result) {
    case VERDICT_PASSED:
        return "Passed";
    case VERDICT_FAILED:
        return "Failed";
    default:
        return "NotEvaluated";
    }
}

static void write_reply(struct json_writer *writer, const struct attestation_reply *reply)
{
    char guid[GUID_TEXT_SIZE];
    json_write_bool(writer, "Result", reply->passed);
    json_write_array(writer, "Policies");
    for (size_t i = 0; i < reply->policy_count; i++) {
        const struct attestation_evaluated *policy = &reply->policies[i];
        json_write_object(writer, NULL);
        json_write_text(writer, "Name", policy->name);
        json_write_text(writer, "Result", word_of(policy->result));
        json_write_text(writer, "Reason", guid_format(&policy->reason, guid));
        json_write_text(writer, "Text", policy->text);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void print_reply(const struct attestation_reply *reply)
{
    static const char *const headings[] = {"POLICY", "RESULT", "WHY", NULL};
    _cleanup_table_ struct table *table = table_new(headings);
    for (size_t i = 0; i < reply->policy_count; i++) {
        const struct attestation_evaluated *policy = &reply->policies[i];
        enum table_tone tone = policy->result == VERDICT_PASSED   ? TABLE_GOOD
                               : policy->result == VERDICT_FAILED ? TABLE_BAD
                                                                  : TABLE_WARNING;
        table_cell(table, TABLE_PLAIN, "%s", policy->name);
        table_cell(table, tone, "%s", word_of(policy->result));
        table_cell(table, TABLE_PLAIN, "%s", policy->text);
        table_end_row(table);
    }
    table_print(table, stdout);
    puts(reply->passed ? "In TPM mode this host would pass."
                       : "In TPM mode this host would not pass.");
}

int what_if_run(struct output *output, const struct host_attest_options *options)
{
    struct error err;
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    if (!host_attest_what_if(&reply, options, &err))
        return option_fail(output->values, &err);
    write_reply(&output->writer, &reply);
    if (!output_json(output))
        print_reply(&reply);
    return reply.passed ? 0 : 1;
}
