/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_endorsement.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include "host/errors.h"
#include "host/tpm_template.h"
#include "tpm/endorsement_certificate.h"

#define PUBLIC_MAX 2048
#define NV_CHUNK_MIN 64
/* The chain of certificates, in as many indices as it needs (TCG EK Credential Profile 2.2.1.5.2).
 */
#define CHAIN_FIRST 0x01C00100u
#define CHAIN_LAST 0x01C001FFu
#define CHAIN_MAX 16384
#define PERSISTENT_FIRST 0x81000000u
#define PERSISTENT_MAX 64

const char *const host_tpm_endorsement_kinds[] = {"auto",          "rsa-2048",      "high-rsa-2048",
                                                  "high-rsa-3072", "high-rsa-4096", "p-256",
                                                  "high-p-256",    "high-p-384",    NULL};

/* What an NV index holds, appended; false without an error that anybody needs: it holds nothing
 * that we may read. */
static bool read_nv(struct buf *out, ESYS_CONTEXT *esys, uint32_t index, uint32_t chunk)
{
    ESYS_TR object = ESYS_TR_NONE;
    if (Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object) !=
        TSS2_RC_SUCCESS)
        return false;
    TPM2B_NV_PUBLIC *area = NULL;
    bool good = Esys_NV_ReadPublic(esys, object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area,
                                   NULL) == TSS2_RC_SUCCESS;
    /* Whoever may read: the index's own empty password, or the owner's. */
    ESYS_TR who =
        good && (area->nvPublic.attributes & TPMA_NV_AUTHREAD) != 0 ? object : ESYS_TR_RH_OWNER;
    uint32_t size = good ? area->nvPublic.dataSize : 0;
    good = good && size > 0 && size <= HOST_TPM_CERTIFICATE_MAX;
    for (uint32_t at = 0; good && at < size; at += chunk) {
        TPM2B_MAX_NV_BUFFER *bytes = NULL;
        uint32_t part = size - at < chunk ? size - at : chunk;
        good = Esys_NV_Read(esys, who, object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                            (UINT16)part, (UINT16)at, &bytes) == TSS2_RC_SUCCESS &&
               bytes->size == part;
        if (good)
            buf_append_bytes(out, bytes->buffer, bytes->size);
        Esys_Free(bytes);
    }
    Esys_Free(area);
    Esys_TR_Close(esys, &object);
    return good && buf_ok(out, "NV index", NULL);
}

static uint32_t nv_chunk(struct host_tpm_device *device)
{
    uint32_t most = 512;
    host_tpm_device_property(device, TPM2_PT_NV_BUFFER_MAX, &most);
    if (most > TPM2_MAX_NV_BUFFER_SIZE)
        most = TPM2_MAX_NV_BUFFER_SIZE;
    return most < NV_CHUNK_MIN ? NV_CHUNK_MIN : most;
}

static void read_chain(struct host_tpm_endorsement *out, ESYS_CONTEXT *esys, uint32_t chunk)
{
    struct buf nv;
    uint32_t index = CHAIN_FIRST;
    buf_init(&nv, CHAIN_MAX);
    while (index <= CHAIN_LAST && read_nv(&nv, esys, index, chunk))
        index++;
    buf_append(&out->chain, tpm_endorsement_certificate_cut_chain(buf_slice(&nv)));
    buf_done(&nv);
}

static bool take_public(struct buf *out, const TPM2B_PUBLIC *area)
{
    uint8_t bytes[PUBLIC_MAX];
    size_t size = 0;
    if (Tss2_MU_TPM2B_PUBLIC_Marshal(area, bytes, sizeof bytes, &size) != TSS2_RC_SUCCESS)
        return false;
    buf_reset(out);
    buf_append_bytes(out, bytes, size);
    return true;
}

/* Whether the key is the one that its certificate certifies. A certificate that we cannot read is
 * the service's to judge. */
