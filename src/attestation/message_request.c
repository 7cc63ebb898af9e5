/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/message_request.h"

#include "attestation/errors.h"
#include "base/json.h"

#define TYPE_NAME "AttestationRequest" ATTESTATION_TYPE_SUFFIX

static const char clause[] = "MS-HGSA 2.2.2.1";

/* Where an item stands in the decoded bytes; they may move while more are appended. */
struct item {
    size_t offset, size;
};

static bool check_type(const struct json *message, struct error *err)
{
    const char *type;
    if (json_get(message, "__type") == NULL)
        return true;
    if (strcmp(json_name(json_first(message)), "__type") != 0)
        return error_set(err, &attestation_payload_malformed, "MS-HGSA 2.2.2", "__type",
                         "it is not the first property");
    if (!json_get_text(&type, message, "__type", err))
        return false;
    if (strcmp(type, TYPE_NAME) != 0)
        return error_set(err, &attestation_payload_malformed, clause, "__type",
                         "\"%.80s\" is not " TYPE_NAME, type);
    return true;
}

bool attestation_request_parse_session(struct guid *out, const struct json *message,
                                       struct error *err)
{
    const char *text;
    return json_get_text(&text, message, "SessionId", err) &&
           guid_parse_message(out, slice_from_text(text), err);
}

bool attestation_request_parse_requested(uint8_t requested[ATTESTATION_RESULT_MAX], size_t *count,
                                         const struct json *message, struct error *err)
{
    const struct json *array;
    if (!json_get_array(&array, message, "RequestedContent", err))
        return false;
    *count = 0;
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
        double number = json_is_number(item) ? json_number(item) : 0;
        if (number != ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE &&
            number != ATTESTATION_RESULT_SIGNING_CERTIFICATE &&
            number != ATTESTATION_RESULT_CA_CERTIFICATE)
            return error_set(err, &attestation_payload_malformed, "MS-HGSA 2.2.1.3",
                             "RequestedContent", "an item is not a result type (1, 2, 3)");
        for (size_t i = 0; i < *count; i++) {
            if (requested[i] == number)
                return error_set(err, &attestation_payload_malformed, clause, "RequestedContent",
                                 "result type %d is asked for twice", (int)number);
        }
        requested[(*count)++] = (uint8_t)number;
    }
    if (*count == 0)
        return error_set(err, &attestation_payload_malformed, clause, "RequestedContent",
                         "nothing is asked for");
    return true;
}

static bool parse_item(struct item items[ATTESTATION_CONTENT_MAX + 1], struct buf *bytes,
                       const struct json *tuple, struct error *err)
{
    int64_t type;
    if (!json_is_object(tuple))
        return error_set(err, &attestation_payload_malformed, "MS-HGSA 2.2.2.8", "ProvidedContent",
                         "an item is not an object");
    if (!json_get_integer(&type, tuple, "m_Item1", err))
        return false;
    if (type < 1 || type > ATTESTATION_CONTENT_MAX)
        return error_set(err, &attestation_payload_malformed, "MS-HGSA 2.2.1.2", "ProvidedContent",
                         "content type %lld is unknown", (long long)type);
    if (items[type].size != 0)
        return error_set(err, &attestation_payload_malformed, clause, "ProvidedContent",
                         "content type %lld is given twice", (long long)type);
    items[type].offset = bytes->size;
    if (!json_get_bytes(bytes, tuple, "m_Item2", err))
        return false;
    items[type].size = bytes->size - items[type].offset;
    if (items[type].size == 0)
        return error_set(err, &attestation_payload_malformed, "MS-HGSA 2.2.2.8", "ProvidedContent",
                         "content type %lld is empty", (long long)type);
    return true;
}

static bool parse_provided(struct attestation_request *request, const struct json *message,
                           struct error *err)
{
    const struct json *array;
    struct item items[ATTESTATION_CONTENT_MAX + 1] = {0};
    if (!json_get_array(&array, message, "ProvidedContent", err))
        return false;
    for (const struct json *tuple = json_first(array); tuple != NULL; tuple = json_next(tuple)) {
        if (!parse_item(items, &request->bytes, tuple, err))
            return false;
    }
    if (!buf_ok(&request->bytes, "ProvidedContent", err))
        return false;
    for (int type = 1; type <= ATTESTATION_CONTENT_MAX; type++) {
        if (items[type].size != 0)
            request->content[type] =
                slice_of(request->bytes.data + items[type].offset, items[type].size);
    }
    return true;
}

bool attestation_request_parse(struct attestation_request *out, struct slice body,
                               struct error *err)
{
    _cleanup_json_ struct json *message = NULL;
    if (!json_parse(&message, body, err))
        return false;
    if (!json_is_object(message))
        return error_set(err, &attestation_payload_malformed, clause, NULL, "it is not an object");
    _cleanup_attestation_request_ struct attestation_request request = {0};
    buf_init(&request.bytes, body.size);
    buf_reserve(&request.bytes, body.size); /* one allocation: decoded bytes are always fewer */
    if (!check_type(message, err) ||
        !attestation_request_parse_session(&request.session, message, err) ||
        !attestation_request_parse_requested(request.requested, &request.requested_count, message,
                                             err) ||
        !parse_provided(&request, message, err))
        return false;
    *out = request;
    buf_init(&request.bytes, 0); /* *out owns them now */
    return true;
}

void attestation_request_done(struct attestation_request *request)
{
    buf_done(&request->bytes);
}

void attestation_request_format(struct buf *out, const struct attestation_request *request)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_base64(&writer, "SessionId",
                      slice_of(request->session.bytes, sizeof request->session.bytes));
    json_write_array(&writer, "RequestedContent");
    for (size_t i = 0; i < request->requested_count; i++)
        json_write_integer(&writer, NULL, request->requested[i]);
    json_write_array_end(&writer);
    json_write_array(&writer, "ProvidedContent");
    for (int type = 1; type <= ATTESTATION_CONTENT_MAX; type++) {
        if (request->content[type].size == 0)
            continue;
        json_write_object(&writer, NULL);
        json_write_integer(&writer, "m_Item1", type);
        json_write_base64(&writer, "m_Item2", request->content[type]);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}
