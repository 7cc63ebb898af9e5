/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/session.h"

#include <assert.h>

#include "crypto/random.h"
#include "tpm/command.h"
#include "tpm/derivation.h"
#include "tpm/errors.h"
#include "tpm/response_frame.h"

#define ST_NO_SESSIONS 0x8001
#define SE_HMAC 0x00
#define SALT_LABEL "SECRET"
#define RSA_SALT_SIZE 32
/* The first byte of a handle: TPM_HT_HMAC_SESSION (Part 2, 7.2). */
#define HT_HMAC_SESSION 0x02

/* A salt and how it reaches the TPM: TPM2B_ENCRYPTED_SECRET without its size. */
struct salt {
    size_t size;
    uint8_t value[DIGEST_SIZE_MAX];
    struct buf encrypted;
};

void tpm_session_done(struct tpm_session *session)
{
    if (session != NULL)
        explicit_bzero(session, sizeof *session);
}

/* Part 1, B.10.3: OAEP with the key's name algorithm, the label with its NUL. */
static bool salt_to_rsa(struct salt *salt, const struct tpm_endorsement_key *key, struct error *err)
{
    salt->size = RSA_SALT_SIZE;
    random_bytes(salt->value, salt->size);
    return public_key_encrypt_labelled(&salt->encrypted, key->key, key->name_algorithm,
                                       slice_of(SALT_LABEL, sizeof SALT_LABEL),
                                       slice_of(salt->value, salt->size), err);
}

static void append_sized(struct buf *out, struct slice bytes)
{
    buf_append_u16_be(out, (uint16_t)bytes.size);
    buf_append(out, bytes);
}

/* Part 1, C.6.1: one ephemeral key, the salt by KDFe; a TPMS_ECC_POINT goes to the TPM. */
static bool salt_to_ecc(struct salt *salt, const struct tpm_endorsement_key *key, struct error *err)
{
    struct public_key_agreement agreement;
    if (!public_key_agree(&agreement, key->key, err))
        return false;
    size_t field = agreement.field_size;
    salt->size = digest_size(key->name_algorithm);
    tpm_kdfe(salt->value, salt->size, key->name_algorithm, slice_of(agreement.shared_x, field),
             SALT_LABEL, slice_of(agreement.ephemeral_x, field), slice_of(agreement.key_x, field));
    append_sized(&salt->encrypted, slice_of(agreement.ephemeral_x, field));
    append_sized(&salt->encrypted, slice_of(agreement.ephemeral_y, field));
    explicit_bzero(&agreement, sizeof agreement);
    return true;
}

static void start_one(struct tpm_session *session, struct buf *out, const struct salt *salt,
                      const uint8_t nonce[TPM_NONCE_SIZE], uint32_t key_handle)
{
    *session = (struct tpm_session){.salt_size = salt->size};
    memcpy(session->salt, salt->value, salt->size);
    memcpy(session->nonce_caller, nonce, TPM_NONCE_SIZE);
    size_t encrypted = salt->encrypted.size;
    buf_append_u16_be(out, ST_NO_SESSIONS);
    buf_append_u32_be(out, (uint32_t)(10 + 8 + 2 + TPM_NONCE_SIZE + 2 + encrypted + 1 + 2 + 2));
    buf_append_u32_be(out, TPM_CC_START_AUTH_SESSION);
    buf_append_u32_be(out, key_handle);
    buf_append_u32_be(out, TPM_RH_NULL); /* bind */
    append_sized(out, slice_of(session->nonce_caller, TPM_NONCE_SIZE));
    append_sized(out, buf_slice(&salt->encrypted));
    buf_append_u8(out, SE_HMAC);
    buf_append_u16_be(out, TPM_ALGORITHM_NULL); /* symmetric */
    buf_append_u16_be(out, DIGEST_SHA256);
}

