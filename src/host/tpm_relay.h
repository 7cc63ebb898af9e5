/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Runs the commands of an attestation service in this host's TPM: those on the list (protocol.md
 * 2.3; tpm_command_is_allowed) and no other; and keeps account of what they leave behind in the
 * TPM, to flush it.
 */

#include "host/tpm_device.h"
#include "host/tpm_key.h"

#define HOST_TPM_RELAY_HANDLES 16

struct host_tpm_relay {
    struct host_tpm_device *device; /* borrowed */
    uint32_t endorsement_handle;
    uint32_t handles[HOST_TPM_RELAY_HANDLES]; /* of sessions and keys that were made */
    size_t handle_count;
    uint32_t key_handle;           /* of the key that was created; 0: none */
    struct tpm_pcr_selection read; /* the registers that were read */
};

void host_tpm_relay_init(struct host_tpm_relay *relay, struct host_tpm_device *device,
                         uint32_t endorsement_handle);
/* Flushes everything. */
void host_tpm_relay_done(struct host_tpm_relay *relay);
#define _cleanup_host_tpm_relay_ __attribute__((cleanup(host_tpm_relay_done)))

/* Runs one command; its response is appended. host.tpm-command for one that is not on the list,
 * host.tpm-failed when the TPM refuses or the service asks for too much. */
bool host_tpm_relay_run(struct host_tpm_relay *relay, struct buf *response, struct slice command,
                        struct error *err);
/* Saves the key that was created. host.tpm-command when none was, or one that is not bound to the
 * registers that were read; host.tpm-failed. */
bool host_tpm_relay_take_key(struct host_tpm_key *out, struct host_tpm_relay *relay,
                             struct error *err);
