/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_key.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include "crypto/errors.h"
#include "host/errors.h"

#define FORM 1 /* of the kept form */

void host_tpm_key_done(struct host_tpm_key *key)
{
    buf_done(&key->context);
}

bool host_tpm_key_save(struct host_tpm_key *out, struct host_tpm_device *device, uint32_t handle,
                       const struct public_key *key, struct tpm_pcr_selection selection,
                       struct error *err)
{
    ESYS_CONTEXT *esys = host_tpm_device_esys(device);
    ESYS_TR object = ESYS_TR_NONE;
    TPMS_CONTEXT *saved = NULL;
    uint8_t bytes[HOST_TPM_KEY_MAX];
    size_t size = 0;
    TSS2_RC code =
        Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object);
    if (code == TSS2_RC_SUCCESS)
        code = Esys_ContextSave(esys, object, &saved);
    if (code == TSS2_RC_SUCCESS)
        code = Tss2_MU_TPMS_CONTEXT_Marshal(saved, bytes, sizeof bytes, &size);
    Esys_Free(saved);
    if (object != ESYS_TR_NONE)
        (void)Esys_TR_Close(esys, &object);
    if (code != TSS2_RC_SUCCESS)
        return host_tpm_device_refuse(device, code, "saving the identity key", err);
    out->selection = selection;
    memcpy(out->digest, public_key_digest(key), sizeof out->digest);
    buf_init(&out->context, HOST_TPM_KEY_MAX);
    buf_append_bytes(&out->context, bytes, size);
    return true;
}

/* A key that is loaded, and a session that satisfies its policy. */
struct loaded {
    struct host_tpm_device *device;
    ESYS_CONTEXT *esys;
    ESYS_TR key, session;
};

static void unload(struct loaded *loaded)
{
    if (loaded->session != ESYS_TR_NONE)
        (void)Esys_FlushContext(loaded->esys, loaded->session);
    if (loaded->key != ESYS_TR_NONE)
        (void)Esys_FlushContext(loaded->esys, loaded->key);
}

/* Whether it was the TPM that refused, and not the way to it. */
static bool is_of_tpm(TSS2_RC code)
{
    TSS2_RC layer = code & TSS2_RC_LAYER_MASK;
    return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
}

static bool load(struct loaded *loaded, const struct host_tpm_key *key, struct error *err)
{
    TPMS_CONTEXT context;
    size_t offset = 0;
    TSS2_RC code =
        Tss2_MU_TPMS_CONTEXT_Unmarshal(key->context.data, key->context.size, &offset, &context);
    if (code != TSS2_RC_SUCCESS || offset != key->context.size)
        return error_set(err, &host_identity_malformed, NULL, "identity key",
                         "what is kept of it is not a saved context");
    code = Esys_ContextLoad(loaded->esys, &context, &loaded->key);
    if (code == TSS2_RC_SUCCESS)
        return true;
    loaded->key = ESYS_TR_NONE;
    struct error cause = {0};
    host_tpm_device_refuse(loaded->device, code, "loading the identity key", &cause);
    /* Memory and retries are the TPM's daily troubles; all else is about these bytes. */
    if (!is_of_tpm(code) || (code & TPM2_RC_WARN) == TPM2_RC_WARN)
        return error_set(err, &host_tpm_failed, NULL, cause.object, "%s", cause.message);
    return error_set(err, &host_tpm_key_gone, NULL, cause.object,
                     "the TPM does not know the identity key any more: this machine was started "
                     "anew, or it is another TPM");
}

