/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The folders that hgsd.conf names: made and given to their users before the processes start, and
 * checked. */

#include "hgsd/config.h"

/* Whether path is folder or lies in it, links followed; both may not exist yet. True also when that
 * cannot be told, as behind ".." in what does not exist: who asks wants to keep them apart. */
bool folders_hold(const char *folder, const char *path);
/* What in folder the service may not reach: private keys, PINs, what a token's module writes.
 * Borrowed from config; NULL: nothing. */
const char *folders_secret_in(const struct hgsd_config *config, const char *folder);
/* That the folders of store and audit trail hold nothing of that kind, since the service's sandbox
 * leaves it them whole. hgsd.config. */
bool folders_check(const struct hgsd_config *config, struct error *err);
/*
 * Checks them, and makes what is missing: store, audit and run folder for the service's user, the
 * keyholder's folder (0700) for its own. Only root can give a folder away; anybody else makes them
 * for himself. hgsd.config, hgsd.state.
 */
bool folders_make(const struct hgsd_config *config, struct error *err);
/* The folder part of a path, allocated. */
char *folders_of(const char *path);
