/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A made boot of Linux, and the claims that are drawn from its log. */

#include "eventlog/command_line.h"
#include "testing.h"

struct boot {
    struct log_linux linux_boot;
    struct log_builder builder;
    struct eventlog log;
    struct eventlog_claims claims;
};

static inline void begin(struct boot *boot)
{
    *boot = (struct boot){0};
    log_linux_init(&boot->linux_boot);
    testing_log(&boot->builder);
}

static inline void evaluate(struct boot *boot)
{
    testing_claims(&boot->log, &boot->claims, &boot->builder, EVENTLOG_PROFILE_LINUX);
}

static inline void build(struct boot *boot)
{
    log_linux_build(&boot->builder, &boot->linux_boot);
    evaluate(boot);
}

static inline void done(struct boot *boot)
{
    eventlog_claims_done(&boot->claims);
    eventlog_done(&boot->log);
    log_builder_done(&boot->builder);
}

static inline void assert_line(struct boot *boot, enum eventlog_command_line_source source,
                               const char *text)
{
    struct eventlog_command_line *line = &boot->claims.command_line;
    assert_int_equal(line->source, source);
    assert_string_equal(buf_text(&line->text), text);
    bool is_known = source == EVENTLOG_COMMAND_LINE_GRUB || source == EVENTLOG_COMMAND_LINE_SYSTEMD;
    testing_assert_claim(&boot->claims, EVENTLOG_CLAIM_COMMAND_LINE,
                         is_known ? EVENTLOG_GOOD : EVENTLOG_UNKNOWN);
    if (is_known)
        return;
    testing_assert_claim(&boot->claims, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot->claims, EVENTLOG_CLAIM_NO_DUMPS, EVENTLOG_UNKNOWN);
    testing_assert_claim(&boot->claims, EVENTLOG_CLAIM_FULL_BOOT, EVENTLOG_UNKNOWN);
}

static inline void assert_contradicted(struct boot *boot)
{
    assert_line(boot, EVENTLOG_COMMAND_LINE_CONTRADICTED, "");
}

/* An EV_IPL in PCR 8 whose digest is of hashed. */
static inline void pcr8(struct boot *boot, const char *hashed, size_t hashed_size, const char *data,
                        size_t data_size)
{
    log_builder_hashed(&boot->builder, 8, EVENTLOG_IPL, slice_of(hashed, hashed_size),
                       slice_of(data, data_size));
}