static bool fulfil_policy(struct loaded *loaded, const struct host_tpm_key *key, struct error *err)
{
    const TPMT_SYM_DEF symmetric = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
    TPML_PCR_SELECTION selection = {
        .count = 1,
        .pcrSelections = {
            {.hash = (TPMI_ALG_HASH)key->selection.algorithm,
             .sizeofSelect = 3,
             .pcrSelect = {(uint8_t)key->selection.pcrs, (uint8_t)(key->selection.pcrs >> 8),
                           (uint8_t)(key->selection.pcrs >> 16)}}}};
    const TPM2B_DIGEST now = {.size = 0};
    TSS2_RC code = Esys_StartAuthSession(loaded->esys, loaded->key, ESYS_TR_NONE, ESYS_TR_NONE,
                                         ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY,
                                         &symmetric, TPM2_ALG_SHA256, &loaded->session);
    if (code != TSS2_RC_SUCCESS) {
        loaded->session = ESYS_TR_NONE;
        return host_tpm_device_refuse(loaded->device, code, "starting a session", err);
    }
    const TPMA_SESSION attributes = TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
    code = Esys_TRSess_SetAttributes(loaded->esys, loaded->session, attributes, 0xff);
    if (code == TSS2_RC_SUCCESS)
        code = Esys_PolicyPCR(loaded->esys, loaded->session, ESYS_TR_NONE, ESYS_TR_NONE,
                              ESYS_TR_NONE, &now, &selection);
    return code == TSS2_RC_SUCCESS ||
           host_tpm_device_refuse(loaded->device, code, "PolicyPCR", err);
}

static bool refuse_locked(struct loaded *loaded, struct error *err)
{
    struct error cause = {0};
    host_tpm_device_refuse(loaded->device, 0, "", &cause);
    return error_set(
        err, &host_tpm_key_locked, NULL, cause.object,
        "a PCR was extended since this host attested, and the identity key is bound to "
        "what the PCRs held then");
}

/* Whether the session's policy, made of the PCRs as they are now, is the key's. */
static bool check_policy(struct loaded *loaded, struct error *err)
{
    TPM2B_PUBLIC *area = NULL;
    TPM2B_DIGEST *digest = NULL;
    TSS2_RC code = Esys_ReadPublic(loaded->esys, loaded->key, ESYS_TR_NONE, ESYS_TR_NONE,
                                   ESYS_TR_NONE, &area, NULL, NULL);
    if (code == TSS2_RC_SUCCESS)
        code = Esys_PolicyGetDigest(loaded->esys, loaded->session, ESYS_TR_NONE, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &digest);
    bool same = code == TSS2_RC_SUCCESS && slice_equal(slice_of(digest->buffer, digest->size),
                                                       slice_of(area->publicArea.authPolicy.buffer,
                                                                area->publicArea.authPolicy.size));
    Esys_Free(area);
    Esys_Free(digest);
    if (code != TSS2_RC_SUCCESS)
        return host_tpm_device_refuse(loaded->device, code, "reading the identity key", err);
    return same || refuse_locked(loaded, err);
}

static bool begin(struct loaded *loaded, const struct host_tpm_key *key,
                  struct host_tpm_device *device, struct error *err)
{
    *loaded = (struct loaded){device, host_tpm_device_esys(device), ESYS_TR_NONE, ESYS_TR_NONE};
    return load(loaded, key, err) && fulfil_policy(loaded, key, err) && check_policy(loaded, err);
}

bool host_tpm_key_check(const struct host_tpm_key *key, struct host_tpm_device *device,
                        struct error *err)
{
    struct loaded loaded;
    bool good = begin(&loaded, key, device, err);
    unload(&loaded);
    return good;
}

static bool choose_scheme(TPMT_RSA_DECRYPT *out, enum encryption_algorithm algorithm)
{
    *out = (TPMT_RSA_DECRYPT){.scheme = TPM2_ALG_OAEP};
    switch (algorithm) {
    case ENCRYPTION_RSA_OAEP_SHA256:
        out->details.oaep.hashAlg = TPM2_ALG_SHA256;
        return true;
    case ENCRYPTION_RSA_OAEP_SHA1:
        out->details.oaep.hashAlg = TPM2_ALG_SHA1;
        return true;
    }
    return false;
}

