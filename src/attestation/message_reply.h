/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The replies of MS-HGSA (protocol.md 2; MS-HGSA 2.2.2.6 to 2.2.2.24), that of a what-if
 * (protocol.md 2.3) and the list of signing certificates (MS-HGSA 3.1.5.5). Written by the service,
 * read by the host. One structure holds any reply; its type says which of its members mean
 * something.
 */

#include "attestation/message.h"
#include "base/buf.h"
#include "base/guid.h"
#include "base/json.h"
#include "policy/verdict.h"

enum attestation_reply_type {
    ATTESTATION_REPLY_ERROR,
    ATTESTATION_REPLY_OPERATION_MODE_ERROR,
    ATTESTATION_REPLY_PAYLOAD_ERROR,
    ATTESTATION_REPLY_POLICY_EVALUATION_ERROR,
    ATTESTATION_REPLY_RTPM_ERROR,
    ATTESTATION_REPLY_TCG_LOG_ERROR,
    ATTESTATION_REPLY_UNAUTHORIZED_ERROR,
    ATTESTATION_REPLY_UNAVAILABLE_ERROR,
    ATTESTATION_REPLY_VIRTUAL_SECURE_MODE_ERROR,
    ATTESTATION_REPLY_VSM_REPORT_ERROR,
    ATTESTATION_REPLY_TPM_CONTINUE,
    ATTESTATION_REPLY_HEALTH_CERTIFICATE,
    ATTESTATION_REPLY_SERVICE_INFO,
    ATTESTATION_REPLY_EVALUATION,
};

#define ATTESTATION_REASONS_MAX 64
#define ATTESTATION_LEVELS_MAX 16
#define ATTESTATION_EVALUATED_MAX 1000 /* built-ins come first; a reply has room for these */
/* A host reads no larger reply than this. */
#define ATTESTATION_REPLY_MAX (4 * 1024 * 1024)

struct attestation_certificate {
    enum attestation_result result;
    struct slice der;
};

/* One policy's outcome (MS-HGSA 2.2.2.13). */
struct attestation_reason {
    bool passed;
    struct guid policy;
};

/* What a what-if says of one policy. */
struct attestation_evaluated {
    const char *name;
    enum verdict_result result;
    struct guid reason; /* the policy's GUID */
    const char *text;   /* one sentence */
};

struct attestation_reply {
    enum attestation_reply_type type;
    bool retryable;             /* error replies */
    enum attestation_mode mode; /* SERVICE_INFO: the mode; OPERATION_MODE_ERROR: the expected one */
    uint32_t functional_level;  /* SERVICE_INFO */
    uint32_t levels[ATTESTATION_LEVELS_MAX];
    size_t level_count;
    struct attestation_certificate certificates[ATTESTATION_RESULT_MAX]; /* HEALTH_CERTIFICATE */
    size_t certificate_count;
    struct attestation_reason reasons[ATTESTATION_REASONS_MAX]; /* POLICY_EVALUATION_ERROR */
    size_t reason_count;
    struct slice context;                   /* TPM_CONTINUE: RtpmActiveContext */
    bool passed;                            /* EVALUATION */
    struct attestation_evaluated *policies; /* EVALUATION; freed with the reply */
    size_t policy_count;
    struct buf bytes;      /* what the slices borrow from, when parsed */
    struct json *document; /* what the texts borrow from, when parsed */
};

/* "UnauthorizedErrorReply" */
const char *attestation_reply_name(enum attestation_reply_type type);
/* Whether it is one of the error replies. */
bool attestation_reply_is_error(enum attestation_reply_type type);

/* Appends the reply as JSON, `__type` first, without white space. */
void attestation_reply_format(struct buf *out, const struct attestation_reply *reply);
/*
 * Reads any of the replies. One without `__type` that has Retryable is an ErrorReply (MS-HGSA gives
 * that no type of its own). Freed with attestation_reply_done. attestation.reply-malformed, and the
 * errors of base/ for JSON, base64 and GUIDs.
 */
bool attestation_reply_parse(struct attestation_reply *out, struct slice body, struct error *err);
void attestation_reply_done(struct attestation_reply *reply);
#define _cleanup_attestation_reply_ __attribute__((cleanup(attestation_reply_done)))

/* Fills in an EvaluationReply of a zeroed reply; texts borrow from the verdict. */
void attestation_reply_from_verdict(struct attestation_reply *out, const struct verdict *verdict);

/* The DER of a PKCS#7 as both drivers want it: "[48,130,…]" and nothing else. Appended. */
void attestation_reply_format_signing_certificates(struct buf *out, struct slice der);
/* The reverse; the DER is appended to out. */
bool attestation_reply_parse_signing_certificates(struct buf *out, struct slice body,
                                                  struct error *err);
