/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/response_frame.h"

#include "tpm/errors.h"
#include "tpm/response.h"

#define CLAUSE "protocol.md 2.3"
#define ST_NO_SESSIONS 0x8001
#define ST_SESSIONS 0x8002
#define HEADER_SIZE 10
/* TPMA_SESSION: audit must be set. auditExclusive is asked for by nobody; swtpm reports it. */
#define SESSION_AUDIT 0x80
#define SESSION_AUDIT_EXCLUSIVE 0x02

static bool malformed(struct error *err, uint32_t command, const char *what)
{
    char name[32];
    return error_set(err, &tpm_response_malformed, CLAUSE, tpm_command_name(command, name), "%s",
                     what);
}

static bool returns_handle(uint32_t command)
{
    return command == TPM_CC_START_AUTH_SESSION || command == TPM_CC_CREATE_PRIMARY;
}

/* Header and handle; the reader then stands behind them. */
static bool read_head(struct reader *reader, uint32_t *handle, uint16_t expected_tag,
                      uint32_t command, struct slice response, struct error *err)
{
    if (response.size > TPM_RESPONSE_SIZE_MAX)
        return malformed(err, command, "the response is larger than any");
    *reader = reader_of(response);
    uint16_t tag = reader_u16_be(reader);
    uint32_t size = reader_u32_be(reader);
    uint32_t code = reader_u32_be(reader);
    if (reader->failed || size != response.size)
        return malformed(err, command, "the response is not as long as its header says");
    if (code != 0) {
        char name[32], text[96];
        return error_set(err, &tpm_response_failed, CLAUSE, tpm_command_name(command, name),
                         "the TPM refused the command: %s",
                         tpm_response_code_format(code, text, sizeof text));
    }
    if (tag != expected_tag)
        return malformed(err, command,
                         expected_tag == ST_SESSIONS ? "the response has no session"
                                                     : "the response has a session");
    *handle = returns_handle(command) ? reader_u32_be(reader) : 0;
    return true;
}

bool response_frame_parse_plain(struct response_frame *out, uint32_t command, struct slice response,
                                struct error *err)
{
    struct reader reader;
    uint32_t handle;
    if (!read_head(&reader, &handle, ST_NO_SESSIONS, command, response, err))
        return false;
    if (reader.failed)
        return malformed(err, command, "the response ends before its handle");
    *out = (struct response_frame){handle, reader.rest};
    return true;
}

/* What stands behind the parameters: TPMS_AUTH_RESPONSE. */
struct session_area {
    struct slice nonce_tpm;
    uint8_t attributes;
    struct slice hmac;
};

static struct session_area read_session(struct reader *reader)
{
    struct session_area area;
    area.nonce_tpm = reader_bytes(reader, reader_u16_be(reader));
    area.attributes = reader_u8(reader);
    area.hmac = reader_bytes(reader, reader_u16_be(reader));
    return area;
}

/* rpHash = H(responseCode ‖ commandCode ‖ parameters) (Part 1, 18.8). */
static void hash_parameters(uint8_t out[DIGEST_SHA256_SIZE], uint32_t command,
                            struct slice parameters)
{
    uint8_t head[8] = {0,
                       0,
                       0,
                       0,
                       (uint8_t)(command >> 24),
                       (uint8_t)(command >> 16),
                       (uint8_t)(command >> 8),
                       (uint8_t)command};
    struct slice parts[2] = {slice_of(head, sizeof head), parameters};
    struct digest digest;
    digest_compute_parts(&digest, DIGEST_SHA256, parts, 2);
    memcpy(out, digest.value, DIGEST_SHA256_SIZE);
}

/* The HMAC that the TPM makes when all is as it says (Part 1, 19.6.8). */
static void expect_hmac(struct digest *out, const struct tpm_session *session,
                        const struct session_area *area, struct slice parameters)
{
    uint8_t message[DIGEST_SHA256_SIZE + 2 * TPM_NONCE_SIZE + 1];
    hash_parameters(message, session->command, parameters);
    memcpy(message + DIGEST_SHA256_SIZE, area->nonce_tpm.data, TPM_NONCE_SIZE);
    memcpy(message + DIGEST_SHA256_SIZE + TPM_NONCE_SIZE, session->nonce_caller, TPM_NONCE_SIZE);
    message[sizeof message - 1] = area->attributes;
    digest_hmac(out, DIGEST_SHA256, slice_of(session->key, sizeof session->key),
                slice_of(message, sizeof message));
}

static bool check_session(const struct tpm_session *session, const struct session_area *area,
                          struct slice parameters, struct error *err)
{
    char name[32];
    const char *object = tpm_command_name(session->command, name);
    if (area->nonce_tpm.size != TPM_NONCE_SIZE)
        return error_set(err, &tpm_response_malformed, CLAUSE, object,
                         "the response has no nonce of %d bytes", TPM_NONCE_SIZE);
    struct digest expected;
    expect_hmac(&expected, session, area, parameters);
    bool equal = secret_equal(digest_slice(&expected), area->hmac);
    explicit_bzero(&expected, sizeof expected);
    if (!equal)
        return error_set(err, &tpm_response_hmac, CLAUSE, object,
                         "the response's HMAC is not that of this session over what it says");
    if ((area->attributes & ~SESSION_AUDIT_EXCLUSIVE) != SESSION_AUDIT)
        return error_set(err, &tpm_response_attributes, CLAUSE, object,
                         "the response's session attributes are 0x%02x instead of 0x80",
                         area->attributes);
    return true;
}

bool response_frame_verify(struct response_frame *out, uint32_t command,
                           const struct tpm_session *session, struct slice response,
                           struct error *err)
{
    char name[32], other[32];
    if (session->command != command || session->handle == 0)
        return error_set(err, &tpm_response_unexpected, CLAUSE, tpm_command_name(command, name),
                         "the session was used for %s", tpm_command_name(session->command, other));
    struct reader reader;
    uint32_t handle;
    if (!read_head(&reader, &handle, ST_SESSIONS, command, response, err))
        return false;
    struct slice parameters = reader_bytes(&reader, reader_u32_be(&reader));
    struct session_area area = read_session(&reader);
    if (!reader_done(&reader))
        return malformed(err, command, "the sizes in the response do not add up to its own");
    if (!check_session(session, &area, parameters, err))
        return false;
    *out = (struct response_frame){handle, parameters};
    return true;
}
