/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/message_reply.h"

#include "attestation/errors.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

static const char clause[] = "MS-HGSA 2.2.2";

static const char *const type_names[] = {
    [ATTESTATION_REPLY_ERROR] = "ErrorReply",
    [ATTESTATION_REPLY_OPERATION_MODE_ERROR] = "OperationModeErrorReply",
    [ATTESTATION_REPLY_PAYLOAD_ERROR] = "PayloadErrorReply",
    [ATTESTATION_REPLY_POLICY_EVALUATION_ERROR] = "PolicyEvaluationErrorReply",
    [ATTESTATION_REPLY_RTPM_ERROR] = "RtpmErrorReply",
    [ATTESTATION_REPLY_TCG_LOG_ERROR] = "TcgLogValidationErrorReply",
    [ATTESTATION_REPLY_UNAUTHORIZED_ERROR] = "UnauthorizedErrorReply",
    [ATTESTATION_REPLY_UNAVAILABLE_ERROR] = "UnavailableErrorReply",
    [ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR] = "VirtualSecureModeErrorReply",
    [ATTESTATION_REPLY_VSM_REPORT_ERROR] = "VsmReportValidationErrorReply",
    [ATTESTATION_REPLY_TPM_CONTINUE] = "TpmReplyContinue",
    [ATTESTATION_REPLY_HEALTH_CERTIFICATE] = "HealthCertificateReply",
    [ATTESTATION_REPLY_SERVICE_INFO] = "ServiceInfoReply",
    [ATTESTATION_REPLY_EVALUATION] = "EvaluationReply",
};
#define TYPE_COUNT (sizeof type_names / sizeof type_names[0])

const char *attestation_reply_name(enum attestation_reply_type type)
{
    return type_names[type];
}

bool attestation_reply_is_error(enum attestation_reply_type type)
{
    return type <= ATTESTATION_REPLY_VSM_REPORT_ERROR;
}

