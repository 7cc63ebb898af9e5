/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A seccomp filter as a table that can be read: which system calls a process may still make, and
 * what happens at the others. Only this machine's own calling convention is let through; calls of
 * another (32-bit, x32) kill.
 */

#include <seccomp.h>

#include "base/error.h"

struct sandbox_rule {
    int call;        /* SCMP_SYS(…); one that this architecture lacks is ignored */
    uint32_t action; /* SCMP_ACT_… */
    unsigned count;  /* of conditions that must all hold; 0: always */
    struct scmp_arg_cmp when[2];
};

/* clang-format off */
#define SANDBOX_DO(action, name) {SCMP_SYS(name), action, 0, {{0}}}
#define SANDBOX_ALLOW(name) SANDBOX_DO(SCMP_ACT_ALLOW, name)
/* The argument equals the value, or has the bits (of the mask only these; none of them). */
#define SANDBOX_IF(action, name, argument, value) \
    {SCMP_SYS(name), action, 1, {SCMP_CMP_INIT(argument, SCMP_CMP_EQ, value, 0)}}
#define SANDBOX_IF_BOTH(action, name, argument, value, other, other_value)                        \
    {SCMP_SYS(name), action, 2, {SCMP_CMP_INIT(argument, SCMP_CMP_EQ, value, 0),                  \
                                 SCMP_CMP_INIT(other, SCMP_CMP_EQ, other_value, 0)}}
#define SANDBOX_IF_BITS(action, name, argument, bits) \
    {SCMP_SYS(name), action, 1, {SCMP_CMP_INIT(argument, SCMP_CMP_MASKED_EQ, bits, bits)}}
#define SANDBOX_IF_MASKED(action, name, argument, mask, value) \
    {SCMP_SYS(name), action, 1, {SCMP_CMP_INIT(argument, SCMP_CMP_MASKED_EQ, mask, value)}}
#define SANDBOX_IF_NO_BITS(action, name, argument, bits) \
    {SCMP_SYS(name), action, 1, {SCMP_CMP_INIT(argument, SCMP_CMP_MASKED_EQ, bits, 0)}}
#define SCMP_CMP_INIT(argument, operation, a, b) {argument, operation, a, b}
/* clang-format on */

struct sandbox_table {
    const struct sandbox_rule *rules;
    size_t count;
};

/*
 * Installs the rules of all tables for every thread, with otherwise (SCMP_ACT_…) for calls without
 * a rule. Sets no_new_privs. process.sandbox.
 */
bool sandbox_seccomp(uint32_t otherwise, const struct sandbox_table *tables, size_t count,
                     struct error *err);
/* Whether this process did that. */
bool sandbox_seccomp_entered(void);

/* What every profile needs: memory, threads, clocks, random bytes, ending. */
extern const struct sandbox_table sandbox_basic_calls;
/* Files of one's own, for those that Landlock leaves some. */
extern const struct sandbox_table sandbox_file_calls;
/* What fails in ordinary programs too, and libraries try: a plain refusal (EPERM) tells more than
 * ENOSYS. */
extern const struct sandbox_table sandbox_refused_calls;
/* What only an attack would call kills. */
extern const struct sandbox_table sandbox_killed_calls;
