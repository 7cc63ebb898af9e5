/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * This host's TPM 2.0: opened by a TCTI string of tpm2-tss ("device:/dev/tpmrm0",
 * "swtpm:path=/run/swtpm"), spoken to either by its own commands (tpm_*.c, through ESAPI) or by the
 * bytes that the attestation service sends (host_tpm_device_transmit), over one connection, since
 * handles are those of a connection. Every command has a limit of time.
 *
 * One thread at a time.
 */

#include "base/buf.h"

#define HOST_TPM_TCTI "device:/dev/tpmrm0"
#define HOST_TPM_COMMAND_MAX 4096 /* bytes of a command, and of a response */
#define HOST_TPM_LIMIT_MS 180000  /* slow TPMs take a minute to make an RSA key */

struct host_tpm_device;
struct ESYS_CONTEXT;

/*
 * tcti: as host_config_tcti gives it. host.tpm-permission (names the group to join),
 * host.tpm-missing, host.tpm-busy, host.tpm-version (a TPM 1.2), host.tpm-name (the string is not
 * one), host.tpm-failed.
 */
bool host_tpm_device_open(struct host_tpm_device **out, const char *tcti, struct error *err);
void host_tpm_device_close(struct host_tpm_device **device);
#define _cleanup_host_tpm_device_ __attribute__((cleanup(host_tpm_device_close)))

/* The string it was opened by. Borrowed. */
const char *host_tpm_device_name(const struct host_tpm_device *device);

/*
 * Sends one whole command, whose size field is its size, and appends the one whole response,
 * whatever its response code. host.tpm-failed.
 */
bool host_tpm_device_transmit(struct host_tpm_device *device, struct buf *out, struct slice command,
                              struct error *err);

/* For tpm_*.c. Borrowed. */
struct ESYS_CONTEXT *host_tpm_device_esys(struct host_tpm_device *device);
/* Refuses with host.tpm-failed: what could not be done, and what tpm2-tss or the TPM said (a
 * TSS2_RC).
 */
bool host_tpm_device_refuse(struct host_tpm_device *device, uint32_t code, const char *what,
                            struct error *err);

/* One of the TPM's properties (TPM2_PT); false: it has none. */
bool host_tpm_device_property(struct host_tpm_device *device, uint32_t property, uint32_t *out);
