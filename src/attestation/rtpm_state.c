/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/rtpm_state.h"

#include "attestation/errors.h"
#include "crypto/random.h"

#include <assert.h>

static const char clause[] = "protocol.md 2.3";

#define ASSOCIATED_LABEL "HGS-RTPM-1"
#define ASSOCIATED_SIZE (sizeof ASSOCIATED_LABEL - 1 + 16 + DIGEST_SHA256_SIZE)
#define BANK_SIZE_MAX (2 + 4 + TPM_PCR_COUNT * DIGEST_SIZE_MAX)

void rtpm_state_done(struct rtpm_state *state)
{
    if (state != NULL)
        explicit_bzero(state, sizeof *state);
}

static void write_sized(struct buf *out, struct slice bytes)
{
    buf_append_u16_le(out, (uint16_t)bytes.size);
    buf_append(out, bytes);
}

static void write_selection(struct buf *out, struct tpm_pcr_selection selection)
{
    buf_append_u16_le(out, (uint16_t)selection.algorithm);
    buf_append_u32_le(out, selection.pcrs);
}

static void write_bank(struct buf *out, const struct tpm_pcr_bank *bank)
{
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, BANK_SIZE_MAX);
    if (bank->present != 0)
        tpm_pcr_bank_format(&bytes, bank);
    write_sized(out, buf_slice(&bytes));
}

static void format(struct buf *out, const struct rtpm_state *state)
{
    buf_append_u8(out, RTPM_STATE_VERSION);
    buf_append_u8(out, (uint8_t)state->step);
    buf_append_u64_le(out, (uint64_t)state->started);
    buf_append_u8(out, (uint8_t)state->version);
    buf_append_u8(out, state->what_if);
    write_sized(out, slice_of(state->requested, state->requested_count));
    write_sized(out, slice_from_text(state->host));
    buf_append_bytes(out, state->policies, sizeof state->policies);
    buf_append_u64_le(out, (uint64_t)state->until);
    buf_append_bytes(out, state->log, sizeof state->log);
    buf_append_u8(out, state->judges_again);
    write_bank(out, &state->replayed);
    buf_append_u32_le(out, state->handle);
    write_selection(out, state->selection);
    write_selection(out, state->sealed);
    buf_append_u8(out, (uint8_t)state->identity_count);
    for (size_t i = 0; i < state->identity_count; i++) {
        buf_append_u8(out, (uint8_t)state->identities[i].use);
        buf_append_bytes(out, state->identities[i].policy, sizeof state->identities[i].policy);
        buf_append_bytes(out, state->identities[i].unique, sizeof state->identities[i].unique);
    }
    buf_append_u8(out, (uint8_t)state->session_count);
    for (size_t i = 0; i < state->session_count; i++)
        tpm_session_format(out, &state->sessions[i]);
    buf_append_u8(out, (uint8_t)state->key_count);
    for (size_t i = 0; i < state->key_count; i++)
        write_sized(out, slice_of(state->keys[i].der, state->keys[i].size));
    buf_append_u8(out, state->signing_key_protected);
    write_bank(out, &state->bank);
}

static struct slice read_sized(struct reader *in, size_t limit)
{
    size_t size = reader_u16_le(in);
    if (size > limit)
        in->failed = true;
    return reader_bytes(in, size);
}

static void read_into(void *to, struct reader *in, size_t size)
{
    struct slice bytes = reader_bytes(in, size);
    if (bytes.size == size)
        memcpy(to, bytes.data, size);
}

static void read_text(char *to, size_t size, struct reader *in)
{
    struct slice bytes = read_sized(in, size - 1);
    if (bytes.size > 0)
        memcpy(to, bytes.data, bytes.size);
    to[bytes.size] = '\0';
}

static size_t read_count(struct reader *in, size_t limit)
{
    size_t count = reader_u8(in);
    if (count > limit)
        in->failed = true;
    return in->failed ? 0 : count;
}

static struct tpm_pcr_selection read_selection(struct reader *in)
{
    enum digest_algorithm algorithm = (enum digest_algorithm)reader_u16_le(in);
    return (struct tpm_pcr_selection){algorithm, reader_u32_le(in)};
}

static bool read_sessions(struct rtpm_state *state, struct reader *in)
{
    state->session_count = read_count(in, RTPM_COMMANDS_MAX);
    for (size_t i = 0; i < state->session_count; i++)
        if (!tpm_session_parse(&state->sessions[i], in, NULL))
            return false;
    return true;
}

static void read_identities(struct rtpm_state *state, struct reader *in)
{
    state->identity_count = read_count(in, RTPM_IDENTITY_KEYS_MAX);
    for (size_t i = 0; i < state->identity_count; i++) {
        state->identities[i].use = (enum tpm_identity_use)reader_u8(in);
        read_into(state->identities[i].policy, in, sizeof state->identities[i].policy);
        read_into(state->identities[i].unique, in, sizeof state->identities[i].unique);
    }
}

