/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Windows' loaders measured: settings (PCR 12), the same again with modules and policies (PCR
 * 13), and authorities (PCR 14), each PCR closed by a separator "WBCL"; PCR 11 is closed for
 * BitLocker. eventlog-facts.md 2 and 3; [MS-HGSA] 2.2.2.13 names the policies.
 *
 * Whoever boots another system finds these PCRs empty and can fill in anything. So nothing in them
 * is good unless PCR 7 says that Secure Boot was on and that Microsoft's certificate for Windows
 * verified the last image that firmware started.
 */
#include <stdio.h>

#include "base/utf16.h"
#include "eventlog/evaluation.h"
#include "eventlog/sipa.h"

#define SETTINGS_PCR 12
#define MODULES_PCR 13
#define FIRST_PCR 11
#define LAST_PCR 14
#define DUMP_KEY_DIGEST_SIZE 32

enum rule {
    IS_ZERO,
    IS_ONE,
    IS_NOT_ZERO,
};

/* Settings that are one number, of which each occurrence must be good. */
static const struct setting {
    uint32_t id;
    enum eventlog_claim_id claim;
    enum rule rule;
    const char *good, *bad;
} settings[] = {
    {SIPA_BOOT_DEBUGGING, EVENTLOG_CLAIM_BOOT_DEBUG_OFF, IS_ZERO, "boot debugging is off",
     "boot debugging is on"},
    {SIPA_OS_KERNEL_DEBUG, EVENTLOG_CLAIM_KERNEL_DEBUG_OFF, IS_ZERO, "kernel debugging is off",
     "kernel debugging is on"},
    {SIPA_HYPERVISOR_DEBUG, EVENTLOG_CLAIM_HYPERVISOR_DEBUG_OFF, IS_ZERO,
     "hypervisor debugging is off", "hypervisor debugging is on"},
    {SIPA_CODE_INTEGRITY, EVENTLOG_CLAIM_CODE_INTEGRITY, IS_ONE, "code integrity is on",
     "code integrity is off"},
    {SIPA_TEST_SIGNING, EVENTLOG_CLAIM_TEST_SIGNING_OFF, IS_ZERO, "test signing is off",
     "test signing is on"},
    {SIPA_SAFE_MODE, EVENTLOG_CLAIM_SAFE_MODE_OFF, IS_ZERO, "this is not safe mode",
     "this is safe mode"},
    {SIPA_WINPE, EVENTLOG_CLAIM_WINPE_OFF, IS_ZERO, "this is not Windows PE", "this is Windows PE"},
    {SIPA_VBS_IOMMU_REQUIRED, EVENTLOG_CLAIM_IOMMU, IS_ONE, "VSM demands an IOMMU",
     "VSM does not demand an IOMMU"},
    {SIPA_VBS_HVCI_POLICY, EVENTLOG_CLAIM_HVCI, IS_ONE, "the hypervisor enforces code integrity",
     "the hypervisor does not enforce code integrity"},
    {SIPA_PAGEFILE_ENCRYPTION, EVENTLOG_CLAIM_PAGEFILE_ENCRYPTION, IS_ONE,
     "the page file is encrypted", "the page file is not encrypted"},
    {SIPA_HIBERNATION_DISABLED, EVENTLOG_CLAIM_NO_HIBERNATION, IS_ONE, "hibernation is off",
     "hibernation is on"},
    {SIPA_DUMPS_DISABLED, EVENTLOG_CLAIM_NO_DUMPS, IS_ONE, "crash dumps are off",
     "crash dumps are on"},
    {SIPA_DUMP_ENCRYPTION, EVENTLOG_CLAIM_DUMP_ENCRYPTION, IS_ONE, "crash dumps are encrypted",
     "crash dumps are not encrypted"},
};

struct windows {
    struct evaluation *evaluation;
    uint32_t index;            /* of the event that is read */
    uint32_t pcr;              /* and its PCR */
    const char *void_sentence; /* why the PCRs are not understood; NULL: they are */
    uint32_t void_event;
    uint32_t closed;      /* bit i: PCR i has its last event */
    bool is_vsm_launched; /* each in every occurrence that was seen, and seen */
    bool is_hypervisor_launched;
    bool is_bitlocker_seen;
    bool has_key_protector;
    uint32_t bitlocker_event;
};

