/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_relay.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include "host/errors.h"
#include "host/tpm_pcrs.h"
#include "tpm/response.h"

#define PUBLIC_MAX 2048

void host_tpm_relay_init(struct host_tpm_relay *relay, struct host_tpm_device *device,
                         uint32_t endorsement_handle)
{
    *relay = (struct host_tpm_relay){.device = device, .endorsement_handle = endorsement_handle};
}

void host_tpm_relay_done(struct host_tpm_relay *relay)
{
    struct buf command, response;
    buf_init(&command, HOST_TPM_COMMAND_MAX);
    buf_init(&response, HOST_TPM_COMMAND_MAX);
    /* A session that was used is gone already: the TPM says so, and nobody minds. */
    for (size_t i = 0; i < relay->handle_count; i++) {
        buf_reset(&command);
        buf_reset(&response);
        tpm_command_flush_context(&command, relay->handles[i]);
        (void)host_tpm_device_transmit(relay->device, &response, buf_slice(&command), NULL);
    }
    buf_done(&command);
    buf_done(&response);
    relay->handle_count = 0;
    relay->key_handle = 0;
}

static bool refuse(struct host_tpm_relay *relay, struct error *err, const char *what)
{
    return error_set(err, &host_tpm_command, "protocol.md 2.3", host_tpm_device_name(relay->device),
                     "%s", what);
}

static uint32_t get_u32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* TPML_PCR_SELECTION of one bank at the end of PCR_Read: count, hash, sizeofSelect 3, bitmap. */
static bool note_read(struct host_tpm_relay *relay, struct slice command, struct error *err)
{
    const size_t size = 4 + 2 + 1 + 3;
    const uint8_t *end = command.data + command.size;
    if (command.size < 10 + size || get_u32(end - size) != 1 || end[-4] != 3)
        return refuse(relay, err, "the service reads PCRs in a way that this host does not know");
    enum digest_algorithm algorithm = (enum digest_algorithm)(end[-6] << 8 | end[-5]);
    uint32_t pcrs = end[-3] | (uint32_t)end[-2] << 8 | (uint32_t)end[-1] << 16;
    if (relay->read.pcrs != 0 && relay->read.algorithm != algorithm)
        return refuse(relay, err, "the service reads PCRs of two banks");
    relay->read.algorithm = algorithm;
    relay->read.pcrs |= pcrs;
    return true;
}

/* Before the command is run: there is room to remember what it makes. */
static bool check(struct host_tpm_relay *relay, struct slice command, struct error *err)
{
    struct error cause = {0};
    if (!tpm_command_is_allowed(command, relay->endorsement_handle, &cause))
        return refuse(relay, err, cause.message);
    if (relay->handle_count == HOST_TPM_RELAY_HANDLES)
        return refuse(relay, err,
                      "the service makes more sessions and keys than attestation needs");
    return tpm_command_code(command) != TPM_CC_PCR_READ || note_read(relay, command, err);
}

static void note_made(struct host_tpm_relay *relay, struct slice command, struct slice response)
{
    uint32_t code = tpm_command_code(command);
    if (code != TPM_CC_START_AUTH_SESSION && code != TPM_CC_CREATE_PRIMARY)
        return;
    uint32_t handle = tpm_response_handle(response);
    if (handle == 0)
        return;
    relay->handles[relay->handle_count++] = handle;
    if (code == TPM_CC_CREATE_PRIMARY)
        relay->key_handle = handle;
}

bool host_tpm_relay_run(struct host_tpm_relay *relay, struct buf *response, struct slice command,
                        struct error *err)
{
    if (!check(relay, command, err))
        return false;
    size_t before = response->size;
    if (!host_tpm_device_transmit(relay->device, response, command, err))
        return false;
    struct slice answer = slice_of(response->data + before, response->size - before);
    uint32_t code = tpm_response_code(answer);
    if (code == 0) {
        note_made(relay, command, answer);
        return true;
    }
    char name[32], words[128];
    return error_set(err, &host_tpm_failed, NULL, host_tpm_device_name(relay->device),
                     "%s, which the service asked for, was refused: %s",
                     tpm_command_name(tpm_command_code(command), name),
                     tpm_response_code_format(code, words, sizeof words));
}

/* The public area of the key, from the TPM. */
static bool read_key(struct buf *out, struct host_tpm_relay *relay, struct error *err)
{
    ESYS_CONTEXT *esys = host_tpm_device_esys(relay->device);
    ESYS_TR object = ESYS_TR_NONE;
    TPM2B_PUBLIC *area = NULL;
    uint8_t bytes[PUBLIC_MAX];
    size_t size = 0;
    TSS2_RC code = Esys_TR_FromTPMPublic(esys, relay->key_handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                         ESYS_TR_NONE, &object);
    if (code == TSS2_RC_SUCCESS)
        code = Esys_ReadPublic(esys, object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, NULL,
                               NULL);
    if (code == TSS2_RC_SUCCESS)
        code = Tss2_MU_TPM2B_PUBLIC_Marshal(area, bytes, sizeof bytes, &size);
    Esys_Free(area);
    if (object != ESYS_TR_NONE)
        (void)Esys_TR_Close(esys, &object);
    if (code != TSS2_RC_SUCCESS)
        return host_tpm_device_refuse(relay->device, code, "reading the identity key", err);
    buf_append_bytes(out, bytes, size);
    return true;
}

static bool take_key(struct host_tpm_key *out, struct host_tpm_relay *relay, struct slice bytes,
                     struct error *err)
{
    _cleanup_public_key_ struct public_key *key = NULL;
    struct tpm_public area;
    struct tpm_pcr_bank bank;
    struct tpm_pcr_selection selection;
    if (!tpm_public_parse_sized(&area, bytes, err) || !tpm_public_key(&key, &area, err) ||
        !host_tpm_pcrs_read(&bank, relay->device, relay->read.algorithm, err))
        return false;
    if (!host_tpm_pcrs_of_policy(&selection, relay->read, &bank, area.policy))
        return refuse(relay, err,
                      "the identity key is not bound to the PCRs that the service read, or one of "
                      "them changed meanwhile");
    return host_tpm_key_save(out, relay->device, relay->key_handle, key, selection, err);
}

bool host_tpm_relay_take_key(struct host_tpm_key *out, struct host_tpm_relay *relay,
                             struct error *err)
{
    if (relay->key_handle == 0)
        return refuse(relay, err, "the service had no identity key made");
    struct buf bytes;
    buf_init(&bytes, PUBLIC_MAX);
    bool good = read_key(&bytes, relay, err) && take_key(out, relay, buf_slice(&bytes), err);
    buf_done(&bytes);
    return good;
}
