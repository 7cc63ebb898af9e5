/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The identity key: the key that the TPM creates during the exchange and the health certificate is
 * issued for (protocol.md 2.3). Its template is made here, travels sealed, and is compared byte for
 * byte with what the TPM made of it.
 */

#include "tpm/pcr.h"
#include "tpm/public.h"

enum tpm_identity_use {
    TPM_IDENTITY_DECRYPT = 1, /* objectAttributes 0x000204B2 */
    TPM_IDENTITY_SIGN = 2,    /* objectAttributes 0x000404B2 */
};

struct tpm_identity_template {
    enum tpm_identity_use use;
    uint8_t policy[DIGEST_SHA256_SIZE]; /* authPolicy: PolicyPCR */
    uint8_t unique[32];                 /* random, so that each exchange makes another key */
};

/* Of the registers selected in the bank, all present; draws unique. */
void tpm_identity_template_make(struct tpm_identity_template *out, enum tpm_identity_use use,
                                struct tpm_pcr_selection selection,
                                const struct tpm_pcr_bank *bank);
/* The TPMT_PUBLIC that CreatePrimary gets, appended. */
void tpm_identity_template_format(struct buf *out, const struct tpm_identity_template *identity);

/*
 * Whether outPublic (a TPMT_PUBLIC) is the template but for its modulus; the key. tpm.key-altered
 * (names the field that differs), tpm.public-*, crypto.key-*.
 */
bool tpm_identity_key_check(struct public_key **out, const struct tpm_identity_template *identity,
                            struct slice out_public, struct error *err);
