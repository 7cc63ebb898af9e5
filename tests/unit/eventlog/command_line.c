/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/command_line.h"

#include "eventlog/evaluation.h"
#include "testing.h"

#define U EVENTLOG_UNKNOWN
#define G EVENTLOG_GOOD
#define B EVENTLOG_BAD

static void evaluate(struct eventlog_claims *claims, const char *line)
{
    *claims = (struct eventlog_claims){.profile = EVENTLOG_PROFILE_LINUX};
    command_line_evaluate(claims, slice_from_text(line), NULL, 0);
}

static const struct {
    const char *line;
    enum eventlog_claim_id id;
    enum eventlog_value value;
} cases[] = {
    {"/vmlinuz quiet", EVENTLOG_CLAIM_LOCKDOWN, U},
    {"/vmlinuz lockdown=integrity", EVENTLOG_CLAIM_LOCKDOWN, G},
    {"lockdown=confidentiality", EVENTLOG_CLAIM_LOCKDOWN, G},
    {"\"lockdown=integrity\"", EVENTLOG_CLAIM_LOCKDOWN, G},
    {"lockdown=\"integrity\"", EVENTLOG_CLAIM_LOCKDOWN, G},
    {"a\tlockdown=integrity\n", EVENTLOG_CLAIM_LOCKDOWN, G},
    {"lockdown=none", EVENTLOG_CLAIM_LOCKDOWN, B},
    {"lockdown", EVENTLOG_CLAIM_LOCKDOWN, B},
    {"lockdown=integrity lockdown=none", EVENTLOG_CLAIM_LOCKDOWN, B},
    {"lockdown=none lockdown=integrity", EVENTLOG_CLAIM_LOCKDOWN, B},
    {"xlockdown=integrity", EVENTLOG_CLAIM_LOCKDOWN, U},
    {"lockdown=integrityx", EVENTLOG_CLAIM_LOCKDOWN, B},
    {"x=\"a lockdown=integrity\"", EVENTLOG_CLAIM_LOCKDOWN, U},
    {"x=\"a lockdown=integrity", EVENTLOG_CLAIM_LOCKDOWN, U},
    {"quiet -- lockdown=integrity", EVENTLOG_CLAIM_LOCKDOWN, U},
    {"lockdown=integrity -- lockdown=none", EVENTLOG_CLAIM_LOCKDOWN, G},
    {"", EVENTLOG_CLAIM_LOCKDOWN, U},
    {"lockdown=integrity lsm=landlock,lockdown,yama", EVENTLOG_CLAIM_LOCKDOWN, G},
    {"lockdown=integrity lsm=landlock,yama", EVENTLOG_CLAIM_LOCKDOWN, U},
    {"lsm=lockdown lsm= lockdown=integrity", EVENTLOG_CLAIM_LOCKDOWN, U},
    {"lsm=yama lockdown=none", EVENTLOG_CLAIM_LOCKDOWN, B},
    {"lsm=yama lockdown=integrity", EVENTLOG_CLAIM_MODULE_SIGNATURES, U},
    {"lsm=yama lockdown=integrity", EVENTLOG_CLAIM_NO_HIBERNATION, U},
    {"lsm=yama lockdown=integrity", EVENTLOG_CLAIM_FULL_BOOT, U},

    {"module.sig_enforce=1", EVENTLOG_CLAIM_MODULE_SIGNATURES, G},
    {"module.sig-enforce", EVENTLOG_CLAIM_MODULE_SIGNATURES, G},
    {"lockdown=integrity", EVENTLOG_CLAIM_MODULE_SIGNATURES, G},
    {"module.sig_enforce=0", EVENTLOG_CLAIM_MODULE_SIGNATURES, B},
    {"module.sig_enforce=1 module.sig_enforce=0", EVENTLOG_CLAIM_MODULE_SIGNATURES, B},
    {"lockdown=integrity module.sig_enforce=0", EVENTLOG_CLAIM_MODULE_SIGNATURES, B},
    {"lockdown=none", EVENTLOG_CLAIM_MODULE_SIGNATURES, U},

    {"ima_appraise=enforce", EVENTLOG_CLAIM_IMA_APPRAISE, G},
    {"ima_policy=tcb|appraise_tcb", EVENTLOG_CLAIM_IMA_APPRAISE, G},
    {"ima_policy=\"tcb secure_boot\"", EVENTLOG_CLAIM_IMA_APPRAISE, G},
    {"ima_policy=tcb", EVENTLOG_CLAIM_IMA_APPRAISE, U},
    {"ima_policy=appraise_tcb ima_appraise=fix", EVENTLOG_CLAIM_IMA_APPRAISE, B},
    {"ima_appraise=enforce ima_appraise=log", EVENTLOG_CLAIM_IMA_APPRAISE, B},
    {"ima_appraise=off", EVENTLOG_CLAIM_IMA_APPRAISE, B},

    {"intel_iommu=on", EVENTLOG_CLAIM_IOMMU, G},
    {"intel_iommu=on,sm_on", EVENTLOG_CLAIM_IOMMU, G},
    {"amd_iommu=force_enable", EVENTLOG_CLAIM_IOMMU, G},
    {"iommu=force iommu.strict=1 iommu.passthrough=0", EVENTLOG_CLAIM_IOMMU, G},
    {"iommu.strict=1", EVENTLOG_CLAIM_IOMMU, U},
    {"intel_iommu=on iommu=pt", EVENTLOG_CLAIM_IOMMU, B},
    {"intel_iommu=on iommu.passthrough=1", EVENTLOG_CLAIM_IOMMU, B},
    {"intel_iommu=on iommu.strict=0", EVENTLOG_CLAIM_IOMMU, B},
    {"intel_iommu=on,off", EVENTLOG_CLAIM_IOMMU, B},
    {"intel_iommu=off", EVENTLOG_CLAIM_IOMMU, B},
    {"amd_iommu=off", EVENTLOG_CLAIM_IOMMU, B},
    {"iommu=off", EVENTLOG_CLAIM_IOMMU, B},
    {"intel_iommu=on intremap=off", EVENTLOG_CLAIM_IOMMU, B},

    {"nohibernate", EVENTLOG_CLAIM_NO_HIBERNATION, G},
    {"hibernate=no", EVENTLOG_CLAIM_NO_HIBERNATION, G},
    {"lockdown=integrity", EVENTLOG_CLAIM_NO_HIBERNATION, G},
    {"noresume", EVENTLOG_CLAIM_NO_HIBERNATION, U},
    {"nohibernate=0", EVENTLOG_CLAIM_NO_HIBERNATION, U},
    {"lockdown=integrity lockdown=off", EVENTLOG_CLAIM_NO_HIBERNATION, U},

    {"nohibernate", EVENTLOG_CLAIM_FULL_BOOT, G},
    {"noresume", EVENTLOG_CLAIM_FULL_BOOT, G},
    {"hibernate=noresume", EVENTLOG_CLAIM_FULL_BOOT, G},
    {"lockdown=integrity resume=/dev/sda2", EVENTLOG_CLAIM_FULL_BOOT, G},
    {"resume=/dev/sda2", EVENTLOG_CLAIM_FULL_BOOT, B},
    {"quiet", EVENTLOG_CLAIM_FULL_BOOT, U},

    {"quiet", EVENTLOG_CLAIM_NO_DUMPS, G},
    {"crashkernel=256M", EVENTLOG_CLAIM_NO_DUMPS, B},
    {"xcrashkernel=256M", EVENTLOG_CLAIM_NO_DUMPS, B}, /* the kernel finds it there, too */
    {"x=\"a crashkernel=256M\"", EVENTLOG_CLAIM_NO_DUMPS, B},
    {"quiet -- crashkernel=256M", EVENTLOG_CLAIM_NO_DUMPS, B},
    {"fadump=on", EVENTLOG_CLAIM_NO_DUMPS, B},
    {"fadump=off", EVENTLOG_CLAIM_NO_DUMPS, G},
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct eventlog_claims claims;
        print_message("%s\n", cases[i].line);
        evaluate(&claims, cases[i].line);
        testing_assert_claim(&claims, cases[i].id, cases[i].value);
    }
}

