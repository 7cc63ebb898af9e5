/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The remote TPM's context (MS-HGSA 2.2.2.25 to 2.2.2.27, protocol.md 2.3): what travels in content
 * type 2 of a request (v1.0: RtpmNewContext) and in RtpmActiveContext of a TpmReplyContinue, in
 * both directions. Little-endian, whole, nothing behind the end.
 *
 * Both sides keep to this:
 * - The server's sealed state is opaque to the client, which hands it back as it came. The first
 *   context of an exchange has none (an EncryptedBuffer of no bytes, nonce and tag zero).
 * - The client sends the logs (types 1 and 6) with its first context. (v1.0: the one that answers
 *   the empty context.) Types 2, 5 and 7 come with it.
 * - The IMA list (6), which grows, comes again with every context that answers other commands than
 *   StartAuthSession: read after those commands were done. The event log need not; where it does,
 *   it must be the same.
 * - Responses (4) stand in the order of the commands (3) they answer, one for each.
 * Every type but 3 and 4 stands there once at most; what a direction does not use is refused by its
 * reader, not here.
 */

#include "base/buf.h"
#include "crypto/aead.h"

#define RTPM_CONTEXT_MAX (3 * 1024 * 1024) /* bytes; its base64 fits into a body of 4 MiB */
#define RTPM_SEALED_MAX 16384              /* bytes of a sealed state, without a log */
#define RTPM_COMMANDS_MAX 3                /* a TPM need hold no more sessions than three */
#define RTPM_COMMAND_SIZE_MAX 4096         /* bytes of one command or response */
#define RTPM_LOG_MAX (2 * 1024 * 1024)     /* bytes of a log (types 1 and 6) */
#define RTPM_PCR_VALUES_MAX (2 + 4 + 24 * 64)
#define RTPM_STATE_MAX (4 + RTPM_SEALED_MAX + RTPM_LOG_MAX) /* bytes of EncryptedBuffer */

enum rtpm_blob {
    RTPM_BLOB_LOG = 1,        /* WBCL_INFO */
    RTPM_BLOB_DEVICE = 2,     /* TPM_DEVICE_INFO */
    RTPM_BLOB_COMMAND = 3,    /* server to client */
    RTPM_BLOB_RESPONSE = 4,   /* client to server */
    RTPM_BLOB_HANDLE = 5,     /* of the endorsement key on the client's connection */
    RTPM_BLOB_IMA_LOG = 6,    /* binary_runtime_measurements */
    RTPM_BLOB_PCR_VALUES = 7, /* tpm/pcr.h reads and writes them */
};
#define RTPM_BLOB_MAX 7

/* MS-HGSA 2.2.1.4 and 2.2.1.5. */
enum rtpm_tpm_version { RTPM_TPM_UNKNOWN = 0, RTPM_TPM_12 = 1, RTPM_TPM_20 = 2 };
enum rtpm_interface {
    RTPM_INTERFACE_UNKNOWN = 0,
    RTPM_INTERFACE_12 = 1,
    RTPM_INTERFACE_TRUSTZONE = 2,
    RTPM_INTERFACE_HARDWARE = 3,
    RTPM_INTERFACE_EMULATOR = 4,
};

/* MS-HGSA 2.2.2.27.2. */
struct rtpm_device {
    enum rtpm_tpm_version version;
    enum rtpm_interface interface;
    uint32_t implementation;
};

/* The state as it travels: what EncContext and EncryptedBuffer hold. */
struct rtpm_sealed {
    uint8_t nonce[AEAD_NONCE_SIZE];
    uint8_t tag[AEAD_TAG_SIZE];
    struct slice bytes; /* empty: there is none */
};

/* All slices are borrowed: from what was parsed, or from the writer's own. Empty: absent (a log or
 * a command of no bytes is refused). */
struct rtpm_context {
    struct rtpm_sealed state;
    struct slice log; /* the log itself, without WBCL_INFO's size */
    struct slice ima_log;
    struct slice pcr_values;
    bool has_device;
    struct rtpm_device device;
    bool has_handle;
    uint32_t handle;
    struct slice commands[RTPM_COMMANDS_MAX];
    size_t command_count;
    struct slice responses[RTPM_COMMANDS_MAX];
    size_t response_count;
};

/* attestation.context-malformed (truncated, trailing bytes, unknown or repeated blobs, sizes that
 * do not add up, another version), attestation.context-too-large. */
bool rtpm_context_parse(struct rtpm_context *out, struct slice bytes, struct error *err);
/* Appends the context; the blobs in the order of their types. What is over a bound above is the
 * caller's bug. */
void rtpm_context_format(struct buf *out, const struct rtpm_context *context);
