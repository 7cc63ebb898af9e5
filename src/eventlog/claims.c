/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/claims.h"

#include "base/utf16.h"
#include "eventlog/command_line.h"
#include "eventlog/evaluation.h"
#include "tpm/pcr.h"

#define WINDOWS (1u << EVENTLOG_PROFILE_WINDOWS)
#define LINUX (1u << EVENTLOG_PROFILE_LINUX)

/* Each claim: its stable word, who has it, and what is said when nothing speaks of it. */
static const struct {
    const char *name;
    uint32_t profiles;
    const char *unknown;
} descriptions[EVENTLOG_CLAIMS] = {
    [EVENTLOG_CLAIM_SECURE_BOOT] = {"secure-boot", WINDOWS | LINUX,
                                    "PCR 7 has no variable SecureBoot"},
    [EVENTLOG_CLAIM_UEFI_DEBUG_OFF] = {"uefi-debug-off", WINDOWS | LINUX,
                                       "PCR 7 has no end, so firmware may have said anything"},
    [EVENTLOG_CLAIM_DMA_PROTECTION] = {"dma-protection", WINDOWS | LINUX,
                                       "firmware says nothing against it"},
    [EVENTLOG_CLAIM_WINDOWS_AUTHORITY] = {"windows-authority", WINDOWS,
                                          "PCR 7 does not say which certificate the boot "
                                          "manager was verified with"},
    [EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE] = {"windows-boot-complete", WINDOWS,
                                              "PCRs 11 to 14 have not all been closed"},
    [EVENTLOG_CLAIM_FULL_BOOT] = {"full-boot", WINDOWS | LINUX,
                                  "the log does not say how the system was started"},
    [EVENTLOG_CLAIM_BOOT_DEBUG_OFF] = {"boot-debug-off", WINDOWS,
                                       "the log does not say whether boot debugging is on"},
    [EVENTLOG_CLAIM_KERNEL_DEBUG_OFF] = {"kernel-debug-off", WINDOWS,
                                         "the log does not say whether kernel debugging is on"},
    [EVENTLOG_CLAIM_HYPERVISOR_DEBUG_OFF] = {"hypervisor-debug-off", WINDOWS,
                                             "the log does not say whether hypervisor debugging "
                                             "is on"},
    [EVENTLOG_CLAIM_CODE_INTEGRITY] = {"code-integrity", WINDOWS,
                                       "the log does not say whether code integrity is on"},
    [EVENTLOG_CLAIM_TEST_SIGNING_OFF] = {"test-signing-off", WINDOWS,
                                         "the log does not say whether test signing is on"},
    [EVENTLOG_CLAIM_SAFE_MODE_OFF] = {"safe-mode-off", WINDOWS,
                                      "the log does not say whether this is safe mode"},
    [EVENTLOG_CLAIM_WINPE_OFF] = {"winpe-off", WINDOWS,
                                  "the log does not say whether this is Windows PE"},
    [EVENTLOG_CLAIM_NO_FAILURE] = {"no-failure", WINDOWS, "the log is not complete"},
    [EVENTLOG_CLAIM_VSM_IDK] = {"vsm-idk", WINDOWS, "PCR 12 has no VSM identity key"},
    [EVENTLOG_CLAIM_VSM_RUNNING] = {"vsm-running", WINDOWS,
                                    "the log does not say that the hypervisor and VSM were "
                                    "launched"},
    [EVENTLOG_CLAIM_IOMMU] = {"iommu", WINDOWS | LINUX, "nothing measured demands an IOMMU"},
    [EVENTLOG_CLAIM_HVCI] = {"hvci", WINDOWS,
                             "no hypervisor-enforced code integrity policy was measured"},
    [EVENTLOG_CLAIM_BITLOCKER] = {"bitlocker", WINDOWS,
                                  "the log does not say how the volume was unlocked"},
    [EVENTLOG_CLAIM_PAGEFILE_ENCRYPTION] = {"pagefile-encryption", WINDOWS,
                                            "the log does not say whether the page file is "
                                            "encrypted"},
    [EVENTLOG_CLAIM_NO_HIBERNATION] = {"no-hibernation", WINDOWS | LINUX,
                                       "the log does not say whether hibernation is off"},
    [EVENTLOG_CLAIM_NO_DUMPS] = {"no-dumps", WINDOWS | LINUX,
                                 "the log does not say whether crash dumps are off"},
    [EVENTLOG_CLAIM_DUMP_ENCRYPTION] = {"dump-encryption", WINDOWS,
                                        "the log does not say whether crash dumps are encrypted"},
    [EVENTLOG_CLAIM_DUMP_KEY] = {"dump-key", WINDOWS,
                                 "the log has no digest of a dump encryption key"},
    [EVENTLOG_CLAIM_LOCKDOWN] = {"lockdown", LINUX, "the kernel was not told to lock down"},
    [EVENTLOG_CLAIM_MODULE_SIGNATURES] = {"module-signatures", LINUX,
                                          "the kernel was not told to demand signed modules"},
    [EVENTLOG_CLAIM_IMA_APPRAISE] = {"ima-appraise", LINUX,
                                     "the kernel was not told to appraise files"},
    [EVENTLOG_CLAIM_COMMAND_LINE] = {"command-line", LINUX,
                                     "the log has no kernel command line in words"},
};

