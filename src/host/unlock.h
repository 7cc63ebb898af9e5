/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unlocking a VM file on a guarded host: attest if needed, have the service roll its transport key,
 * open the secret with the old key, seal everything under the new one, replace the file, and only
 * then give the secret away. The order makes every moment safe: until the file is replaced the old
 * one unlocks (the service keeps no state about it), afterwards the new one does, and a secret that
 * was used is always one whose file was rolled.
 */

#include "base/clock.h"
#include "base/secret.h"
#include "host/config.h"

struct host_unlock_options {
    const struct host_config *config;
    const struct clock *clock;
    struct error *lost; /* may be NULL: as host_attest_if_needed says */
};

/* The secret `name` of the VM file at path. vm.*, host.*, http.*, protector.*, base.file-*. */
bool host_unlock(struct secret *out, const char *path, const char *name,
                 const struct host_unlock_options *options, struct error *err);
