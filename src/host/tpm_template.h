/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The TCG's templates of endorsement keys (EK Credential Profile, annex B; eventlog-facts.md 7.1),
 * and where their certificates and templates lie in NV (7.2). */

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

struct host_tpm_template {
    const char *kind; /* "rsa-2048" */
    uint16_t type;    /* TPM2_ALG_RSA or TPM2_ALG_ECC */
    uint16_t bits;    /* of an RSA modulus */
    uint16_t curve;   /* TPM2_ECC_… */
    uint16_t name_algorithm;
    bool is_high; /* of the high range: PolicyB, userWithAuth, empty unique */
    uint32_t certificate_index;
    uint32_t template_index; /* 0: none */
};

/* In the order of preference; kind NULL ends it. */
extern const struct host_tpm_template host_tpm_templates[];

/* The template as TPM2_CreatePrimary wants it. */
void host_tpm_template_fill(TPM2B_PUBLIC *out, const struct host_tpm_template *shape);
/* Whether a public area is a key of this template, whatever its unique is. */
bool host_tpm_template_fits(const struct host_tpm_template *shape, const TPMT_PUBLIC *area);
