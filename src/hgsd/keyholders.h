/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What runs in a keyholder child of the supervisor: with its configuration, its user and the
 * channels that it was executed with. Each gives the exit status. */

#include "hgsd/config.h"

/* The keyholder of software keys; count channels from SUPERVISOR_CHILD_FD on. */
int keyholders_run(const struct hgsd_config *config, int count);
/* That of the token of [token NAME]; behind its channels lies the list of PINs that were refused
 * (keyholder/refused_pins.h). Its PIN is read before the process becomes its user. */
int keyholders_run_token(const struct hgsd_config *config, const char *name, int descriptors);