bool tpm_sessions_start(struct tpm_session *sessions, struct buf *commands, size_t count,
                        const struct tpm_endorsement_key *key, uint32_t key_handle,
                        struct error *err)
{
    assert(count > 0 && count <= TPM_SESSIONS_MAX);
    struct salt salt = {0};
    buf_init(&salt.encrypted, 1024);
    bool rsa = public_key_type(key->key) == PUBLIC_KEY_RSA;
    bool salted = rsa ? salt_to_rsa(&salt, key, err) : salt_to_ecc(&salt, key, err);
    uint8_t nonces[TPM_SESSIONS_MAX][TPM_NONCE_SIZE];
    random_bytes(nonces, count * TPM_NONCE_SIZE); /* at once: each call costs a microsecond */
    for (size_t i = 0; salted && i < count; i++)
        start_one(&sessions[i], &commands[i], &salt, nonces[i], key_handle);
    buf_done(&salt.encrypted);
    explicit_bzero(&salt, sizeof salt);
    return salted;
}

bool tpm_session_started(struct tpm_session *session, struct slice response, struct error *err)
{
    if (session->salt_size == 0)
        return error_set(err, &tpm_response_unexpected, "protocol.md 2.3", "StartAuthSession",
                         "the session was started already");
    struct response_frame frame;
    if (!response_frame_parse_plain(&frame, TPM_CC_START_AUTH_SESSION, response, err))
        return false;
    struct reader reader = reader_of(frame.parameters);
    struct slice nonce = reader_bytes(&reader, reader_u16_be(&reader));
    if (!reader_done(&reader) || nonce.size != TPM_NONCE_SIZE)
        return error_set(err, &tpm_response_malformed, "TPM 2.0 Part 3, 11.1", "StartAuthSession",
                         "the response has no nonce of %d bytes", TPM_NONCE_SIZE);
    if (frame.handle >> 24 != HT_HMAC_SESSION)
        return error_set(err, &tpm_response_malformed, "TPM 2.0 Part 3, 11.1", "StartAuthSession",
                         "the response's handle 0x%08x is none of an HMAC session", frame.handle);
    session->handle = frame.handle;
    memcpy(session->nonce_tpm, nonce.data, nonce.size);
    tpm_kdfa(session->key, sizeof session->key, DIGEST_SHA256,
             slice_of(session->salt, session->salt_size), "ATH", nonce,
             slice_of(session->nonce_caller, TPM_NONCE_SIZE));
    explicit_bzero(session->salt, sizeof session->salt);
    session->salt_size = 0;
    return true;
}

void tpm_session_format(struct buf *out, const struct tpm_session *session)
{
    buf_append_u32_le(out, session->command);
    buf_append_u32_le(out, session->handle);
    buf_append_bytes(out, session->nonce_caller, TPM_NONCE_SIZE);
    buf_append_bytes(out, session->nonce_tpm, TPM_NONCE_SIZE);
    buf_append_bytes(out, session->key, TPM_SESSION_KEY_SIZE);
    buf_append_u8(out, (uint8_t)session->salt_size);
    buf_append_bytes(out, session->salt, session->salt_size);
}

static void read_into(uint8_t *out, size_t size, struct reader *in)
{
    struct slice bytes = reader_bytes(in, size);
    if (bytes.size == size && size > 0)
        memcpy(out, bytes.data, size);
}

bool tpm_session_parse(struct tpm_session *out, struct reader *in, struct error *err)
{
    _cleanup_tpm_session_ struct tpm_session read = {0};
    read.command = reader_u32_le(in);
    read.handle = reader_u32_le(in);
    read_into(read.nonce_caller, TPM_NONCE_SIZE, in);
    read_into(read.nonce_tpm, TPM_NONCE_SIZE, in);
    read_into(read.key, TPM_SESSION_KEY_SIZE, in);
    read.salt_size = reader_u8(in);
    if (read.salt_size > sizeof read.salt)
        in->failed = true;
    else
        read_into(read.salt, read.salt_size, in);
    if (in->failed || (read.handle == 0) != (read.salt_size > 0))
        return error_set(err, &tpm_session_malformed, "protocol.md 2.3", NULL,
                         "the state of a TPM session is cut or contradicts itself");
    *out = read;
    return true;
}