static bool is_certified(const struct host_tpm_endorsement *endorsement)
{
    if (endorsement->certificate.size == 0)
        return true;
    _cleanup_certificate_ struct certificate *certificate = NULL;
    _cleanup_tpm_endorsement_key_ struct tpm_endorsement_key key = {0};
    struct slice der;
    if (!tpm_endorsement_certificate_cut(&der, buf_slice(&endorsement->certificate), NULL) ||
        !tpm_endorsement_certificate_parse(&certificate, der, NULL) ||
        !tpm_endorsement_key_parse(&key, buf_slice(&endorsement->public_area), NULL))
        return true;
    return tpm_endorsement_key_is(&key, certificate_key(certificate), NULL);
}

/* Takes the key at a persistent handle if it is one of this template. */
static bool take_persistent(struct host_tpm_endorsement *out, ESYS_CONTEXT *esys, uint32_t handle,
                            const struct host_tpm_template *shape)
{
    ESYS_TR object = ESYS_TR_NONE;
    TPM2B_PUBLIC *area = NULL;
    if (Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object) !=
        TSS2_RC_SUCCESS)
        return false;
    bool good = Esys_ReadPublic(esys, object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, NULL,
                                NULL) == TSS2_RC_SUCCESS &&
                host_tpm_template_fits(shape, &area->publicArea) &&
                take_public(&out->public_area, area) && is_certified(out);
    Esys_Free(area);
    if (!good) {
        Esys_TR_Close(esys, &object);
        return false;
    }
    out->handle = handle;
    out->object = object;
    return true;
}

static bool find_persistent(struct host_tpm_endorsement *out, ESYS_CONTEXT *esys,
                            const struct host_tpm_template *shape)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    if (Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                           PERSISTENT_FIRST, PERSISTENT_MAX, &more, &data) != TSS2_RC_SUCCESS)
        return false;
    const TPML_HANDLE *list = &data->data.handles;
    bool found = false;
    for (uint32_t i = 0; i < list->count && !found; i++)
        found = take_persistent(out, esys, list->handle[i], shape);
    Esys_Free(data);
    return found;
}

/* The manufacturer's own template, when NV has one that can be read. */
static void apply_nv_template(TPM2B_PUBLIC *area, ESYS_CONTEXT *esys,
                              const struct host_tpm_template *shape, uint32_t chunk)
{
    struct buf bytes;
    buf_init(&bytes, HOST_TPM_CERTIFICATE_MAX);
    size_t offset = 0;
    TPMT_PUBLIC own;
    memset(&own, 0, sizeof own);
    if (shape->template_index != 0 && read_nv(&bytes, esys, shape->template_index, chunk) &&
        Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes.data, bytes.size, &offset, &own) == TSS2_RC_SUCCESS &&
        own.type == shape->type)
        area->publicArea = own;
    buf_done(&bytes);
}

static bool create(struct host_tpm_endorsement *out, ESYS_CONTEXT *esys,
                   const struct host_tpm_template *shape, uint32_t chunk, TSS2_RC *code)
{
    TPM2B_PUBLIC wanted;
    host_tpm_template_fill(&wanted, shape);
    apply_nv_template(&wanted, esys, shape, chunk);
    const TPM2B_SENSITIVE_CREATE sensitive = {.size = 0};
    const TPM2B_DATA outside = {.size = 0};
    const TPML_PCR_SELECTION pcrs = {.count = 0};
    ESYS_TR object = ESYS_TR_NONE;
    TPM2B_PUBLIC *area = NULL;
    *code = Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                               ESYS_TR_NONE, &sensitive, &wanted, &outside, &pcrs, &object, &area,
                               NULL, NULL, NULL);
    if (*code != TSS2_RC_SUCCESS)
        return false;
    out->loaded = true;
    out->object = object;
    bool good = take_public(&out->public_area, area) &&
                Esys_TR_GetTpmHandle(esys, object, &out->handle) == TSS2_RC_SUCCESS;
    Esys_Free(area);
    return good;
}