static void format_certificates(struct json_writer *writer, const struct attestation_reply *reply)
{
    json_write_array(writer, "Content");
    for (size_t i = 0; i < reply->certificate_count; i++) {
        json_write_object(writer, NULL);
        json_write_integer(writer, "m_Item1", reply->certificates[i].result);
        json_write_base64(writer, "m_Item2", reply->certificates[i].der);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void format_info(struct json_writer *writer, const struct attestation_reply *reply)
{
    json_write_integer(writer, "FunctionalLevel", reply->functional_level);
    json_write_integer(writer, "OperationMode", reply->mode);
    json_write_array(writer, "SupportedFunctionalLevels");
    for (size_t i = 0; i < reply->level_count; i++)
        json_write_integer(writer, NULL, reply->levels[i]);
    json_write_array_end(writer);
}

static void format_reasons(struct json_writer *writer, const struct attestation_reply *reply)
{
    json_write_array(writer, "Reasons");
    for (size_t i = 0; i < reply->reason_count; i++) {
        const struct attestation_reason *reason = &reply->reasons[i];
        json_write_object(writer, NULL);
        json_write_bool(writer, "Result", reason->passed);
        json_write_base64(writer, "Reason",
                          slice_of(reason->policy.bytes, sizeof reason->policy.bytes));
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void format_policies(struct json_writer *writer, const struct attestation_reply *reply)
{
    json_write_bool(writer, "Result", reply->passed);
    json_write_array(writer, "Policies");
    for (size_t i = 0; i < reply->policy_count; i++) {
        const struct attestation_evaluated *policy = &reply->policies[i];
        json_write_object(writer, NULL);
        json_write_text(writer, "Name", policy->name);
        json_write_text(writer, "Result", verdict_result_name(policy->result));
        json_write_base64(writer, "Reason",
                          slice_of(policy->reason.bytes, sizeof policy->reason.bytes));
        json_write_text(writer, "Text", policy->text);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

void attestation_reply_format(struct buf *out, const struct attestation_reply *reply)
{
    struct json_writer writer;
    char type[128];
    snprintf(type, sizeof type, "%s" ATTESTATION_TYPE_SUFFIX, type_names[reply->type]);
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "__type", type);
    if (attestation_reply_is_error(reply->type))
        json_write_bool(&writer, "Retryable", reply->retryable);
    if (reply->type == ATTESTATION_REPLY_OPERATION_MODE_ERROR)
        json_write_integer(&writer, "ExpectedOperationMode", reply->mode);
    else if (reply->type == ATTESTATION_REPLY_POLICY_EVALUATION_ERROR)
        format_reasons(&writer, reply);
    else if (reply->type == ATTESTATION_REPLY_HEALTH_CERTIFICATE)
        format_certificates(&writer, reply);
    else if (reply->type == ATTESTATION_REPLY_SERVICE_INFO)
        format_info(&writer, reply);
    else if (reply->type == ATTESTATION_REPLY_TPM_CONTINUE)
        json_write_base64(&writer, "RtpmActiveContext", reply->context);
    else if (reply->type == ATTESTATION_REPLY_EVALUATION)
        format_policies(&writer, reply);
    json_write_object_end(&writer);
}

static bool parse_type(enum attestation_reply_type *out, const struct json *message,
                       struct error *err)
{
    const char *text;
    if (json_get(message, "__type") == NULL && json_get(message, "Retryable") != NULL) {
        *out = ATTESTATION_REPLY_ERROR;
        return true;
    }
    if (!json_get_text(&text, message, "__type", err))
        return false;
    if (strcmp(json_name(json_first(message)), "__type") != 0)
        return error_set(err, &attestation_reply_malformed, clause, "__type",
                         "it is not the first property");
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        size_t size = strlen(type_names[i]);
        if (strncmp(text, type_names[i], size) == 0 &&
            strcmp(text + size, ATTESTATION_TYPE_SUFFIX) == 0) {
            *out = (enum attestation_reply_type)i;
            return true;
        }
    }
    return error_set(err, &attestation_reply_malformed, clause, "__type",
                     "\"%.80s\" is no reply of the protocol", text);
}

static bool parse_mode(enum attestation_mode *out, const struct json *message, const char *name,
                       struct error *err)
{
    int64_t mode;
    if (!json_get_integer(&mode, message, name, err))
        return false;
    if (mode < ATTESTATION_MODE_UNKNOWN || mode > ATTESTATION_MODE_HOST_KEY)
        return error_set(err, &attestation_reply_malformed, "MS-HGSA 2.2.1.1", name,
                         "%lld is no mode", (long long)mode);
    *out = (enum attestation_mode)mode;
    return true;
}

static bool parse_certificates(struct attestation_reply *reply, const struct json *message,
                               struct error *err)
{
    const struct json *array;
    size_t ends[ATTESTATION_RESULT_MAX + 1] = {0};
    if (!json_get_array(&array, message, "Content", err))
        return false;
    size_t count = 0;
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
        int64_t result;
        if (count == ATTESTATION_RESULT_MAX)
            return error_set(err, &attestation_reply_malformed, "MS-HGSA 2.2.2.7", "Content",
                             "more than %d items", ATTESTATION_RESULT_MAX);
        if (!json_get_integer(&result, item, "m_Item1", err) ||
            !json_get_bytes(&reply->bytes, item, "m_Item2", err))
            return false;
        if (result < 1 || result > ATTESTATION_RESULT_MAX || reply->bytes.size == ends[count])
            return error_set(err, &attestation_reply_malformed, "MS-HGSA 2.2.2.9", "Content",
                             "an item has no known result type, or is empty");
        reply->certificates[count++].result = (enum attestation_result)result;
        ends[count] = reply->bytes.size;
    }
    if (count == 0)
        return error_set(err, &attestation_reply_malformed, "MS-HGSA 2.2.2.7", "Content",
                         "there is no certificate in it");
    for (size_t i = 0; i < count; i++)
        reply->certificates[i].der = slice_of(reply->bytes.data + ends[i], ends[i + 1] - ends[i]);
    reply->certificate_count = count;
    return true;
}

static bool parse_info(struct attestation_reply *reply, const struct json *message,
                       struct error *err)
{
    int64_t level;
    const struct json *array;
    if (!json_get_integer(&level, message, "FunctionalLevel", err) ||
        !parse_mode(&reply->mode, message, "OperationMode", err) ||
        !json_get_array(&array, message, "SupportedFunctionalLevels", err))
        return false;
    if (level < 0 || level > UINT32_MAX)
        return error_set(err, &attestation_reply_malformed, "MS-HGSA 2.2.2.10", "FunctionalLevel",
                         "it is out of range");
    reply->functional_level = (uint32_t)level;
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
        double number = json_is_number(item) ? json_number(item) : -1;
        if (reply->level_count == ATTESTATION_LEVELS_MAX || number < 0 || number > UINT32_MAX)
            return error_set(err, &attestation_reply_malformed, "MS-HGSA 2.2.2.10",
                             "SupportedFunctionalLevels", "an item is no level, or too many");
        reply->levels[reply->level_count++] = (uint32_t)number;
    }
    return true;
}

static bool parse_reasons(struct attestation_reply *reply, const struct json *message,
                          struct error *err)
{
    const struct json *array;
    if (!json_get_array(&array, message, "Reasons", err))
        return false;
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
        const char *text;
        if (reply->reason_count == ATTESTATION_REASONS_MAX)
            return error_set(err, &attestation_reply_malformed, "MS-HGSA 2.2.2.16", "Reasons",
                             "more than %d items", ATTESTATION_REASONS_MAX);
        struct attestation_reason *reason = &reply->reasons[reply->reason_count];
        if (!json_get_bool(&reason->passed, item, "Result", err) ||
            !json_get_text(&text, item, "Reason", err) ||
            !guid_parse_message(&reason->policy, slice_from_text(text), err))
            return false;
        reply->reason_count++;
    }
    return true;
}

static bool parse_context(struct attestation_reply *reply, const struct json *message,
                          struct error *err)
{
    if (!json_get_bytes(&reply->bytes, message, "RtpmActiveContext", err))
        return false;
    reply->context = buf_slice(&reply->bytes);
    return true;
}

static bool parse_policy(struct attestation_evaluated *policy, const struct json *item,
                         struct error *err)
{
    const char *result, *reason;
    if (!json_get_text(&policy->name, item, "Name", err) ||
        !json_get_text(&result, item, "Result", err) ||
        !json_get_text(&reason, item, "Reason", err) ||
        !json_get_text(&policy->text, item, "Text", err) ||
        !guid_parse_message(&policy->reason, slice_from_text(reason), err))
        return false;
    return verdict_result_parse(&policy->result, result) ||
           error_set(err, &attestation_reply_malformed, "protocol.md 2.3", "Result",
                     "\"%.40s\" is none of Passed, Failed, NotEvaluated", result);
}

static bool parse_policies(struct attestation_reply *reply, const struct json *message,
                           struct error *err)
{
    const struct json *array;
    size_t count = 0;
    if (!json_get_bool(&reply->passed, message, "Result", err) ||
        !json_get_array(&array, message, "Policies", err))
        return false;
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item))
        count++;
    if (count > ATTESTATION_EVALUATED_MAX)
        return error_set(err, &attestation_reply_malformed, "protocol.md 2.3", "Policies",
                         "more than %d items", ATTESTATION_EVALUATED_MAX);
    reply->policies = memory_allocate_zero(count + 1, sizeof *reply->policies);
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item))
        if (!parse_policy(&reply->policies[reply->policy_count++], item, err))
            return false;
    return true;
}