static bool read_bank(struct tpm_pcr_bank *bank, struct reader *in)
{
    struct slice bytes = read_sized(in, BANK_SIZE_MAX);
    return bytes.size == 0 || tpm_pcr_bank_parse(bank, bytes, NULL);
}

static void read_keys(struct rtpm_state *state, struct reader *in)
{
    state->key_count = read_count(in, RTPM_IDENTITY_KEYS_MAX);
    for (size_t i = 0; i < state->key_count; i++) {
        struct slice der = read_sized(in, sizeof state->keys[i].der);
        if (der.size > 0)
            memcpy(state->keys[i].der, der.data, der.size);
        state->keys[i].size = der.size;
    }
}

/* Only ever reads what format wrote: the seal says so. */
static bool parse(struct rtpm_state *state, struct slice bytes)
{
    struct reader in = reader_of(bytes);
    if (reader_u8(&in) != RTPM_STATE_VERSION)
        return false;
    state->step = (enum rtpm_step)reader_u8(&in);
    state->started = (int64_t)reader_u64_le(&in);
    state->version = reader_u8(&in);
    state->what_if = reader_u8(&in) != 0;
    struct slice requested = read_sized(&in, ATTESTATION_RESULT_MAX);
    if (requested.size > 0)
        memcpy(state->requested, requested.data, requested.size);
    state->requested_count = requested.size;
    read_text(state->host, sizeof state->host, &in);
    read_into(state->policies, &in, sizeof state->policies);
    state->until = (int64_t)reader_u64_le(&in);
    read_into(state->log, &in, sizeof state->log);
    state->judges_again = reader_u8(&in) != 0;
    if (!read_bank(&state->replayed, &in))
        return false;
    state->handle = reader_u32_le(&in);
    state->selection = read_selection(&in);
    state->sealed = read_selection(&in);
    read_identities(state, &in);
    if (!read_sessions(state, &in))
        return false;
    read_keys(state, &in);
    state->signing_key_protected = reader_u8(&in) != 0;
    return read_bank(&state->bank, &in) && reader_done(&in);
}

static void write_associated(struct buf *out, const struct rtpm_binding *binding)
{
    buf_append_text(out, ASSOCIATED_LABEL);
    buf_append_bytes(out, binding->session->bytes, sizeof binding->session->bytes);
    buf_append_bytes(out, binding->endorsement_key, DIGEST_SHA256_SIZE);
}

void rtpm_state_seal(struct rtpm_sealed *out, struct buf *bytes, const struct rtpm_state *state,
                     const struct attestation_sealing_set *keys, const struct rtpm_binding *binding)
{
    _cleanup_buf_ struct buf plain, associated;
    buf_init_secret(&plain, RTPM_SEALED_MAX);
    buf_init(&associated, ASSOCIATED_SIZE);
    format(&plain, state);
    assert(!plain.overflow);
    write_associated(&associated, binding);
    random_bytes(out->nonce, sizeof out->nonce);
    buf_append_u32_le(bytes, (uint32_t)plain.size);
    aead_encrypt(buf_reserve(bytes, plain.size), out->tag, secret_slice(&keys->keys[0]), out->nonce,
                 buf_slice(&associated), buf_slice(&plain));
    buf_added(bytes, plain.size);
    if (state->judges_again)
        buf_append(bytes, state->kept_log);
    out->bytes = buf_slice(bytes);
}

static bool refuse(struct error *err, const char *why)
{
    return error_set(err, &attestation_state_refused, clause, "EncStateObject", "%s", why);
}

bool rtpm_state_open(struct rtpm_state *out, const struct rtpm_sealed *sealed,
                     const struct attestation_sealing_set *keys, const struct rtpm_binding *binding,
                     struct error *err)
{
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    _cleanup_buf_ struct buf associated;
    struct reader in = reader_of(sealed->bytes);
    struct slice ciphertext = reader_bytes(&in, reader_u32_le(&in));
    buf_init(&associated, ASSOCIATED_SIZE);
    write_associated(&associated, binding);
    bool open = false;
    for (size_t i = 0; !in.failed && i < ATTESTATION_SEALING_KEYS && !open; i++)
        open = aead_decrypt(&plain, secret_slice(&keys->keys[i]), sealed->nonce, sealed->tag,
                            buf_slice(&associated), ciphertext, NULL);
    if (!open)
        return refuse(err, "no sealing key of this cluster opens it for this session and this TPM");
    *out = (struct rtpm_state){0};
    bool good = parse(out, secret_slice(&plain));
    out->kept_log = in.rest;
    if (good && (out->judges_again || in.rest.size == 0))
        return true;
    rtpm_state_done(out);
    return refuse(err, good ? "something stands behind it"
                            : "another version of this service sealed it");
}