static void set_void(struct windows *windows, const char *sentence)
{
    if (windows->void_sentence != NULL)
        return;
    windows->void_sentence = sentence;
    windows->void_event = windows->index;
}

static void state(struct windows *windows, enum eventlog_claim_id id, bool is_good,
                  const char *good, const char *bad)
{
    evaluation_state(windows->evaluation->out, id, is_good ? EVENTLOG_GOOD : EVENTLOG_BAD,
                     is_good ? good : bad, windows->index);
}

static bool fits(enum rule rule, struct slice payload)
{
    uint64_t number;
    if (!sipa_number(&number, payload))
        return false;
    switch (rule) {
    case IS_ZERO:
        return number == 0;
    case IS_ONE:
        return number == 1;
    case IS_NOT_ZERO:
        return number != 0;
    }
    return false;
}

/* 0 says nothing, 1 and 5 start a loader or the hypervisor; 2 resumes, 3 and 4 start what nobody
 * verified. */
static void read_transfer(struct windows *windows, struct slice payload)
{
    uint64_t number;
    bool is_number = sipa_number(&number, payload);
    if (is_number && number == 0)
        return;
    state(windows, EVENTLOG_CLAIM_FULL_BOOT, is_number && (number == 1 || number == 5),
          "Windows was started by a full boot",
          is_number && number == 2 ? "Windows was resumed from hibernation"
                                   : "the boot manager started something else than Windows");
}

/* Flags of how the volume was unlocked. 1 alone (the key was cached) is what a volume with a clear
 * key gives, so it does not count. */
static void read_bitlocker(struct windows *windows, struct slice payload)
{
    uint64_t flags;
    if (!sipa_number(&flags, payload))
        flags = 0;
    windows->is_bitlocker_seen = true;
    if (!windows->has_key_protector)
        windows->bitlocker_event = windows->index;
    windows->has_key_protector |= (flags & 0x3F6) != 0;
}

static void read_launch(struct windows *windows, bool *is_launched, struct slice payload,
                        const char *bad)
{
    *is_launched = fits(IS_NOT_ZERO, payload);
    if (!*is_launched)
        state(windows, EVENTLOG_CLAIM_VSM_RUNNING, false, NULL, bad);
}

static void read_vsm_key(struct windows *windows, struct eventlog_vsm_key *out,
                         struct slice payload)
{
    static const char bad[] = "the VSM identity key is not a usable RSA key, or there are several";
    struct sipa_vsm_key key;
    bool is_encryption = out == &windows->evaluation->out->vsm_idk;
    if (windows->pcr != SETTINGS_PCR)
        return;
    bool is_good = sipa_vsm_key_parse(&key, payload) &&
                   (out->modulus.size == 0 || (slice_equal(out->modulus, key.modulus) &&
                                               slice_equal(out->exponent, key.exponent)));
    if (is_good)
        *out = (struct eventlog_vsm_key){key.exponent, key.modulus, windows->index};
    else if (!is_encryption)
        set_void(windows, "PCR 12 has a VSM signing key that is not usable, or several");
    if (is_encryption)
        state(windows, EVENTLOG_CLAIM_VSM_IDK, is_good, "PCR 12 has a VSM identity key", bad);
}

static void read_dump_key(struct windows *windows, struct slice payload)
{
    struct eventlog_claims *out = windows->evaluation->out;
    bool is_good = payload.size == DUMP_KEY_DIGEST_SIZE &&
                   (out->dump_key_digest.size == 0 || slice_equal(out->dump_key_digest, payload));
    state(windows, EVENTLOG_CLAIM_DUMP_KEY, is_good, "the dump encryption key's digest is measured",
          "the dump encryption key's digest has a wrong size, or there are several");
    if (is_good)
        out->dump_key_digest = payload;
}

static bool equals_ignoring_case(const char *text, const char *lower)
{
    for (; *text != '\0' && *lower != '\0'; text++, lower++)
        if (*text != *lower && !(*text >= 'A' && *text <= 'Z' && *text + 0x20 == *lower))
            return false;
    return *text == *lower;
}

