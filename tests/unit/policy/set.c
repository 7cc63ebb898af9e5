/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#define LINUX EVENTLOG_PROFILE_LINUX
#define WINDOWS EVENTLOG_PROFILE_WINDOWS

static void add(struct policy_set *set, const char *name, enum eventlog_profile profile,
                enum policy_scope scope, const char *scope_name)
{
    struct policy policy;
    testing_policy(&policy, name, POLICY_CI, profile);
    policy.ci.form = profile == WINDOWS ? POLICY_CI_WINDOWS : POLICY_CI_IMA;
    policy.scope = scope;
    snprintf(policy.scope_name, sizeof policy.scope_name, "%s", scope_name);
    testing_add(set, &policy);
}

/* The names of what is for the subject, in one text. */
static const char *select_names(const struct policy_set *set, const struct policy_subject *subject,
                                char text[256])
{
    size_t count;
    const struct policy **policies = policy_set_select(set, subject, &count);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), 256 - strlen(text), "%s ", policies[i]->name);
    free(policies);
    return text;
}

static void test_scope(void **state)
{
    (void)state;
    static const char *const sets[] = {"rack1", "lab"};
    struct policy_set *set = policy_set_new(2);
    char text[256];
    add(set, "everybody", LINUX, POLICY_FOR_ALL, "");
    add(set, "windows", WINDOWS, POLICY_FOR_ALL, "");
    add(set, "mine", LINUX, POLICY_FOR_HOST, "node1");
    add(set, "yours", LINUX, POLICY_FOR_HOST, "node2");
    add(set, "racks", LINUX, POLICY_FOR_SET, "lab");
    add(set, "others", LINUX, POLICY_FOR_SET, "rack2");
    add(set, "confused", LINUX, POLICY_FOR_SET, "node1"); /* a set that is called like a host */
    struct policy_subject subject = {"node1", sets, 2, LINUX, POLICY_VERSION_2};
    assert_string_equal(select_names(set, &subject, text), "everybody mine racks ");
    subject.set_count = 0;
    assert_string_equal(select_names(set, &subject, text), "everybody mine ");
    subject.profile = WINDOWS;
    assert_string_equal(select_names(set, &subject, text), "windows ");
    subject = (struct policy_subject){"node3", NULL, 0, LINUX, POLICY_VERSION_2};
    assert_string_equal(select_names(set, &subject, text), "everybody ");
    assert_int_equal(policy_set_count(set), 7);
    assert_string_equal(policy_set_find(set, "yours")->name, "yours");
    assert_string_equal(policy_set_at(set, 2)->name, "mine");
    assert_null(policy_set_find(set, "nobody"));
    policy_set_free(set);
}

static void test_counts(void **state)
{
    (void)state;
    struct policy_subject subject = {"node1", NULL, 0, LINUX, POLICY_VERSION_2};
    struct policy policy;
    testing_policy(&policy, "p", POLICY_CI, LINUX);
    assert_true(policy_counts(&policy, &subject, 100));
    policy.until = 100;
    assert_true(policy_counts(&policy, &subject, 99));
    assert_false(policy_counts(&policy, &subject, 100));
    policy.until = 0;
    policy.version = POLICY_VERSION_1;
    assert_false(policy_counts(&policy, &subject, 100));
    policy.version = POLICY_VERSION_2;
    policy.state = POLICY_STAGED;
    assert_false(policy_counts(&policy, &subject, 100));
    policy.state = POLICY_DISABLED;
    assert_false(policy_counts(&policy, &subject, 100));
}

