/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files that administrators get authorities' certificates in: PEM (any number of them), DER, PKCS#7
 * (DER or PEM), and Microsoft's TrustedTpm.cab, whose folders say VENDOR/RootCA and
 * VENDOR/IntermediateCA. What one file of a cabinet holds may be unreadable: it is reported and the
 * rest is taken. The certificates are not judged here (see tpm_trust_check), nor is the signature
 * behind a cabinet: what is added is what the administrator trusts.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define TPM_TRUST_FILE_SIZE_MAX (64 * 1024 * 1024)

enum tpm_trust_place {
    TPM_TRUST_UNSAID, /* no folder says; the administrator does */
    TPM_TRUST_ROOT,
    TPM_TRUST_INTERMEDIATE
};

struct tpm_trust_found {
    const char *name; /* "AMD/RootCA/AMD-fTPM.cer", or NULL when the file is no cabinet */
    enum tpm_trust_place place;
    struct slice der;            /* empty when unreadable */
    const struct error *problem; /* NULL when readable */
};

/*
 * Calls each certificate of the file, and each part of it that is unreadable. Returning false from
 * each stops with its error. tpm.trust-file when the file as a whole is none of these.
 */
bool tpm_trust_file_read(struct slice file,
                         bool (*each)(void *context, const struct tpm_trust_found *found,
                                      struct error *err),
                         void *context, struct error *err);
