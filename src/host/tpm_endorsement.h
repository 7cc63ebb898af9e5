/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The endorsement key of this host's TPM (TCG EK Credential Profile; eventlog-facts.md 7.1, 7.2):
 * found at a persistent handle, or created from its template (the manufacturer's own in NV when
 * there is one), with the manufacturer's certificate from NV as it lies there.
 *
 * Of several keys the first one that has a certificate is taken, in the order of
 * host_tpm_endorsement_kinds; without any certificate, the first that the TPM has or can make.
 */

#include "host/tpm_device.h"

#define HOST_TPM_CERTIFICATE_MAX 16384

struct host_tpm_endorsement {
    struct host_tpm_device *device; /* borrowed; outlives this */
    const char *kind;               /* "rsa-2048" */
    uint32_t handle;                /* on the device's connection */
    bool loaded;                    /* created by us: flushed in the end */
    uint32_t object;                /* ESAPI's number for it */
    struct buf public_area;         /* TPM2B_PUBLIC */
    struct buf certificate;         /* what the NV index holds, padding and all; empty: none */
    uint32_t certificate_index;     /* of NV; 0: none */
    struct buf chain; /* certificates above it, from NV: DER, one behind the other; empty: none */
};

/* The words that choose one: "rsa-2048", "p-256", "high-rsa-2048"…; NULL-terminated. */
extern const char *const host_tpm_endorsement_kinds[];

/* kind: one of the above, or "" or "auto". host.tpm-endorsement, host.tpm-failed. */
bool host_tpm_endorsement_find(struct host_tpm_endorsement *out, struct host_tpm_device *device,
                               const char *kind, struct error *err);
void host_tpm_endorsement_done(struct host_tpm_endorsement *endorsement);
#define _cleanup_host_tpm_endorsement_ __attribute__((cleanup(host_tpm_endorsement_done)))
