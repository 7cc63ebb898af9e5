/* SPDX-License-Identifier: Apache-2.0 */

/* Responses of a TPM: as they come, and as parameters within a frame whose sizes and HMAC are
 * right, so that what is behind the HMAC is reached. What is accepted is what was asked for. */

#include "tpm/response.h"

#include "require.h"

static struct tpm_session session_for(uint32_t command)
{
    struct tpm_session session = {.command = command, .handle = 0x02000000};
    memset(session.key, 1, sizeof session.key);
    memset(session.nonce_caller, 2, sizeof session.nonce_caller);
    return session;
}

/* The frame around parameters, as the TPM of that session makes it (TPM 2.0 Part 1, 18). */
static void frame(struct buf *out, const struct tpm_session *session, struct slice parameters)
{
    uint8_t message[97] = {0}, head[8] = {0}, nonce[32] = {3};
    struct digest hash, hmac;
    for (int i = 0; i < 4; i++)
        head[4 + i] = (uint8_t)(session->command >> (24 - 8 * i));
    struct slice parts[2] = {slice_of(head, sizeof head), parameters};
    digest_compute_parts(&hash, DIGEST_SHA256, parts, 2);
    memcpy(message, hash.value, 32);
    memcpy(message + 32, nonce, 32);
    memcpy(message + 64, session->nonce_caller, 32);
    message[96] = 0x82;
    digest_hmac(&hmac, DIGEST_SHA256, slice_of(session->key, 32),
                slice_of(message, sizeof message));
    bool handle = session->command == TPM_CC_CREATE_PRIMARY;
    buf_append_u16_be(out, 0x8002);
    buf_append_u32_be(out, (uint32_t)(10 + (handle ? 4 : 0) + 4 + parameters.size + 69));
    buf_append_u32_be(out, 0);
    if (handle)
        buf_append_u32_be(out, 0x80000000);
    buf_append_u32_be(out, (uint32_t)parameters.size);
    buf_append(out, parameters);
    buf_append_u16_be(out, 32);
    buf_append_bytes(out, nonce, 32);
    buf_append_u8(out, 0x82);
    buf_append_u16_be(out, 32);
    buf_append(out, digest_slice(&hmac));
}

static const struct tpm_identity_template identity = {.use = TPM_IDENTITY_DECRYPT};

static void try_created(struct slice response)
{
    struct tpm_session session = session_for(TPM_CC_CREATE_PRIMARY);
    struct tpm_created_key created = {0};
    struct error err = {0};
    if (tpm_response_created(&created, &session, &identity, response, &err))
        require(public_key_bits(created.key) == 2048 && created.name[1] == 0x0b);
    else
        require(created.key == NULL && err.code != NULL);
    tpm_created_key_done(&created);
}

static void try_pcrs(struct slice response)
{
    struct tpm_session session = session_for(TPM_CC_PCR_READ);
    struct tpm_pcr_selection selection = {DIGEST_SHA256, 0x81};
    struct tpm_pcr_read read;
    struct tpm_pcr_bank bank;
    struct error err = {0};
    if (!tpm_response_pcrs(&read, &session, selection, response, &err)) {
        require(err.code != NULL);
        return;
    }
    require(read.bank.present == 0x81 && read.bank.algorithm == DIGEST_SHA256);
    require(tpm_pcr_reads_join(&bank, &read, 1, false, &err) && bank.present == 0x81);
}

static void try_public(struct slice response)
{
    struct tpm_session session = session_for(TPM_CC_READ_PUBLIC);
    static const uint8_t name[34] = {0, 0x0b};
    struct slice area;
    require(!tpm_response_public(&area, &session, slice_of(name, sizeof name), response, NULL));
}

static void try_started(struct slice response)
{
    struct tpm_session session = {.salt_size = 32};
    struct error err = {0};
    if (tpm_session_started(&session, response, &err))
        require(session.handle >> 24 == 2 && session.salt_size == 0);
    else
        require(session.handle == 0 && err.code != NULL);
}

static void with_frame(uint32_t command, struct slice parameters, void (*try)(struct slice))
{
    struct tpm_session session = session_for(command);
    _cleanup_buf_ struct buf response;
    buf_init(&response, 65536);
    frame(&response, &session, parameters);
    try(buf_slice(&response));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    char text[64];
    require(tpm_response_code_format(tpm_response_code(input), text, sizeof text) == text);
    tpm_response_handle(input);
    try_started(input);
    try_created(input);
    try_pcrs(input);
    if (size > 8192)
        return 0;
    with_frame(TPM_CC_CREATE_PRIMARY, input, try_created);
    with_frame(TPM_CC_PCR_READ, input, try_pcrs);
    with_frame(TPM_CC_READ_PUBLIC, input, try_public);
    return 0;
}
