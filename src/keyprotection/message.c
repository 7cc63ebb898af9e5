/* SPDX-License-Identifier: Apache-2.0 */
#include "keyprotection/message.h"

#include "base/base64.h"
#include "base/xml.h"
#include "keyprotection/errors.h"
#include "protector/algorithms.h"
#include "protector/errors.h"
#include "protector/protector.h"

#define SERVICE_NAMESPACE PROTECTOR_NAMESPACE "/service"
#define DECLARATION "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
#define URI_MAX 256
#define RSA_VALUE_MAX 1024
#define CERTIFICATE_MAX 16384

static const char *const no_attributes[] = {NULL};

/* Errors of lower rooms become code, except those that say more by themselves. */
static bool adopt(struct error *err, const struct error *cause, const struct error_code *code,
                  const char *clause)
{
    if (!err)
        return false;
    *err = *cause;
    if (cause->code != &protector_algorithm)
        err->code = code;
    if (!err->clause)
        err->clause = clause;
    return false;
}

/* The root, of that name, whose children *cursor then walks. */
static const struct xml_element *open_root(const struct xml_element **cursor,
                                           const struct xml_document *document, const char *name,
                                           const struct error_code *code, struct error *err)
{
    const struct xml_element *root = xml_root(document);
    if (!xml_is(root, SERVICE_NAMESPACE, name)) {
        error_set(err, code, NULL, NULL, "the document is a {%.128s}%.64s, not a %s",
                  xml_namespace(root), xml_name(root), name);
        return NULL;
    }
    if (!xml_only_attributes(root, no_attributes, err) || !xml_only_elements(root, err))
        return NULL;
    *cursor = xml_first(root);
    return root;
}

static const struct xml_element *take_leaf(const struct xml_element **cursor, const char *name,
                                           const struct xml_element *root, struct error *err)
{
    const struct xml_element *element = xml_take(cursor, SERVICE_NAMESPACE, name, root, err);
    return element && xml_only_attributes(element, no_attributes, err) ? element : NULL;
}

static bool take_bytes(struct buf *out, const struct xml_element **cursor, const char *name,
                       const struct xml_element *root, const struct error_code *code,
                       struct error *err)
{
    const struct xml_element *element = take_leaf(cursor, name, root, err);
    if (!element || !xml_bytes(out, element, err) || !buf_ok(out, name, err))
        return false;
    if (out->size == 0)
        return error_set(err, code, NULL, name, "%s is empty", name);
    return true;
}

static bool take_algorithm(int *value, enum algorithms_use use, const struct xml_element **cursor,
                           const char *name, const struct xml_element *root, struct error *err)
{
    _cleanup_buf_ struct buf uri;
    buf_init(&uri, URI_MAX);
    const struct xml_element *element = take_leaf(cursor, name, root, err);
    return element && xml_text(&uri, element, err) && buf_ok(&uri, name, err) &&
           algorithms_find(value, use, buf_text(&uri), err);
}

void roll_request_done(struct roll_request *request)
{
    buf_done(&request->ingress_protector);
    buf_done(&request->health_certificate);
}

static bool parse_request(struct roll_request *out, struct slice text, struct error *err)
{
    const struct error_code *code = &keyprotection_request_malformed;
    _cleanup_xml_ struct xml_document *document = NULL;
    if (!xml_parse(&document, text, err))
        return false;
    const struct xml_element *cursor;
    const struct xml_element *root =
        open_root(&cursor, document, "RollTransportKeyRequest", code, err);
    int transfer, ignored;
    if (!root ||
        !take_bytes(&out->ingress_protector, &cursor, "IngressProtector", root, code, err) ||
        !take_bytes(&out->health_certificate, &cursor, "HealthCertificate", root, code, err) ||
        !take_algorithm(&transfer, ALGORITHMS_KEY_TRANSPORT, &cursor,
                        "TransferKeyEncryptionAlgorithm", root, err) ||
        !take_algorithm(&ignored, ALGORITHMS_KEY_WRAP, &cursor, "WrappingKeyEncryptionAlgorithm",
                        root, err) ||
        !take_algorithm(&ignored, ALGORITHMS_CONTENT, &cursor, "TransportKeysEncryptionAlgorithm",
                        root, err) ||
        !xml_take_end(cursor, root, err))
        return false;
    out->transfer_key_algorithm = (enum encryption_algorithm)transfer;
    return true;
}