const char *eventlog_claim_name(enum eventlog_claim_id id)
{
    return descriptions[id].name;
}

void evaluation_state(struct eventlog_claims *claims, enum eventlog_claim_id id,
                      enum eventlog_value value, const char *sentence, uint32_t event)
{
    struct eventlog_claim *claim = &claims->claims[id];
    if (value < claim->value || (descriptions[id].profiles & 1u << claims->profile) == 0)
        return;
    if (value > claim->value)
        *claim = (struct eventlog_claim){.value = value, .sentence = sentence};
    if (event != EVENTLOG_NO_EVENT && claim->event_count < EVENTLOG_DECIDING_MAX)
        claim->events[claim->event_count++] = event;
}

void evaluation_void(struct eventlog_claims *claims, enum eventlog_claim_id id,
                     const char *sentence, uint32_t event)
{
    struct eventlog_claim *claim = &claims->claims[id];
    if (claim->value == EVENTLOG_BAD || (descriptions[id].profiles & 1u << claims->profile) == 0)
        return;
    *claim = (struct eventlog_claim){.sentence = sentence};
    if (event != EVENTLOG_NO_EVENT)
        claim->events[claim->event_count++] = event;
}

/* Of a bank whose digests prove nothing. */
static void distrust(struct eventlog_claims *out)
{
    for (int id = 0; id < EVENTLOG_CLAIMS; id++)
        out->claims[id].sentence = "the bank is too weak to prove anything";
    out->images_void = true;
}

void eventlog_claims_evaluate(struct eventlog_claims *out, const struct eventlog *log,
                              enum eventlog_profile profile, enum digest_algorithm algorithm)
{
    struct evaluation evaluation = {out, log};
    *out = (struct eventlog_claims){.profile = profile, .bank = algorithm};
    buf_init(&out->command_line.text, COMMAND_LINE_SIZE_MAX);
    out->command_line.event = EVENTLOG_NO_EVENT;
    for (int id = 0; id < EVENTLOG_CLAIMS; id++) {
        bool has = (descriptions[id].profiles & 1u << profile) != 0;
        out->claims[id].sentence =
            has ? descriptions[id].unknown : "this profile has no such claim";
    }
    if (!tpm_pcr_bank_is_evidence(algorithm)) {
        distrust(out);
        return;
    }
    firmware_evaluate(&evaluation);
    if (profile == EVENTLOG_PROFILE_WINDOWS)
        windows_evaluate(&evaluation);
    else
        linux_evaluate(&evaluation);
}

void eventlog_claims_done(struct eventlog_claims *claims)
{
    if (claims != NULL)
        buf_done(&claims->command_line.text);
}

bool eventlog_claims_confirm_load_options(const struct eventlog_claims *claims, struct slice text)
{
    _cleanup_buf_ struct buf wide;
    buf_init(&wide, 2 * COMMAND_LINE_SIZE_MAX + 2);
    if (claims->load_options.digest.size == 0 || !utf16_from_utf8(&wide, text))
        return false;
    struct digest digest;
    digest_compute(&digest, claims->bank, buf_slice(&wide));
    if (slice_equal(digest_slice(&digest), claims->load_options.digest))
        return true;
    buf_append_u16_le(&wide, 0);
    digest_compute(&digest, claims->bank, buf_slice(&wide));
    return slice_equal(digest_slice(&digest), claims->load_options.digest);
}
