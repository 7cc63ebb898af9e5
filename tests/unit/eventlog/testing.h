/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of this room share: recorded boots, logs made by the builder, and what is asserted
 * of claims. */

#include <stdio.h>
#include <stdlib.h>

#include "../log_builder.h"
#include "../testing.h"
#include "../vector.h"
#include "base/hex.h"
#include "eventlog/claims.h"
#include "eventlog/errors.h"
#include "eventlog/replay.h"
#include "tpm/pcr.h"

#define TESTING_ALL_PCRS ((1u << TPM_PCR_COUNT) - 1)

static const char *const testing_boots[] = {
    "secure-boot-uki",    "secure-boot-uki-no-smm", "secure-boot-uki-three-banks",
    "no-secure-boot-uki", "direct-kernel",
};
#define TESTING_BOOTS (sizeof testing_boots / sizeof testing_boots[0])

/* Reads $HGS_VECTORS/boots/boot/name into out, which is initialised here. */
static inline void testing_read(struct buf *out, const char *boot, const char *name)
{
    char folder[64];
    snprintf(folder, sizeof folder, "boots/%s", boot);
    vector_read(out, folder, name);
}

/* The PCRs that the guest read, of one bank: lines of bank, index, hex. */
static inline void testing_read_pcrs(struct tpm_pcr_bank *out, const char *boot,
                                     enum digest_algorithm algorithm)
{
    _cleanup_buf_ struct buf text;
    char bank[16], value[2 * DIGEST_SIZE_MAX + 1];
    unsigned pcr;
    int used;
    testing_read(&text, boot, "pcrs.txt");
    *out = (struct tpm_pcr_bank){.algorithm = algorithm};
    for (const char *line = buf_text(&text);
         sscanf(line, "%15s %u %128s\n%n", bank, &pcr, value, &used) == 3; line += used) {
        if (strcmp(bank, digest_name(algorithm)) != 0)
            continue;
        _cleanup_buf_ struct buf bytes;
        buf_init(&bytes, DIGEST_SIZE_MAX);
        assert_ok(hex_parse(&bytes, slice_from_text(value), err));
        tpm_pcr_set(out, pcr, buf_slice(&bytes));
    }
}

static const enum digest_algorithm testing_sha256[] = {DIGEST_SHA256};

/* A log of SHA-256 only. */
static inline void testing_log(struct log_builder *builder)
{
    log_builder_init(builder, testing_sha256, 1);
}

/* What is claimed of the log that was built; free both. */
static inline void testing_claims(struct eventlog *log, struct eventlog_claims *claims,
                                  const struct log_builder *builder, enum eventlog_profile profile)
{
    assert_ok(eventlog_parse(log, log_builder_slice(builder), err));
    eventlog_claims_evaluate(claims, log, profile, DIGEST_SHA256);
}

static inline const char *testing_value(enum eventlog_value value)
{
    static const char *const words[] = {"unknown", "good", "bad"};
    return words[value];
}

#define testing_assert_claim(claims_, id, value_)                                        \
    do {                                                                                 \
        const struct eventlog_claim *testing_claim = &(claims_)->claims[id];             \
        if (testing_claim->value != (value_))                                            \
            fail_msg("%s:%d: %s is %s: %s", __FILE__, __LINE__, eventlog_claim_name(id), \
                     testing_value(testing_claim->value), testing_claim->sentence);      \
    } while (0)
