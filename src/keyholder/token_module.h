/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A PKCS#11 module: a shared library that is loaded into this process, and trusted as little as
 * that allows. It is initialised for use by several threads at once. What is loaded stays so until
 * the process ends: modules leave threads and handlers behind.
 */

#include <p11-kit/pkcs11.h>

#include "base/error.h"

struct token_module {
    CK_FUNCTION_LIST *call;
    const char *path; /* borrowed */
    bool threads;     /* calls come from several threads at once */
    bool owned;       /* we initialised it, and nobody else in this process */
};

/* Loads and initialises it. A module that cannot have several threads is refused when they are
 * wanted. token.module; token.failed, which may pass. */
bool token_module_open(struct token_module *out, const char *path, bool threads, struct error *err);
/* Both: nobody may be in the module. Nothing happens to a module that somebody else initialised. */
void token_module_close(struct token_module *module);
/* Ends and initialises it again: every handle is gone. token.failed; token.lost when it is not
 * ours to restart. */
bool token_module_restart(struct token_module *module, struct error *err);