/* What a service of a lower level does not know is staged on it, but for what is locked. */
static void test_staged(void **state)
{
    (void)state;
    struct policy_set *old = policy_set_new(1), *new = policy_set_new(2);
    assert_int_equal(policy_set_builtin_state(old, LINUX, BUILTIN_LOCKDOWN), POLICY_STAGED);
    assert_int_equal(policy_set_builtin_state(new, LINUX, BUILTIN_LOCKDOWN), POLICY_ENABLED);
    assert_int_equal(policy_set_builtin_state(old, WINDOWS, BUILTIN_VSM_RUNNING), POLICY_STAGED);
    assert_int_equal(policy_set_builtin_state(old, LINUX, BUILTIN_CI_POLICY), POLICY_LOCKED);
    testing_set_state(old, LINUX, "Hgs_Lockdown", POLICY_ENABLED); /* activated */
    assert_int_equal(policy_set_builtin_state(old, LINUX, BUILTIN_LOCKDOWN), POLICY_ENABLED);
    policy_set_free(old);
    struct policy_set *none = policy_set_new(0);
    for (size_t i = 0; i < 2; i++) {
        size_t count;
        const struct builtin *table = builtin_table((enum eventlog_profile)i, &count);
        for (size_t row = 0; row < count; row++)
            assert_int_equal(
                policy_set_builtin_state(none, (enum eventlog_profile)i, table[row].policy),
                table[row].state == POLICY_LOCKED ? POLICY_LOCKED : POLICY_STAGED);
    }
    policy_set_free(none);
    policy_set_free(new);
}

static void test_builtin_states(void **state)
{
    (void)state;
    struct policy_set *set = policy_set_new(2);
    struct policy policy;
    testing_set_state(set, LINUX, "Hgs_IommuEnabled", POLICY_DISABLED);
    assert_int_equal(policy_set_builtin_state(set, LINUX, BUILTIN_IOMMU_ENABLED), POLICY_DISABLED);
    assert_int_equal(policy_set_builtin_state(set, WINDOWS, BUILTIN_IOMMU_ENABLED), POLICY_ENABLED);
    testing_policy(&policy, "Hgs_IommuEnabled", POLICY_BUILTIN, LINUX);
    assert_refused(policy_set_add(set, &policy, err), &policy_conflict);
    testing_policy(&policy, "Hgs_VsmRunning", POLICY_BUILTIN, LINUX);
    assert_refused(policy_set_add(set, &policy, err), &policy_builtin_unknown);
    assert_int_equal(policy_set_count(set), 0);
    policy_set_free(set);
}

/* A record that nobody of ours wrote does not switch off what is locked. */
static void test_locked(void **state)
{
    (void)state;
    static const enum policy_state states[] = {POLICY_DISABLED, POLICY_ENABLED, POLICY_STAGED};
    struct policy_set *set = policy_set_new(2);
    struct policy policy;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        testing_policy(&policy, "Hgs_SecureBootEnabled", POLICY_BUILTIN, LINUX);
        policy.state = states[i];
        assert_refused(policy_set_add(set, &policy, err), &policy_locked);
        assert_int_equal(policy_set_builtin_state(set, LINUX, BUILTIN_SECURE_BOOT_ENABLED),
                         POLICY_LOCKED);
    }
    policy.state = POLICY_LOCKED; /* as it is anyway */
    assert_ok(policy_set_add(set, &policy, err));
    policy_set_free(set);
}

/* One policy in two sets, which outlives each of them. */
static void test_shared(void **state)
{
    (void)state;
    struct policy policy;
    struct policy_set *one = policy_set_new(2), *two = policy_set_new(2);
    testing_policy(&policy, "shared", POLICY_CI, LINUX);
    policy.ci.form = POLICY_CI_IMA;
    struct policy_shared *shared = policy_shared_new(&policy);
    assert_ok(policy_set_add_shared(one, shared, err));
    assert_refused(policy_set_add_shared(one, shared, err), &policy_conflict);
    assert_ok(policy_set_add_shared(two, shared, err));
    policy_shared_release(&shared);
    assert_null(shared);
    assert_ptr_equal(policy_set_find(one, "shared"), policy_set_find(two, "shared"));
    policy_set_free(one);
    assert_string_equal(policy_set_at(two, 0)->name, "shared");
    policy_set_free(two);
}

static void test_conflict(void **state)
{
    (void)state;
    struct policy_set *set = policy_set_new(2);
    struct policy policy;
    add(set, "one", LINUX, POLICY_FOR_ALL, "");
    testing_policy(&policy, "one", POLICY_DUMP, WINDOWS);
    assert_refused(policy_set_add(set, &policy, err), &policy_conflict);
    policy_set_free(set);
    policy_set_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locked),   cmocka_unit_test(test_shared),
        cmocka_unit_test(test_scope),    cmocka_unit_test(test_counts),
        cmocka_unit_test(test_staged),   cmocka_unit_test(test_builtin_states),
        cmocka_unit_test(test_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
