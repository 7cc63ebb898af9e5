/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the PCRs hold after a boot that measured what a log says (PFP 10.4.5): each event but
 * EV_NO_ACTION extends its PCR by its digest. PCR 0 starts with the locality of StartupLocality or
 * of an H-CRTM event, 17 to 22 with ones, all others with zeros.
 */

#include "eventlog/eventlog.h"
#include "tpm/pcr.h"

/*
 * Replays the bank of algorithm. present has the bits of the PCRs whose value is known: of all 24
 * but those in which an event lacks this bank's digest. Refuses with eventlog.bank-missing when the
 * log has no such bank, and eventlog.bank-weak for SHA-1.
 */
bool eventlog_replay(struct tpm_pcr_bank *out, const struct eventlog *log,
                     enum digest_algorithm algorithm, struct error *err);

/*
 * The PCRs of the bitmap pcrs in which replayed differs from what a TPM says that they hold, as a
 * bitmap; a PCR that one of the two lacks differs. 0: the log is the log of this boot, as far as
 * pcrs reach.
 */
uint32_t eventlog_replay_differs(const struct tpm_pcr_bank *replayed,
                                 const struct tpm_pcr_bank *read, uint32_t pcrs);