static bool decrypt(struct secret *out, struct loaded *loaded, const TPMT_RSA_DECRYPT *scheme,
                    struct slice ciphertext, struct error *err)
{
    TPM2B_PUBLIC_KEY_RSA in = {.size = (UINT16)ciphertext.size};
    const TPM2B_DATA label = {.size = 0};
    TPM2B_PUBLIC_KEY_RSA *plain = NULL;
    if (ciphertext.size > 0)
        memcpy(in.buffer, ciphertext.data, ciphertext.size);
    TSS2_RC code = Esys_RSA_Decrypt(loaded->esys, loaded->key, loaded->session, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &in, scheme, &label, &plain);
    if (code == TSS2_RC_SUCCESS) {
        secret_copy(out, slice_of(plain->buffer, plain->size));
        explicit_bzero(plain, sizeof *plain);
        Esys_Free(plain);
        return true;
    }
    /* Between the check and now. */
    if ((code & 0xbf) == TPM2_RC_POLICY_FAIL || code == TPM2_RC_PCR_CHANGED)
        return refuse_locked(loaded, err);
    /* swtpm calls a wrong padding TPM_RC_FAILURE; a TPM that failed would not have come so far. */
    if (is_of_tpm(code) && ((code & TPM2_RC_FMT1) != 0 || code == TPM2_RC_FAILURE))
        return error_set(err, &crypto_decryption_failed, NULL, "identity key",
                         "the ciphertext does not open");
    return host_tpm_device_refuse(loaded->device, code, "decrypting", err);
}

bool host_tpm_key_decrypt(struct secret *out, const struct host_tpm_key *key,
                          struct host_tpm_device *device, enum encryption_algorithm algorithm,
                          struct slice ciphertext, struct error *err)
{
    struct loaded loaded;
    TPMT_RSA_DECRYPT scheme;
    if (!choose_scheme(&scheme, algorithm))
        return error_set(err, &crypto_key_unsupported, NULL, "identity key",
                         "the TPM decrypts OAEP only");
    if (ciphertext.size > sizeof((TPM2B_PUBLIC_KEY_RSA *)0)->buffer)
        return error_set(err, &crypto_decryption_failed, NULL, "identity key",
                         "the ciphertext does not open");
    bool good = begin(&loaded, key, device, err) && decrypt(out, &loaded, &scheme, ciphertext, err);
    unload(&loaded);
    return good;
}

void host_tpm_key_format(struct buf *out, const struct host_tpm_key *key)
{
    buf_append_u32_le(out, FORM);
    buf_append_u16_le(out, (uint16_t)key->selection.algorithm);
    buf_append_u32_le(out, key->selection.pcrs);
    buf_append_bytes(out, key->digest, sizeof key->digest);
    buf_append_u32_le(out, (uint32_t)key->context.size);
    buf_append(out, buf_slice(&key->context));
}

bool host_tpm_key_parse(struct host_tpm_key *out, struct slice bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    uint32_t form = reader_u32_le(&reader);
    struct tpm_pcr_selection selection = {.algorithm =
                                              (enum digest_algorithm)reader_u16_le(&reader)};
    selection.pcrs = reader_u32_le(&reader);
    struct slice digest = reader_bytes(&reader, DIGEST_SHA256_SIZE);
    struct slice context = reader_bytes(&reader, reader_u32_le(&reader));
    if (!reader_done(&reader) || form != FORM || context.size == 0 ||
        context.size > HOST_TPM_KEY_MAX || !tpm_pcr_bank_is_evidence(selection.algorithm) ||
        selection.pcrs == 0 || selection.pcrs >> TPM_PCR_COUNT != 0)
        return error_set(err, &host_identity_malformed, NULL, "identity key",
                         "what is kept of it is not a TPM's key");
    out->selection = selection;
    memcpy(out->digest, digest.data, sizeof out->digest);
    buf_init(&out->context, HOST_TPM_KEY_MAX);
    buf_append(&out->context, context);
    return true;
}
