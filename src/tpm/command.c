/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/command.h"

#include <assert.h>
#include <stdio.h>

#include "crypto/random.h"

#define ST_SESSIONS 0x8002
#define ST_NO_SESSIONS 0x8001
#define SESSION_ATTRIBUTES 0x80 /* audit; continueSession clear */
#define PARAMETERS_MAX 1024

/* handle (4) ‖ nonce (2 + 32) ‖ attributes (1) ‖ HMAC (2 + 32): TPMS_AUTH_COMMAND. */
#define AUTHORISATION_SIZE (4 + 2 + TPM_NONCE_SIZE + 1 + 2 + DIGEST_SHA256_SIZE)

static const struct {
    uint32_t code;
    const char *name;
} names[] = {
    {TPM_CC_CREATE_PRIMARY, "CreatePrimary"},
    {TPM_CC_CREATE, "Create"},
    {TPM_CC_FLUSH_CONTEXT, "FlushContext"},
    {TPM_CC_READ_PUBLIC, "ReadPublic"},
    {TPM_CC_PCR_READ, "PCR_Read"},
    {TPM_CC_START_AUTH_SESSION, "StartAuthSession"},
};

const char *tpm_command_name(uint32_t code, char text[32])
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            return names[i].name;
    snprintf(text, 32, code == 0 ? "no command" : "command 0x%08X", code);
    return text;
}

uint32_t tpm_command_code(struct slice command)
{
    struct reader reader = reader_of(command);
    reader_bytes(&reader, 6);
    return reader_u32_be(&reader);
}

/* cpHash = H(commandCode ‖ Names ‖ parameters) (Part 1, 18.7). */
static void hash_command(uint8_t out[DIGEST_SHA256_SIZE], uint32_t code, struct slice entity,
                         struct slice parameters)
{
    uint8_t head[4] = {(uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8),
                       (uint8_t)code};
    struct slice parts[3] = {slice_of(head, sizeof head), entity, parameters};
    struct digest digest;
    digest_compute_parts(&digest, DIGEST_SHA256, parts, 3);
    memcpy(out, digest.value, DIGEST_SHA256_SIZE);
}

/* HMAC(sessionKey, cpHash ‖ nonceCaller ‖ nonceTPM ‖ attributes) (Part 1, 19.6.5); the values of
 * what is authorised are empty. */
static void sign(struct digest *out, const struct tpm_session *session, struct slice entity,
                 struct slice parameters)
{
    uint8_t message[DIGEST_SHA256_SIZE + 2 * TPM_NONCE_SIZE + 1];
    hash_command(message, session->command, entity, parameters);
    memcpy(message + DIGEST_SHA256_SIZE, session->nonce_caller, TPM_NONCE_SIZE);
    memcpy(message + DIGEST_SHA256_SIZE + TPM_NONCE_SIZE, session->nonce_tpm, TPM_NONCE_SIZE);
    message[sizeof message - 1] = SESSION_ATTRIBUTES;
    digest_hmac(out, DIGEST_SHA256, slice_of(session->key, sizeof session->key),
                slice_of(message, sizeof message));
}

/* The whole command. handle: 0: it takes none. entity: the handle's Name. */
static void write_command(struct buf *out, struct tpm_session *session, uint32_t code,
                          uint32_t handle, struct slice entity, struct slice parameters)
{
    assert(session->handle != 0 && session->command == 0);
    session->command = code;
    random_bytes(session->nonce_caller, sizeof session->nonce_caller);
    struct digest hmac;
    sign(&hmac, session, entity, parameters);
    size_t handles = handle != 0 ? 4 : 0;
    buf_append_u16_be(out, ST_SESSIONS);
    buf_append_u32_be(out, (uint32_t)(10 + handles + 4 + AUTHORISATION_SIZE + parameters.size));
    buf_append_u32_be(out, code);
    if (handle != 0)
        buf_append_u32_be(out, handle);
    buf_append_u32_be(out, AUTHORISATION_SIZE);
    buf_append_u32_be(out, session->handle);
    buf_append_u16_be(out, TPM_NONCE_SIZE);
    buf_append_bytes(out, session->nonce_caller, TPM_NONCE_SIZE);
    buf_append_u8(out, SESSION_ATTRIBUTES);
    buf_append_u16_be(out, (uint16_t)hmac.size);
    buf_append(out, digest_slice(&hmac));
    buf_append(out, parameters);
}

void tpm_command_create_primary(struct buf *out, struct tpm_session *session,
                                const struct tpm_identity_template *identity)
{
    struct buf area, parameters;
    buf_init(&area, TPM_PUBLIC_SIZE_MAX);
    buf_init(&parameters, PARAMETERS_MAX);
    tpm_identity_template_format(&area, identity);
    buf_append_u16_be(&parameters, 4); /* inSensitive: empty userAuth and data */
    buf_append_u16_be(&parameters, 0);
    buf_append_u16_be(&parameters, 0);
    buf_append_u16_be(&parameters, (uint16_t)area.size);
    buf_append(&parameters, buf_slice(&area));
    buf_append_u16_be(&parameters, 0); /* outsideInfo */
    buf_append_u32_be(&parameters, 0); /* creationPCR: no bank */
    static const uint8_t null_name[4] = {0x40, 0x00, 0x00, 0x07};
    write_command(out, session, TPM_CC_CREATE_PRIMARY, TPM_RH_NULL,
                  slice_of(null_name, sizeof null_name), buf_slice(&parameters));
    buf_done(&parameters);
    buf_done(&area);
}

void tpm_command_pcr_read(struct buf *out, struct tpm_session *session,
                          struct tpm_pcr_selection selection)
{
    assert(__builtin_popcount(selection.pcrs) <= TPM_PCR_READ_MAX);
    struct buf parameters;
    buf_init(&parameters, PARAMETERS_MAX);
    tpm_pcr_selection_format(&parameters, selection);
    write_command(out, session, TPM_CC_PCR_READ, 0, SLICE_EMPTY, buf_slice(&parameters));
    buf_done(&parameters);
}

void tpm_command_read_public(struct buf *out, struct tpm_session *session, uint32_t handle,
                             struct slice name)
{
    write_command(out, session, TPM_CC_READ_PUBLIC, handle, name, SLICE_EMPTY);
}

void tpm_command_flush_context(struct buf *out, uint32_t handle)
{
    buf_append_u16_be(out, ST_NO_SESSIONS);
    buf_append_u32_be(out, 10 + 4);
    buf_append_u32_be(out, TPM_CC_FLUSH_CONTEXT);
    buf_append_u32_be(out, handle);
}