/* The key of this template; *code: what the TPM said last. */
static bool obtain(struct host_tpm_endorsement *out, const struct host_tpm_template *shape,
                   TSS2_RC *code)
{
    ESYS_CONTEXT *esys = host_tpm_device_esys(out->device);
    out->kind = shape->kind;
    return find_persistent(out, esys, shape) ||
           create(out, esys, shape, nv_chunk(out->device), code);
}

static bool is_chosen(const struct host_tpm_template *shape, const char *kind)
{
    return kind[0] == '\0' || strcmp(kind, "auto") == 0 || strcmp(kind, shape->kind) == 0;
}

static bool check_kind(const char *kind, struct error *err)
{
    if (kind[0] == '\0')
        return true;
    for (size_t i = 0; host_tpm_endorsement_kinds[i] != NULL; i++)
        if (strcmp(host_tpm_endorsement_kinds[i], kind) == 0)
            return true;
    return error_set(err, &host_tpm_endorsement, NULL, kind,
                     "is no kind of endorsement key; rsa-2048, p-256 and high-p-384 are some");
}

static bool refuse(const struct host_tpm_endorsement *out, const char *kind, TSS2_RC code,
                   struct error *err)
{
    struct error cause = {0};
    host_tpm_device_refuse(out->device, code, "creating one", &cause);
    if (code == TPM2_RC_BAD_AUTH + TPM2_RC_S + TPM2_RC_1 ||
        code == TPM2_RC_AUTH_FAIL + TPM2_RC_S + TPM2_RC_1)
        return error_set(err, &host_tpm_endorsement, NULL, cause.object,
                         "none is kept, and none can be created: the endorsement hierarchy has a "
                         "password");
    return error_set(err, &host_tpm_endorsement, NULL, cause.object,
                     "there is none of kind %s, and %s", kind[0] != '\0' ? kind : "auto",
                     cause.message);
}

bool host_tpm_endorsement_find(struct host_tpm_endorsement *out, struct host_tpm_device *device,
                               const char *kind, struct error *err)
{
    if (!check_kind(kind, err))
        return false;
    _cleanup_host_tpm_endorsement_ struct host_tpm_endorsement found = {.device = device};
    buf_init(&found.public_area, PUBLIC_MAX);
    buf_init(&found.certificate, HOST_TPM_CERTIFICATE_MAX);
    buf_init(&found.chain, CHAIN_MAX);
    ESYS_CONTEXT *esys = host_tpm_device_esys(device);
    uint32_t chunk = nv_chunk(device);
    TSS2_RC code = TPM2_RC_VALUE;
    bool good = false;
    for (const struct host_tpm_template *t = host_tpm_templates; !good && t->kind != NULL; t++) {
        if (!is_chosen(t, kind) ||
            !read_nv(&found.certificate, esys, t->certificate_index, chunk)) {
            buf_reset(&found.certificate);
            continue;
        }
        found.certificate_index = t->certificate_index;
        good = obtain(&found, t, &code);
    }
    if (!good) {
        buf_reset(&found.certificate);
        found.certificate_index = 0;
    }
    for (const struct host_tpm_template *t = host_tpm_templates; !good && t->kind != NULL; t++)
        good = is_chosen(t, kind) && obtain(&found, t, &code);
    if (!good)
        return refuse(&found, kind, code, err);
    if (found.certificate.size > 0)
        read_chain(&found, esys, chunk);
    *out = found;
    found = (struct host_tpm_endorsement){0};
    return true;
}

void host_tpm_endorsement_done(struct host_tpm_endorsement *endorsement)
{
    if (endorsement->device != NULL) {
        ESYS_CONTEXT *esys = host_tpm_device_esys(endorsement->device);
        ESYS_TR object = endorsement->object;
        if (endorsement->loaded)
            (void)Esys_FlushContext(esys, object);
        else if (object != 0)
            (void)Esys_TR_Close(esys, &object);
    }
    buf_done(&endorsement->public_area);
    buf_done(&endorsement->certificate);
    buf_done(&endorsement->chain);
    *endorsement = (struct host_tpm_endorsement){0};
}
