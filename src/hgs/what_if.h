/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `hgs host attest --what-if tpm`: what the service would say of this host in TPM mode, policy by
 * policy. */

#include "hgs/output.h"
#include "host/attest.h"

/* Prints it; the exit status: 0 when the host would pass. */
int what_if_run(struct output *output, const struct host_attest_options *options);