bool roll_request_parse(struct roll_request *out, struct slice text, struct error *err)
{
    struct error cause = {0};
    if (text.size > MESSAGE_SIZE_MAX)
        return error_set(err, &keyprotection_request_malformed, "protocol.md 1", NULL,
                         "%zu bytes; %d are allowed", text.size, MESSAGE_SIZE_MAX);
    _cleanup_roll_request_ struct roll_request request = {0};
    buf_init(&request.ingress_protector, PROTECTOR_SIZE_MAX);
    buf_init(&request.health_certificate, CERTIFICATE_MAX);
    if (!parse_request(&request, text, &cause))
        return adopt(err, &cause, &keyprotection_request_malformed, "MS-KPS 2.2.2.1");
    *out = request;
    request = (struct roll_request){0};
    return true;
}

static void write_bytes(struct buf *out, const char *name, struct slice bytes)
{
    buf_append_format(out, "<%s>", name);
    base64_append(out, bytes);
    buf_append_format(out, "</%s>", name);
}

void roll_request_format(struct buf *out, struct slice ingress_protector,
                         struct slice health_certificate,
                         enum encryption_algorithm transfer_key_algorithm)
{
    buf_append_text(out, DECLARATION "<RollTransportKeyRequest xmlns=\"" SERVICE_NAMESPACE "\">");
    write_bytes(out, "IngressProtector", ingress_protector);
    write_bytes(out, "HealthCertificate", health_certificate);
    buf_append_format(out,
                      "<TransferKeyEncryptionAlgorithm>%s</TransferKeyEncryptionAlgorithm>"
                      "<WrappingKeyEncryptionAlgorithm>%s</WrappingKeyEncryptionAlgorithm>"
                      "<TransportKeysEncryptionAlgorithm>%s</TransportKeysEncryptionAlgorithm>"
                      "</RollTransportKeyRequest>\n",
                      algorithms_uri(ALGORITHMS_KEY_TRANSPORT, (int)transfer_key_algorithm),
                      algorithms_uri(ALGORITHMS_KEY_WRAP, ALGORITHMS_AES256_KEY_WRAP),
                      algorithms_uri(ALGORITHMS_CONTENT, ALGORITHMS_AES256_GCM));
}

void roll_response_init(struct roll_response *response)
{
    buf_init(&response->egress_protector, PROTECTOR_SIZE_MAX);
    buf_init(&response->encrypted_transfer_key, RSA_VALUE_MAX);
    buf_init(&response->encrypted_wrapping_key, RSA_VALUE_MAX);
    buf_init(&response->encrypted_transport_keys, 8192);
}

void roll_response_done(struct roll_response *response)
{
    buf_done(&response->egress_protector);
    buf_done(&response->encrypted_transfer_key);
    buf_done(&response->encrypted_wrapping_key);
    buf_done(&response->encrypted_transport_keys);
}

static bool parse_response(struct roll_response *out, struct slice text, struct error *err)
{
    const struct error_code *code = &keyprotection_reply_malformed;
    _cleanup_xml_ struct xml_document *document = NULL;
    if (!xml_parse(&document, text, err))
        return false;
    const struct xml_element *cursor;
    const struct xml_element *root =
        open_root(&cursor, document, "RollTransportKeyResponse", code, err);
    return root &&
           take_bytes(&out->egress_protector, &cursor, "EgressProtector", root, code, err) &&
           take_bytes(&out->encrypted_transfer_key, &cursor, "EncryptedTransferKey", root, code,
                      err) &&
           take_bytes(&out->encrypted_wrapping_key, &cursor, "EncryptedWrappingKey", root, code,
                      err) &&
           take_bytes(&out->encrypted_transport_keys, &cursor, "EncryptedTransportKeys", root, code,
                      err) &&
           xml_take_end(cursor, root, err);
}

