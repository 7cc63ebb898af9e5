/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_template.h"

#include <string.h>

#include "base/hex.h"

#define RSA(name, bits, hash, high, index, template_index)             \
    {                                                                  \
        name, TPM2_ALG_RSA, bits, 0, hash, high, index, template_index \
    }
#define ECC(name, curve, hash, high, index, template_index)             \
    {                                                                   \
        name, TPM2_ALG_ECC, 0, curve, hash, high, index, template_index \
    }

/* swtpm has kept the template of its P-256 key at 01C0000B. */
const struct host_tpm_template host_tpm_templates[] = {
    RSA("rsa-2048", 2048, TPM2_ALG_SHA256, false, 0x01C00002, 0x01C00004),
    RSA("high-rsa-2048", 2048, TPM2_ALG_SHA256, true, 0x01C00012, 0x01C00013),
    RSA("high-rsa-3072", 3072, TPM2_ALG_SHA384, true, 0x01C0001C, 0x01C0001D),
    RSA("high-rsa-4096", 4096, TPM2_ALG_SHA384, true, 0x01C0001E, 0x01C0001F),
    ECC("p-256", TPM2_ECC_NIST_P256, TPM2_ALG_SHA256, false, 0x01C0000A, 0x01C0000C),
    ECC("high-p-256", TPM2_ECC_NIST_P256, TPM2_ALG_SHA256, true, 0x01C00014, 0x01C00015),
    ECC("high-p-384", TPM2_ECC_NIST_P384, TPM2_ALG_SHA384, true, 0x01C00016, 0x01C00017),
    {.kind = NULL},
};

/* PolicySecret(endorsement), and for the high range the OR of it and PolicyAuthorizeNV. */
static const struct {
    bool is_high;
    uint16_t name_algorithm;
    const char *digest;
} policies[] = {
    {false, TPM2_ALG_SHA256, "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa"},
    {true, TPM2_ALG_SHA256, "ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0"},
    {true, TPM2_ALG_SHA384,
     "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419ca"
     "cb47ba09699646150f9fc000f3f80e12"},
};

static void fill_policy(TPM2B_DIGEST *out, const struct host_tpm_template *shape)
{
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (policies[i].is_high != shape->is_high ||
            policies[i].name_algorithm != shape->name_algorithm)
            continue;
        struct buf bytes;
        buf_init(&bytes, sizeof out->buffer);
        if (hex_parse(&bytes, slice_from_text(policies[i].digest), NULL)) {
            memcpy(out->buffer, bytes.data, bytes.size);
            out->size = (UINT16)bytes.size;
        }
        buf_done(&bytes);
    }
}

static void fill_symmetric(TPMT_SYM_DEF_OBJECT *out, const struct host_tpm_template *shape)
{
    out->algorithm = TPM2_ALG_AES;
    out->keyBits.aes = shape->name_algorithm == TPM2_ALG_SHA256 ? 128 : 256;
    out->mode.aes = TPM2_ALG_CFB;
}

void host_tpm_template_fill(TPM2B_PUBLIC *out, const struct host_tpm_template *shape)
{
    TPMT_PUBLIC *area = &out->publicArea;
    memset(out, 0, sizeof *out);
    area->type = shape->type;
    area->nameAlg = shape->name_algorithm;
    area->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                             TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
                             TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
                             (shape->is_high ? TPMA_OBJECT_USERWITHAUTH : 0);
    fill_policy(&area->authPolicy, shape);
    if (shape->type == TPM2_ALG_RSA) {
        TPMS_RSA_PARMS *rsa = &area->parameters.rsaDetail;
        fill_symmetric(&rsa->symmetric, shape);
        rsa->scheme.scheme = TPM2_ALG_NULL;
        rsa->keyBits = shape->bits;
        area->unique.rsa.size = shape->is_high ? 0 : shape->bits / 8;
        return;
    }
    TPMS_ECC_PARMS *ecc = &area->parameters.eccDetail;
    fill_symmetric(&ecc->symmetric, shape);
    ecc->scheme.scheme = TPM2_ALG_NULL;
    ecc->kdf.scheme = TPM2_ALG_NULL;
    ecc->curveID = shape->curve;
    area->unique.ecc.x.size = shape->is_high ? 0 : 32;
    area->unique.ecc.y.size = shape->is_high ? 0 : 32;
}

bool host_tpm_template_fits(const struct host_tpm_template *shape, const TPMT_PUBLIC *area)
{
    TPM2B_PUBLIC wanted;
    host_tpm_template_fill(&wanted, shape);
    const TPMT_PUBLIC *w = &wanted.publicArea;
    if (area->type != w->type || area->nameAlg != w->nameAlg ||
        area->objectAttributes != w->objectAttributes ||
        area->authPolicy.size != w->authPolicy.size ||
        memcmp(area->authPolicy.buffer, w->authPolicy.buffer, w->authPolicy.size) != 0)
        return false;
    return shape->type == TPM2_ALG_RSA
               ? area->parameters.rsaDetail.keyBits == w->parameters.rsaDetail.keyBits
               : area->parameters.eccDetail.curveID == w->parameters.eccDetail.curveID;
}
