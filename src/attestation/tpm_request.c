/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_request.h"

#include "attestation/errors.h"
#include "base/json.h"
#include "tpm/endorsement_certificate.h"

static const char clause[] = "MS-HGSA 3.1.5.1.1.3";

/* Certificates and public areas are far smaller. */
#define KEY_ITEM_MAX 32768

static const unsigned items = 1u << ATTESTATION_CONTENT_IDENTITY_KEY |
                              1u << ATTESTATION_CONTENT_RTPM_CONTEXT |
                              1u << ATTESTATION_CONTENT_ENDORSEMENT_KEY_CERTIFICATE;

/* EndorsementKey (MS-HGSA 2.2.2.12): an object around the key's base64, or the bytes alone. */
static bool unwrap_key(struct attestation_tpm_request *request, struct slice item,
                       struct error *err)
{
    _cleanup_json_ struct json *object = NULL;
    size_t before = request->bytes.size;
    if (item.size == 0 || item.data[0] != '{') {
        request->endorsement_key = item;
        return true;
    }
    if (!json_parse(&object, item, err) || !json_get_bytes(&request->bytes, object, "Key", err))
        return false;
    request->endorsement_key = slice_of(request->bytes.data + before, request->bytes.size - before);
    return true;
}

static bool check_items(const struct attestation_request *message, struct error *err)
{
    for (int type = 1; type <= ATTESTATION_CONTENT_MAX; type++) {
        size_t size = message->content[type].size;
        bool context = type == ATTESTATION_CONTENT_RTPM_CONTEXT;
        if (size != 0 && (items >> type & 1) == 0)
            return error_set(err, &attestation_content_refused, clause, "ProvidedContent",
                             "content type %d has no place in TPM mode", type);
        if (size > KEY_ITEM_MAX && !context)
            return error_set(err, &attestation_payload_malformed, clause, "ProvidedContent",
                             "content type %d has %zu bytes, at most %d are one", type, size,
                             KEY_ITEM_MAX);
    }
    return true;
}

static bool parse_v2(struct attestation_tpm_request *request, struct slice body, struct error *err)
{
    struct attestation_request *message = &request->message;
    if (!attestation_request_parse(message, body, err) || !check_items(message, err) ||
        !unwrap_key(request, message->content[ATTESTATION_CONTENT_IDENTITY_KEY], err))
        return false;
    request->session = message->session;
    memcpy(request->requested, message->requested, sizeof request->requested);
    request->requested_count = message->requested_count;
    struct slice item = message->content[ATTESTATION_CONTENT_ENDORSEMENT_KEY_CERTIFICATE];
    struct slice certificate, chain;
    request->certificate = item;
    if (tpm_endorsement_certificate_split(&certificate, &chain, item) &&
        tpm_endorsement_certificate_cut_chain(chain).size == chain.size) {
        request->certificate = certificate;
        request->chain = chain;
    } /* else whoever reads it says what is wrong */
    request->context = message->content[ATTESTATION_CONTENT_RTPM_CONTEXT];
    return true;
}

/* Whether it is a TpmRequestContinue; anything but the two is refused. */
static bool parse_type(bool *continues, const struct json *message, struct error *err)
{
    static const char initial[] = "TpmRequestInitial" ATTESTATION_TYPE_SUFFIX;
    static const char later[] = "TpmRequestContinue" ATTESTATION_TYPE_SUFFIX;
    const char *type;
    if (!json_is_object(message))
        return error_set(err, &attestation_payload_malformed, clause, NULL, "it is not an object");
    if (!json_get_text(&type, message, "__type", err))
        return false;
    if (strcmp(json_name(json_first(message)), "__type") != 0)
        return error_set(err, &attestation_payload_malformed, "MS-HGSA 2.2.2", "__type",
                         "it is not the first property");
    *continues = strcmp(type, later) == 0;
    return *continues || strcmp(type, initial) == 0 ||
           error_set(err, &attestation_payload_malformed, "MS-HGSA 2.2.2.2", "__type",
                     "\"%.80s\" is no request of v1.0", type);
}

/* The v1.0 key: base64 text, or an EndorsementKey object. */
static bool parse_key(struct attestation_tpm_request *request, const struct json *message,
                      struct error *err)
{
    const struct json *member = json_get(message, "RtpmPublicEndorsementKey");
    bool object = member != NULL && json_is_object(member);
    size_t before = request->bytes.size;
    if (!json_get_bytes(&request->bytes, object ? member : message,
                        object ? "Key" : "RtpmPublicEndorsementKey", err))
        return false;
    size_t size = request->bytes.size - before;
    if (size == 0 || size > KEY_ITEM_MAX)
        return error_set(err, &attestation_payload_malformed, "MS-HGSA 2.2.2.2",
                         "RtpmPublicEndorsementKey", "%zu bytes are no key", size);
    request->endorsement_key = slice_of(request->bytes.data + before, size);
    return true;
}

static bool parse_v1(struct attestation_tpm_request *request, struct slice body, struct error *err)
{
    _cleanup_json_ struct json *message = NULL;
    bool continues;
    buf_reserve(&request->bytes, body.size); /* decoded bytes are always fewer: nothing moves */
    if (!json_parse(&message, body, err) || !parse_type(&continues, message, err) ||
        !attestation_request_parse_session(&request->session, message, err) ||
        !attestation_request_parse_requested(request->requested, &request->requested_count, message,
                                             err) ||
        !parse_key(request, message, err))
        return false;
    size_t before = request->bytes.size;
    if (continues && !json_get_bytes(&request->bytes, message, "RtpmNewContext", err))
        return false;
    request->context = slice_of(request->bytes.data + before, request->bytes.size - before);
    return buf_ok(&request->bytes, "request", err);
}

static bool check_requested(const struct attestation_tpm_request *request, struct error *err)
{
    for (size_t i = 0; i < request->requested_count; i++)
        if (request->requested[i] == ATTESTATION_RESULT_CA_CERTIFICATE)
            return error_set(err, &attestation_content_refused, "MS-HGSA 2.2.1.3",
                             "RequestedContent",
                             "an intermediate CA certificate is not issued by this service");
    return true;
}

bool attestation_tpm_request_parse(struct attestation_tpm_request *out, unsigned version,
                                   struct slice body, struct error *err)
{
    _cleanup_attestation_tpm_request_ struct attestation_tpm_request request = {.version = version};
    buf_init(&request.bytes, body.size);
    if (!(version == 1 ? parse_v1(&request, body, err) : parse_v2(&request, body, err)) ||
        !check_requested(&request, err))
        return false;
    if (request.certificate.size == 0 && request.endorsement_key.size == 0)
        return error_set(err, &attestation_payload_malformed, clause, "ProvidedContent",
                         "there is neither an endorsement key (1) nor its certificate (4)");
    *out = request;
    request = (struct attestation_tpm_request){0}; /* *out owns it now */
    return true;
}

void attestation_tpm_request_done(struct attestation_tpm_request *request)
{
    attestation_request_done(&request->message);
    buf_done(&request->bytes);
}