static void read_si_policy(struct windows *windows, struct slice payload)
{
    struct eventlog_claims *out = windows->evaluation->out;
    struct sipa_si_policy policy;
    _cleanup_buf_ struct buf name;
    buf_init(&name, EVENTLOG_SI_POLICY_NAME_SIZE - 1);
    if (!sipa_si_policy_parse(&policy, payload) || !utf16_to_utf8(&name, policy.name) ||
        !buf_ok(&name, NULL, NULL) || memchr(buf_text(&name), 0, name.size) != NULL) {
        set_void(windows, "a code integrity policy's measurement is damaged");
        return;
    }
    enum digest_algorithm algorithm = (enum digest_algorithm)policy.algorithm;
    if (out->si_policy_count == EVENTLOG_SI_POLICIES_MAX ||
        eventlog_bank_of(algorithm) == EVENTLOG_BANKS ||
        digest_size(algorithm) != policy.digest.size)
        return; /* one that we cannot compare satisfies no policy */
    struct eventlog_si_policy *entry = &out->si_policies[out->si_policy_count++];
    *entry = (struct eventlog_si_policy){.algorithm = algorithm,
                                         .digest = policy.digest,
                                         .version = policy.version,
                                         .event = windows->index};
    snprintf(entry->name, sizeof entry->name, "%s", buf_text(&name));
    entry->is_driver_block_list = equals_ignoring_case(entry->name, "driversipolicy.p7b");
}

static void read_setting(struct windows *windows, uint32_t id, struct slice payload)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (settings[i].id == id)
            state(windows, settings[i].claim, fits(settings[i].rule, payload), settings[i].good,
                  settings[i].bad);
}

static void read_leaf(void *context, uint32_t id, struct slice payload)
{
    struct windows *windows = context;
    struct eventlog_claims *out = windows->evaluation->out;
    switch (id) {
    case SIPA_TRANSFER_CONTROL:
        read_transfer(windows, payload);
        break;
    case SIPA_BITLOCKER_UNLOCK:
        read_bitlocker(windows, payload);
        break;
    case SIPA_FIRMWARE_FAILURE:
    case SIPA_INTERNAL_FAILURE:
    case SIPA_HYPERVISOR_FAILURE:
        state(windows, EVENTLOG_CLAIM_NO_FAILURE, false, NULL,
              "a loader measured that something failed");
        break;
    case SIPA_VSM_LAUNCH_TYPE:
        read_launch(windows, &windows->is_vsm_launched, payload, "VSM was not launched");
        break;
    case SIPA_HYPERVISOR_LAUNCH_TYPE:
        read_launch(windows, &windows->is_hypervisor_launched, payload,
                    "the hypervisor was not launched");
        break;
    case SIPA_VSM_IDK_INFO:
        read_vsm_key(windows, &out->vsm_idk, payload);
        break;
    case SIPA_VSM_IDKS_INFO:
        read_vsm_key(windows, &out->vsm_idks, payload);
        break;
    case SIPA_DUMP_ENCRYPTION_KEY_DIGEST:
        read_dump_key(windows, payload);
        break;
    case SIPA_SI_POLICY:
        read_si_policy(windows, payload);
        break;
    default:
        read_setting(windows, id, payload);
        break;
    }
}

/* PCR 11: BitLocker's events, the last of which is FF FF 00 00. */
static const char *read_pcr11(struct windows *windows, const struct eventlog_event *event)
{
    if (event->type != EVENTLOG_COMPACT_HASH)
        return "PCR 11 has an event of a type that does not belong there";
    if (slice_equal(event->data, slice_of("\xff\xff\0\0", 4)))
        windows->closed |= 1u << FIRST_PCR;
    return NULL;
}

/* PCRs 12 to 14: tags, the last is the separator "WBCL". */
static const char *read_wbcl(struct windows *windows, const struct eventlog_event *event)
{
    switch (event->type) {
    case EVENTLOG_SEPARATOR:
        if (!slice_equals_text(event->data, "WBCL"))
            return "a PCR of Windows' has a separator that is not Windows'";
        windows->closed |= 1u << event->pcr;
        return NULL;
    case EVENTLOG_TAG:
        return sipa_walk(event->data, read_leaf, windows) ? NULL
                                                          : "an event of Windows' is damaged";
    default:
        return "a PCR of Windows' has an event of a type that does not belong there";
    }
}

