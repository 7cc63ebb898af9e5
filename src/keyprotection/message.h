/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The messages of MS-KPS (2.2.2.1 RollTransportKeyRequest, 2.2.2.2 RollTransportKeyResponse,
 * 2.2.2.5 Error), in both directions: the service parses requests and formats the rest, a host does
 * the reverse. Strict: elements in the order of the schema, nothing more.
 */

#include "base/buf.h"
#include "crypto/algorithm.h"

/* The largest key protector (PROTECTOR_SIZE_MAX) in base64, and the rest. */
#define MESSAGE_SIZE_MAX (2 * 1024 * 1024)

/* The other two algorithms of a request have one value each (protocol.md 3) and are only checked.
 */
struct roll_request {
    struct buf ingress_protector;  /* the document */
    struct buf health_certificate; /* DER */
    enum encryption_algorithm transfer_key_algorithm;
};

void roll_request_done(struct roll_request *request);
#define _cleanup_roll_request_ __attribute__((cleanup(roll_request_done)))
/* keyprotection.request-malformed; protector.algorithm. */
bool roll_request_parse(struct roll_request *out, struct slice text, struct error *err);
/* Appended to out. */
void roll_request_format(struct buf *out, struct slice ingress_protector,
                         struct slice health_certificate,
                         enum encryption_algorithm transfer_key_algorithm);

struct roll_response {
    struct buf egress_protector;         /* the document */
    struct buf encrypted_transfer_key;   /* RSA-OAEP to the health certificate's key */
    struct buf encrypted_wrapping_key;   /* AES key wrap */
    struct buf encrypted_transport_keys; /* AES-GCM */
};

void roll_response_init(struct roll_response *response);
void roll_response_done(struct roll_response *response);
#define _cleanup_roll_response_ __attribute__((cleanup(roll_response_done)))
/* keyprotection.reply-malformed. */
bool roll_response_parse(struct roll_response *out, struct slice text, struct error *err);
void roll_response_format(struct buf *out, const struct roll_response *response);

/* An Error document. message: characters that a document cannot hold are replaced. Appended to
 * out. */
void roll_error_format(struct buf *out, const char *code, const char *message);
/* Reads one; both texts are appended. keyprotection.reply-malformed. */
bool roll_error_parse(struct buf *code, struct buf *message, struct slice text, struct error *err);
