/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How this host attests and how the last attestation went, as `host show` and `host attest` say it:
 * under the names that Get-HgsClientConfiguration gives its properties. */

#include "base/clock.h"
#include "hgs/output.h"
#include "host/config.h"
#include "host/status.h"

struct picture {
    const struct host_config *config;
    struct host_status_record record;
    bool has_certificate;
    int64_t not_after;
};

/* From what is on the disk. out borrows config. The errors of host_identity_load. */
bool picture_take(struct picture *out, const struct host_config *config, const struct clock *clock,
                  struct error *err);
/* Writes it as JSON, and prints it unless JSON is wanted. */
void picture_show(struct output *output, const struct picture *picture);