static void read_event(struct windows *windows, const struct eventlog_event *event)
{
    const char *sentence;
    if ((windows->closed & 1u << event->pcr) != 0)
        sentence = "a PCR of Windows' was extended after it was closed";
    else if (!evaluation_covers(windows->evaluation, event, event->data))
        sentence = "a PCR of Windows' has an event whose digest does not cover its data";
    else if (event->pcr == FIRST_PCR)
        sentence = read_pcr11(windows, event);
    else
        sentence = read_wbcl(windows, event);
    if (sentence != NULL)
        set_void(windows, sentence);
}

/* Statements that rest on more than one event. */
static void conclude(struct windows *windows)
{
    struct eventlog_claims *out = windows->evaluation->out;
    windows->index = EVENTLOG_NO_EVENT;
    state(windows, EVENTLOG_CLAIM_NO_FAILURE, true, "no loader measured a failure", NULL);
    if (windows->is_vsm_launched && windows->is_hypervisor_launched)
        state(windows, EVENTLOG_CLAIM_VSM_RUNNING, true, "the hypervisor and VSM were launched",
              NULL);
    uint32_t all = (1u << (LAST_PCR + 1)) - (1u << FIRST_PCR);
    if (windows->void_sentence == NULL && windows->closed == all)
        state(windows, EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE, true,
              "PCRs 11 to 14 are complete and closed", NULL);
    if (windows->is_bitlocker_seen) {
        windows->index = windows->bitlocker_event;
        state(windows, EVENTLOG_CLAIM_BITLOCKER, windows->has_key_protector,
              "a BitLocker key protector unlocked the volume",
              "no BitLocker key protector unlocked the volume");
    }
    if (out->vsm_idk.modulus.size == 0 && out->vsm_idks.modulus.size > 0)
        out->vsm_idks = (struct eventlog_vsm_key){.event = EVENTLOG_NO_EVENT};
}

/* Why nothing in Windows' PCRs is to be believed; NULL: it is. */
static const char *find_doubt(struct windows *windows)
{
    const struct eventlog_claim *claims = windows->evaluation->out->claims;
    if (windows->void_sentence != NULL)
        return windows->void_sentence;
    if (claims[EVENTLOG_CLAIM_SECURE_BOOT].value != EVENTLOG_GOOD)
        return "Secure Boot is not proven, so another system may have measured this";
    if (claims[EVENTLOG_CLAIM_WINDOWS_AUTHORITY].value != EVENTLOG_GOOD)
        return "it is not proven that Windows' boot manager was started, so another system may "
               "have measured this";
    if (claims[EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE].value != EVENTLOG_GOOD)
        return "PCRs 11 to 14 have not all been closed, so anybody may have measured this later";
    return NULL;
}

void windows_evaluate(struct evaluation *evaluation)
{
    struct windows windows = {.evaluation = evaluation,
                              .void_event = EVENTLOG_NO_EVENT,
                              .bitlocker_event = EVENTLOG_NO_EVENT};
    struct eventlog_claims *out = evaluation->out;
    out->vsm_idk.event = out->vsm_idks.event = EVENTLOG_NO_EVENT;
    for (uint32_t i = 0; i < evaluation->log->event_count; i++) {
        const struct eventlog_event *event = &evaluation->log->events[i];
        if (event->pcr < FIRST_PCR || event->pcr > LAST_PCR || event->type == EVENTLOG_NO_ACTION)
            continue;
        windows.index = i;
        windows.pcr = event->pcr;
        read_event(&windows, event);
    }
    conclude(&windows);
    const char *doubt = find_doubt(&windows);
    if (doubt == NULL)
        return;
    for (int id = EVENTLOG_CLAIM_WINDOWS_BOOT_COMPLETE; id <= EVENTLOG_CLAIM_DUMP_KEY; id++)
        evaluation_void(out, (enum eventlog_claim_id)id, doubt, windows.void_event);
    out->si_policy_count = 0;
    out->vsm_idk = out->vsm_idks = (struct eventlog_vsm_key){.event = EVENTLOG_NO_EVENT};
    out->dump_key_digest = SLICE_EMPTY;
}
