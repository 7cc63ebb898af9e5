/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The service process: HTTP, administration socket, decisions. It holds no private key. Its sandbox
 * comes first, before any thread and any byte from outside; then the parts are made from the store
 * upwards and taken down in reverse.
 */

#include "hgsd/config.h"

/* In the supervisor, before anything starts: makes the folders that the configuration names, with
 * their owners. */
bool service_prepare(const struct hgsd_config *config, struct error *err);
/* hgsd --check-config: what can be known without starting (users, groups, folders, TLS files). */
bool service_check(const struct hgsd_config *config, struct error *err);
/*
 * Runs until SIGTERM; control: the supervisor's end brings the channels to the keyholder.
 * config_path: read again on SIGHUP for the log level; NULL: none. Gives the exit status.
 */
int service_run(const struct hgsd_config *config, const char *config_path, int control);