bool roll_response_parse(struct roll_response *out, struct slice text, struct error *err)
{
    struct error cause = {0};
    if (text.size > MESSAGE_SIZE_MAX)
        return error_set(err, &keyprotection_reply_malformed, NULL, NULL,
                         "%zu bytes; %d are allowed", text.size, MESSAGE_SIZE_MAX);
    _cleanup_roll_response_ struct roll_response response = {0};
    roll_response_init(&response);
    if (!parse_response(&response, text, &cause))
        return adopt(err, &cause, &keyprotection_reply_malformed, "MS-KPS 2.2.2.2");
    *out = response;
    response = (struct roll_response){0};
    return true;
}

/* What a response holds beside the egress protector, roughly. */
#define RESPONSE_OVERHEAD 2048

void roll_response_format(struct buf *out, const struct roll_response *response)
{
    buf_reserve(out, response->egress_protector.size / 3 * 4 + RESPONSE_OVERHEAD);
    buf_append_text(out, DECLARATION "<RollTransportKeyResponse xmlns=\"" SERVICE_NAMESPACE "\">");
    write_bytes(out, "EgressProtector", buf_slice(&response->egress_protector));
    write_bytes(out, "EncryptedTransferKey", buf_slice(&response->encrypted_transfer_key));
    write_bytes(out, "EncryptedWrappingKey", buf_slice(&response->encrypted_wrapping_key));
    write_bytes(out, "EncryptedTransportKeys", buf_slice(&response->encrypted_transport_keys));
    buf_append_text(out, "</RollTransportKeyResponse>\n");
}

/* Error texts may quote what was sent, cut anywhere: only printable ASCII is surely a text that an
 * XML document can hold. */
static void write_text(struct buf *out, const char *name, const char *text)
{
    buf_append_format(out, "<%s>", name);
    for (; *text; text++) {
        char shown = *text >= ' ' && *text <= '~' ? *text : '?';
        xml_append_text(out, slice_of(&shown, 1));
    }
    buf_append_format(out, "</%s>", name);
}

void roll_error_format(struct buf *out, const char *code, const char *message)
{
    buf_append_text(out, DECLARATION "<Error xmlns=\"" SERVICE_NAMESPACE "\">");
    write_text(out, "Code", code);
    write_text(out, "Message", message);
    buf_append_text(out, "</Error>\n");
}

static bool parse_error(struct buf *code, struct buf *message, struct slice text, struct error *err)
{
    _cleanup_xml_ struct xml_document *document = NULL;
    if (!xml_parse(&document, text, err))
        return false;
    const struct xml_element *cursor;
    const struct xml_element *root =
        open_root(&cursor, document, "Error", &keyprotection_reply_malformed, err);
    if (!root)
        return false;
    const struct xml_element *code_element = take_leaf(&cursor, "Code", root, err);
    if (!code_element || !xml_text(code, code_element, err))
        return false;
    const struct xml_element *message_element = take_leaf(&cursor, "Message", root, err);
    return message_element && xml_text(message, message_element, err) &&
           xml_take_end(cursor, root, err) && buf_ok(code, "Code", err) &&
           buf_ok(message, "Message", err);
}

bool roll_error_parse(struct buf *code, struct buf *message, struct slice text, struct error *err)
{
    struct error cause = {0};
    if (text.size > MESSAGE_SIZE_MAX || !parse_error(code, message, text, &cause))
        return adopt(err, &cause, &keyprotection_reply_malformed, "MS-KPS 2.2.2.5");
    return true;
}
