/* SPDX-License-Identifier: Apache-2.0 */

/* Recorded boots whose logs were altered afterwards, against the PCRs as the TPM held them: nothing
 * that the log did not pass before does it pass then. */

#include "testing.h"

#include "eventlog/replay.h"

#define LINUX EVENTLOG_PROFILE_LINUX
#define LINE \
    "console=ttyS0 ima_policy=tcb ima_hash=sha256 lockdown=integrity rootfstype=ramfs quiet"

static void take_digest(struct digest *out, const struct eventlog_event *event)
{
    struct slice digest = eventlog_event_digest(event, DIGEST_SHA256);
    *out = (struct digest){DIGEST_SHA256, DIGEST_SHA256_SIZE, {0}};
    memcpy(out->value, digest.data, digest.size);
}

/* The image of the boot, by what its log says. */
static void image_policy(struct policy *out, const struct eventlog *log)
{
    static const char *const names[] = {".linux", ".osrel", ".cmdline", ".initrd"};
    size_t events = 0;
    testing_policy(out, "image1", POLICY_CI, LINUX);
    out->ci.form = POLICY_CI_UNIFIED_KERNEL;
    struct unified_kernel *kernel = &out->ci.unified;
    buf_init(&kernel->command_line, 1024);
    buf_append_text(&kernel->command_line, LINE);
    for (uint32_t i = 0; i < log->event_count; i++) {
        const struct eventlog_event *event = &log->events[i];
        if (event->pcr == 4 && event->type == EVENTLOG_EFI_BOOT_SERVICES_APPLICATION) {
            take_digest(&kernel->image.banks[0], event);
        } else if (event->pcr == 11 && events++ % 2 == 1) {
            struct unified_kernel_section *section = &kernel->sections[kernel->section_count];
            snprintf(section->name, sizeof section->name, "%s", names[kernel->section_count++]);
            take_digest(&section->contents.banks[0], event);
        }
    }
}

/* Policies that know the good boot. */
static struct policy_set *good_set(void)
{
    _cleanup_testing_log_ struct testing_log good;
    struct policy_set *set = policy_set_new(2);
    struct policy policy;
    testing_log_recorded(&good, "secure-boot-uki");
    testing_baseline(&policy, "model1", LINUX, &good.log);
    testing_add(set, &policy);
    image_policy(&policy, &good.log);
    testing_add(set, &policy);
    testing_set_state(set, LINUX, "Hgs_IommuEnabled", POLICY_DISABLED);
    return set;
}

/* Judges a log of which the TPM's PCRs are known; false: it is not even a log. */
static bool judge(struct verdict *out, const struct policy_set *set, struct slice bytes,
                  const struct tpm_pcr_bank *bank)
{
    _cleanup_eventlog_ struct eventlog log = {0};
    _cleanup_eventlog_claims_ struct eventlog_claims claims = {0};
    struct tpm_pcr_bank replayed;
    if (!eventlog_parse(&log, bytes, NULL) ||
        !eventlog_replay(&replayed, &log, DIGEST_SHA256, NULL))
        return false;
    eventlog_claims_evaluate(&claims, &log, LINUX, DIGEST_SHA256);
    struct policy_evidence evidence = {
        .subject = {.host = "node1", .profile = LINUX, .version = POLICY_VERSION_2},
        .log = &log,
        .claims = &claims,
        .bank = DIGEST_SHA256,
        .attested = ALL_PCRS & ~eventlog_replay_differs(&replayed, bank, ALL_PCRS),
        .identity_key = POLICY_KEY_IN_TPM,
    };
    policy_evaluate(out, set, &evidence);
    return true;
}

/* A boot, its PCRs, and what the policies say of it. */
struct boot {
    struct testing_log log;
    struct tpm_pcr_bank bank;
    struct verdict original;
};

/* One that passes, one that does in nothing, one of another kind; and the first with one event more
 * in a PCR: leave it out, and it would pass. */
static const struct boot_case {
    const char *recorded;
    uint32_t pcr; /* of an event more; 0: none */
    bool passes;
} boot_cases[] = {
    {"secure-boot-uki", 0, true},  {"no-secure-boot-uki", 0, false}, {"direct-kernel", 0, false},
    {"secure-boot-uki", 4, false}, {"secure-boot-uki", 7, false},    {"secure-boot-uki", 11, false},
    {"secure-boot-uki", 8, false}, {"secure-boot-uki", 12, false},   {"secure-boot-uki", 13, false},
};
#define BOOT_COUNT (sizeof boot_cases / sizeof boot_cases[0])

