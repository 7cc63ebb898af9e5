/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The keyholder process of one PKCS#11 token: it loses what the module does not need
 * (process/sandbox), serves its channels, and loads the module when the first request needs it. It
 * has no cluster key and no software keys. Should the module crash, it takes this process with it,
 * and nobody else.
 */

#include "keyholder/token.h"
#include "process/sandbox.h"

struct keyholder_token_process_options {
    const struct token_options *token; /* its texts must live as long as the process; no PIN */
    const struct secret *pin; /* copied; empty: an administrator gives it, or none is asked */
    const struct sandbox_token_reach *reach;
    const int *channels; /* connected sockets, taken over */
    int channel_count;
    bool sandbox; /* off only in unit tests */
};

/* As keyholder_process_run. process.sandbox. */
bool keyholder_token_process_run(const struct keyholder_token_process_options *options,
                                 struct error *err);
