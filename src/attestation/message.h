/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The vocabulary of MS-HGSA messages (protocol.md 2; MS-HGSA 2.2.1): what requests and replies have
 * in common.
 */

#include "base/error.h"

#include <stdint.h>

/* MS-HGSA 2.2.1.1, AttestationOperationMode. */
enum attestation_mode {
    ATTESTATION_MODE_UNKNOWN = 0,
    ATTESTATION_MODE_TPM = 1,
    ATTESTATION_MODE_AD = 2,
    ATTESTATION_MODE_HOST_KEY = 3,
};

/* MS-HGSA 2.2.1.2, AttestationProvidedContentType. */
enum attestation_content {
    ATTESTATION_CONTENT_IDENTITY_KEY = 1,
    ATTESTATION_CONTENT_RTPM_CONTEXT = 2,
    ATTESTATION_CONTENT_HEALTH_CERTIFICATE = 3,
    ATTESTATION_CONTENT_ENDORSEMENT_KEY_CERTIFICATE = 4,
    ATTESTATION_CONTENT_CA_TRUSTLET_USER_DATA = 5,
    ATTESTATION_CONTENT_CA_TRUSTLET_VSM_REPORT = 6,
    ATTESTATION_CONTENT_CA_TRUSTLET_REPORT_SIGNATURE = 7,
    ATTESTATION_CONTENT_HOST_KEY_PUBLIC_KEY = 8,
    ATTESTATION_CONTENT_HOST_KEY_SIGNATURE = 9,
};
#define ATTESTATION_CONTENT_MAX 9

/* MS-HGSA 2.2.1.3, AttestationResultType. */
enum attestation_result {
    ATTESTATION_RESULT_ENCRYPTION_CERTIFICATE = 1,
    ATTESTATION_RESULT_SIGNING_CERTIFICATE = 2,
    ATTESTATION_RESULT_CA_CERTIFICATE = 3,
};
#define ATTESTATION_RESULT_MAX 3

/* What every `__type` ends in. */
#define ATTESTATION_TYPE_SUFFIX ":#Microsoft.Windows.RemoteAttestation.Core"

/* Functional levels (MS-HGSA 3.1.3): level N speaks the routes of version N.0. */
#define ATTESTATION_FUNCTIONAL_LEVEL 2

/* The mode's word in settings and commands: "tpm", "ad", "hostkey", "unknown". */
const char *attestation_mode_name(enum attestation_mode mode);
/* The reverse, for the three real modes; false for any other word. */
bool attestation_mode_parse(enum attestation_mode *out, const char *word);