/* What firmware contradicted, no command line makes good. */
static void test_bad_stays(void **state)
{
    (void)state;
    static const uint32_t events[] = {5};
    struct eventlog_claims claims = {.profile = EVENTLOG_PROFILE_LINUX};
    evaluation_state(&claims, EVENTLOG_CLAIM_IOMMU, EVENTLOG_BAD, "off", 3);
    command_line_evaluate(&claims, slice_from_text("intel_iommu=on"), events, 1);
    testing_assert_claim(&claims, EVENTLOG_CLAIM_IOMMU, EVENTLOG_BAD);
    assert_int_equal(claims.claims[EVENTLOG_CLAIM_IOMMU].event_count, 1);
    assert_int_equal(claims.claims[EVENTLOG_CLAIM_IOMMU].events[0], 3);
    assert_string_equal(claims.claims[EVENTLOG_CLAIM_IOMMU].sentence, "off");
    command_line_unknown(&claims, "unknown");
    testing_assert_claim(&claims, EVENTLOG_CLAIM_IOMMU, EVENTLOG_BAD);
}

static void test_events(void **state)
{
    (void)state;
    static const uint32_t events[] = {5, 9};
    struct eventlog_claims claims = {.profile = EVENTLOG_PROFILE_LINUX};
    command_line_evaluate(&claims, slice_from_text("lockdown=integrity"), events, 2);
    const struct eventlog_claim *claim = &claims.claims[EVENTLOG_CLAIM_LOCKDOWN];
    assert_int_equal(claim->event_count, 2);
    assert_int_equal(claim->events[1], 9);
}

static void assert_unknown(const struct eventlog_claims *claims)
{
    testing_assert_claim(claims, EVENTLOG_CLAIM_LOCKDOWN, U);
    testing_assert_claim(claims, EVENTLOG_CLAIM_NO_DUMPS, U);
}

/* Too long, with a NUL, with too many tokens: nothing is known. */
static void test_limits(void **state)
{
    (void)state;
    static char line[2 * COMMAND_LINE_TOKENS_MAX + 64];
    static uint8_t huge[COMMAND_LINE_SIZE_MAX + 1];
    struct eventlog_claims claims = {.profile = EVENTLOG_PROFILE_LINUX};
    memset(huge, 'a', sizeof huge);
    command_line_evaluate(&claims, slice_of(huge, sizeof huge), NULL, 0);
    assert_unknown(&claims);
    command_line_evaluate(&claims, slice_of("lockdown=integrity\0x", 20), NULL, 0);
    assert_unknown(&claims);
    strcpy(line, "lockdown=integrity ");
    for (int i = 0; i < COMMAND_LINE_TOKENS_MAX; i++)
        strcat(line, "a ");
    command_line_evaluate(&claims, slice_from_text(line), NULL, 0);
    assert_unknown(&claims);
}

static void test_has(void **state)
{
    (void)state;
    struct slice line = slice_from_text("/vmlinuz root=/dev/vda2 quiet -- splash");
    assert_true(command_line_has(line, "quiet"));
    assert_true(command_line_has(line, "root=/dev/vda2"));
    assert_false(command_line_has(line, "root"));
    assert_false(command_line_has(line, "splash"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),  cmocka_unit_test(test_bad_stays),
        cmocka_unit_test(test_events), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
