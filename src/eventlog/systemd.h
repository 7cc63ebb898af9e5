/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What systemd extends PCRs with after the log of the boot has ended (systemd,
 * TPM2_PCR_MEASUREMENTS; systemd-pcrphase.service(8)), so that the TPM's values are not the log's:
 *
 *   PCR 11                    the phases of the boot: enter-initrd, leave-initrd, sysinit, ready…
 *   PCRs 0 to 7, 9, 12 to 14  os-separator, where user space begins (since version 261)
 *   PCR 9                     nvpcr-separator (since version 259)
 *
 * Each is a known word, so it explains the difference and says nothing: whoever extends one by
 * himself gains nothing.
 */

#include "tpm/pcr.h"

/*
 * The PCRs of the bitmap pcrs whose read value is the replayed one, extended by one or more of
 * systemd's words in their order. A PCR that one of the two lacks is not among them.
 */
uint32_t systemd_explains(const struct tpm_pcr_bank *replayed, const struct tpm_pcr_bank *read,
                          uint32_t pcrs);