static void boot_init(struct boot *out, const struct policy_set *set, const struct boot_case *c)
{
    _cleanup_log_builder_ struct log_builder more;
    _cleanup_testing_log_ struct testing_log recorded;
    _cleanup_buf_ struct buf bytes;
    testing_log_recorded(&recorded, c->recorded);
    log_builder_init(&more, testing_bank, 1);
    size_t head = more.bytes.size;
    if (c->pcr == 12)
        log_builder_wide(&more, 12, "init=/bin/sh");
    else if (c->pcr != 0)
        log_builder_text(&more, c->pcr, EVENTLOG_EFI_BOOT_SERVICES_APPLICATION, "more");
    buf_init(&bytes, VECTOR_MAX);
    buf_append(&bytes, buf_slice(&recorded.bytes));
    buf_append(&bytes, slice_of(more.bytes.data + head, more.bytes.size - head));
    testing_log_parse(&out->log, buf_slice(&bytes));
    assert_ok(eventlog_replay(&out->bank, &out->log.log, DIGEST_SHA256, err));
    assert_true(judge(&out->original, set, buf_slice(&out->log.bytes), &out->bank));
    assert_int_equal(out->original.passed, c->passes);
}

static void boot_done(struct boot *boot)
{
    verdict_done(&boot->original);
    testing_log_done(&boot->log);
}

/* What the altered log passes, the unaltered one passes. */
static void assert_no_more(const struct boot *boot, const struct policy_set *set,
                           struct slice bytes, size_t place)
{
    _cleanup_verdict_ struct verdict altered = {0};
    if (!judge(&altered, set, bytes, &boot->bank))
        return;
    assert_int_equal(altered.count, boot->original.count);
    for (size_t i = 0; i < altered.count; i++) {
        if (altered.policies[i].result == VERDICT_PASSED &&
            boot->original.policies[i].result != VERDICT_PASSED)
            fail_msg("altered at %zu, and %s passes: %s", place, altered.policies[i].name,
                     altered.policies[i].reason);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    struct policy_set *set = good_set();
    for (size_t i = 0; i < BOOT_COUNT; i++) {
        struct boot boot;
        boot_init(&boot, set, &boot_cases[i]);
        struct buf *bytes = &boot.log.bytes;
        for (size_t place = 0; place < bytes->size; place++) {
            uint8_t kept = bytes->data[place];
            bytes->data[place] ^= (uint8_t)(1u << (place % 8));
            assert_no_more(&boot, set, buf_slice(bytes), place);
            bytes->data[place] = kept;
        }
        boot_done(&boot);
    }
    policy_set_free(set);
}

/* Where the event begins in the log's bytes; for the number of events: where they end. */
static size_t begin_of(const struct testing_log *log, uint32_t event)
{
    const struct slice *before = &log->log.events[event - 1].data;
    return (size_t)(before->data + before->size - log->bytes.data);
}

/* An event left out, twice, or behind its neighbour. */
enum alteration { DROPPED, DOUBLED, SWAPPED, ALTERATIONS };

static void alter(struct buf *out, const struct testing_log *log, uint32_t event,
                  enum alteration alteration)
{
    size_t begin = begin_of(log, event), end = begin_of(log, event + 1);
    size_t next = event + 1 < log->log.event_count ? begin_of(log, event + 2) : end;
    struct slice itself = slice_of(log->bytes.data + begin, end - begin);
    struct slice neighbour = slice_of(log->bytes.data + end, next - end);
    buf_init(out, 2 * log->bytes.size + 1);
    buf_append(out, slice_of(log->bytes.data, begin));
    if (alteration == SWAPPED)
        buf_append(out, neighbour);
    if (alteration != DROPPED)
        buf_append(out, itself);
    if (alteration == DOUBLED)
        buf_append(out, itself);
    if (alteration != SWAPPED)
        buf_append(out, neighbour);
    buf_append(out, slice_of(log->bytes.data + next, log->bytes.size - next));
}

static void test_events(void **state)
{
    (void)state;
    struct policy_set *set = good_set();
    for (size_t i = 0; i < BOOT_COUNT; i++) {
        struct boot boot;
        boot_init(&boot, set, &boot_cases[i]);
        for (uint32_t event = 1; event < boot.log.log.event_count; event++) {
            for (int alteration = 0; alteration < ALTERATIONS; alteration++) {
                _cleanup_buf_ struct buf altered;
                alter(&altered, &boot.log, event, (enum alteration)alteration);
                assert_no_more(&boot, set, buf_slice(&altered), event);
            }
        }
        boot_done(&boot);
    }
    policy_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
