/* SPDX-License-Identifier: Apache-2.0 */
#include "process/sandbox_sanitizer.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

#ifdef SANITIZED
#include <stdatomic.h>

/* A report names the process and looks whether stderr is a terminal. */
static const struct sandbox_rule rules[] = {
    SANDBOX_ALLOW(getpgrp),
    SANDBOX_ALLOW(pipe2),
};
const struct sandbox_table sandbox_sanitizer_calls = {rules, sizeof rules / sizeof rules[0]};

static atomic_bool quiet;

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return atomic_load(&quiet);
}

void sandbox_sanitizer_quiet(void)
{
    atomic_store(&quiet, true);
}
#else
const struct sandbox_table sandbox_sanitizer_calls = {NULL, 0};

void sandbox_sanitizer_quiet(void)
{
}
#endif
