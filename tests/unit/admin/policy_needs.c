/* SPDX-License-Identifier: Apache-2.0 */
/* Which ci policies can be removed, and which of them baselines rest on. */
#include "../testing.h"

#include "admin/policy_needs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1800000000
#define LINUX EVENTLOG_PROFILE_LINUX

/* The digests of image number `which`. */
static void make_digests(struct digests *out, uint8_t which)
{
    struct slice part = slice_of(&which, 1);
    digests_compute(out, &part, 1);
}

static struct policy make(const char *name, enum policy_kind kind, const char *host)
{
    struct policy policy = {.kind = kind,
                            .profile = LINUX,
                            .version = POLICY_VERSION_2,
                            .state = POLICY_ENABLED,
                            .scope = host != NULL ? POLICY_FOR_HOST : POLICY_FOR_ALL};
    snprintf(policy.name, sizeof policy.name, "%s", name);
    snprintf(policy.scope_name, sizeof policy.scope_name, "%s", host != NULL ? host : "");
    return policy;
}

static struct policy make_ci(const char *name, uint8_t image, const char *host)
{
    struct policy policy = make(name, POLICY_CI, host);
    policy.ci.form = POLICY_CI_KERNEL;
    policy.ci.kernel.has_image = true;
    buf_init(&policy.ci.kernel.command_line, 16);
    make_digests(&policy.ci.kernel.image, image);
    return policy;
}

/* Of a host that started this image. */
static struct policy make_baseline(const char *name, uint8_t image, const char *host)
{
    struct policy policy = make(name, POLICY_BASELINE, host);
    struct policy_baseline *baseline = &policy.baseline;
    struct digests digests;
    make_digests(&digests, image);
    baseline->pcrs = BASELINE_PCRS_DEFAULT;
    baseline->banks = 1u << EVENTLOG_BANK_SHA256;
    baseline->events = calloc(1, sizeof *baseline->events);
    baseline->count = 1;
    baseline->events[0].pcr = 4;
    baseline->events[0].type = EVENTLOG_EFI_BOOT_SERVICES_APPLICATION;
    memcpy(baseline->events[0].digests[0], digests_get(&digests, DIGEST_SHA256).data,
           DIGEST_SHA256_SIZE);
    return policy;
}

/* Whether the ci policy of this name can be removed while the others are there. */
static bool can_go(const char *name, struct policy *policies, size_t count)
{
    struct error refusal = {0};
    struct policy_set *set = policy_set_new(2);
    for (size_t i = 0; i < count; i++)
        assert_ok(policy_set_add(set, &policies[i], err));
    bool good = policy_needs_check(set, policy_set_find(set, name), NOW, &refusal);
    if (!good) {
        assert_string_equal(refusal.code->name, "admin.policy-needed");
        assert_string_equal(refusal.object, name);
        assert_non_null(strstr(refusal.message, "baseline machine booted its image"));
    }
    policy_set_free(set);
    return good;
}

#define COUNT(policies) (sizeof(policies) / sizeof(policies)[0])

static void the_only_one_that_knows_a_baselines_image_stays(void **state)
{
    (void)state;
    struct policy policies[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL),
                                make_ci("new", 2, NULL)};
    assert_false(can_go("old", policies, COUNT(policies)));
    struct policy again[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL),
                             make_ci("new", 2, NULL)};
    assert_true(can_go("new", again, COUNT(again)));
}

static void another_one_that_knows_it_will_do(void **state)
{
    (void)state;
    struct policy policies[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL),
                                make_ci("twin", 1, NULL)};
    policies[2].state = POLICY_DISABLED; /* it knows the image all the same */
    assert_true(can_go("old", policies, COUNT(policies)));
    struct policy of_one[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL),
                              make_ci("twin", 1, "n1")};
    assert_false(can_go("old", of_one, COUNT(of_one)));
    struct policy of_windows[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL),
                                  make_ci("twin", 1, NULL)};
    of_windows[2].profile = EVENTLOG_PROFILE_WINDOWS;
    assert_false(can_go("old", of_windows, COUNT(of_windows)));
}

static void baselines_that_do_not_count_need_nothing(void **state)
{
    (void)state;
    struct policy disabled[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL)};
    disabled[0].state = POLICY_DISABLED;
    assert_true(can_go("old", disabled, COUNT(disabled)));
    struct policy ended[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL)};
    ended[0].until = NOW;
    assert_true(can_go("old", ended, COUNT(ended)));
    struct policy staged[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL)};
    staged[0].state = POLICY_STAGED;
    staged[0].until = NOW + 1;
    assert_false(can_go("old", staged, COUNT(staged)));
    struct policy of_others[] = {make_baseline("machine", 1, "n1"), make_ci("old", 1, "n2")};
    assert_true(can_go("old", of_others, COUNT(of_others)));
    struct policy another_pcr[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL)};
    another_pcr[0].baseline.events[0].pcr = 2;
    assert_true(can_go("old", another_pcr, COUNT(another_pcr)));
}

static void what_is_no_ci_policy_can_go(void **state)
{
    (void)state;
    struct policy policies[] = {make_baseline("machine", 1, NULL), make_ci("old", 1, NULL)};
    assert_true(can_go("machine", policies, COUNT(policies)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_only_one_that_knows_a_baselines_image_stays),
        cmocka_unit_test(another_one_that_knows_it_will_do),
        cmocka_unit_test(baselines_that_do_not_count_need_nothing),
        cmocka_unit_test(what_is_no_ci_policy_can_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
