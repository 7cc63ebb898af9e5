/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The folders that hgsd.conf names: made and given to their users before the processes start, and
 * checked. */

#include "hgsd/config.h"

/*
 * Makes what is missing: store, audit and run folder for the service's user, the keyholder's folder
 * (0700) for its own. Only root can give a folder away; anybody else makes them for himself.
 * hgsd.state.
 */
bool folders_make(const struct hgsd_config *config, struct error *err);
/* The folder part of a path, allocated. */
char *folders_of(const char *path);