static bool parse_members(struct attestation_reply *reply, const struct json *message,
                          struct error *err)
{
    if (attestation_reply_is_error(reply->type) &&
        !json_get_bool(&reply->retryable, message, "Retryable", err))
        return false;
    switch (reply->type) {
    case ATTESTATION_REPLY_OPERATION_MODE_ERROR:
        return parse_mode(&reply->mode, message, "ExpectedOperationMode", err);
    case ATTESTATION_REPLY_POLICY_EVALUATION_ERROR:
        return parse_reasons(reply, message, err);
    case ATTESTATION_REPLY_TPM_CONTINUE:
        return parse_context(reply, message, err);
    case ATTESTATION_REPLY_HEALTH_CERTIFICATE:
        return parse_certificates(reply, message, err);
    case ATTESTATION_REPLY_SERVICE_INFO:
        return parse_info(reply, message, err);
    case ATTESTATION_REPLY_EVALUATION:
        return parse_policies(reply, message, err);
    default:
        return true;
    }
}

bool attestation_reply_parse(struct attestation_reply *out, struct slice body, struct error *err)
{
    _cleanup_json_ struct json *message = NULL;
    if (body.size > ATTESTATION_REPLY_MAX)
        return error_set(err, &attestation_reply_malformed, clause, NULL,
                         "it is larger than %d bytes", ATTESTATION_REPLY_MAX);
    if (!json_parse(&message, body, err))
        return false;
    if (!json_is_object(message))
        return error_set(err, &attestation_reply_malformed, clause, NULL, "it is not an object");
    _cleanup_attestation_reply_ struct attestation_reply reply = {0};
    buf_init(&reply.bytes, body.size);
    if (!parse_type(&reply.type, message, err) || !parse_members(&reply, message, err))
        return false;
    if (reply.type == ATTESTATION_REPLY_EVALUATION)
        reply.document = memory_steal(&message); /* the texts stay there */
    *out = reply;
    reply = (struct attestation_reply){0}; /* *out owns them now */
    return true;
}

void attestation_reply_done(struct attestation_reply *reply)
{
    buf_done(&reply->bytes);
    json_free(&reply->document);
    free(reply->policies);
    reply->policies = NULL;
}

void attestation_reply_from_verdict(struct attestation_reply *out, const struct verdict *verdict)
{
    out->type = ATTESTATION_REPLY_EVALUATION;
    out->passed = verdict->passed;
    out->policies = memory_allocate_zero(verdict->count + 1, sizeof *out->policies);
    for (size_t i = 0; i < verdict->count && i < ATTESTATION_EVALUATED_MAX; i++) {
        const struct verdict_policy *policy = &verdict->policies[i];
        out->policies[out->policy_count++] = (struct attestation_evaluated){
            policy->name, policy->result, policy->guid, policy->reason};
    }
}

void attestation_reply_format_signing_certificates(struct buf *out, struct slice der)
{
    buf_append_u8(out, '[');
    for (size_t i = 0; i < der.size; i++)
        buf_append_format(out, i == 0 ? "%u" : ",%u", (unsigned)der.data[i]);
    buf_append_u8(out, ']');
}

bool attestation_reply_parse_signing_certificates(struct buf *out, struct slice body,
                                                  struct error *err)
{
    struct error why = {0};
    _cleanup_json_ struct json *list = NULL;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, body.size);
    if (!json_parse(&list, body, err))
        return false;
    if (json_is_text(list) || !json_bytes(&bytes, list, "signing certificates", &why) ||
        bytes.size == 0)
        return error_set(err, &attestation_reply_malformed, "MS-HGSA 3.1.5.5.1.2", NULL,
                         "it is not an array of byte values");
    buf_append(out, buf_slice(&bytes));
    return buf_ok(out, "signing certificates", err);
}
