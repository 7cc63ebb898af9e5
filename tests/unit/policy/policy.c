/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#define LINUX EVENTLOG_PROFILE_LINUX
#define WINDOWS EVENTLOG_PROFILE_WINDOWS

#define RECORD(members) \
    "{\"name\":\"p\"," members ",\"added\":\"2026-11-25T12:00:00Z\",\"added_by\":\"root\"}"

static bool parse(const char *text, struct error *err)
{
    struct policy policy;
    bool good = policy_parse(&policy, slice_from_text(text), err);
    if (good)
        policy_done(&policy);
    return good;
}

/* Written, read and written again it is the same. Frees policy. */
static void assert_round(struct policy *policy)
{
    _cleanup_buf_ struct buf first, second;
    struct policy again;
    buf_init(&first, POLICY_RECORD_MAX);
    buf_init(&second, POLICY_RECORD_MAX);
    policy_format(&first, policy);
    assert_ok(policy_parse(&again, buf_slice(&first), err));
    policy_format(&second, &again);
    assert_string_equal(buf_text(&first), buf_text(&second));
    assert_int_equal(again.kind, policy->kind);
    assert_int_equal(again.state, policy->state);
    assert_int_equal(again.scope, policy->scope);
    assert_int_equal(again.until, policy->until);
    policy_done(policy);
    policy_done(&again);
}

static void test_rounds(void **state)
{
    (void)state;
    _cleanup_testing_log_ struct testing_log log;
    struct policy policy;
    testing_log_recorded(&log, "secure-boot-uki");
    testing_baseline(&policy, "model1", LINUX, &log.log);
    policy.until = 1800000000;
    assert_round(&policy);
    testing_policy(&policy, "ima", POLICY_CI, LINUX);
    policy.scope = POLICY_FOR_SET;
    snprintf(policy.scope_name, sizeof policy.scope_name, "rack1");
    policy.state = POLICY_STAGED;
    assert_ok(code_integrity_take_ima(&policy.ci, slice_from_text("rules"), err));
    assert_round(&policy);
    testing_policy(&policy, "dumps", POLICY_DUMP, WINDOWS);
    policy.version = POLICY_VERSION_1;
    policy.scope = POLICY_FOR_HOST;
    snprintf(policy.scope_name, sizeof policy.scope_name, "node1");
    memset(policy.dump_key, 0xd0, sizeof policy.dump_key);
    assert_round(&policy);
    testing_policy(&policy, "Hgs_IommuEnabled", POLICY_BUILTIN, LINUX);
    policy.state = POLICY_DISABLED;
    assert_round(&policy);
}

static void test_key(void **state)
{
    (void)state;
    char key[POLICY_KEY_SIZE];
    struct policy policy;
    testing_policy(&policy, "dumps", POLICY_DUMP, WINDOWS);
    assert_string_equal(policy_key(&policy, key), "dumps");
    testing_policy(&policy, "Hgs_IommuEnabled", POLICY_BUILTIN, LINUX);
    assert_string_equal(policy_key(&policy, key), "linux/Hgs_IommuEnabled");
}

static void test_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-a", ".a", "a b", "a/b", "Hgs_NoDumps", "hgs_x"};
    char name[POLICY_NAME_SIZE + 1];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(policy_name_check(bad[i], err), &policy_name);
    assert_ok(policy_name_check("R640-bios_2.1", err));
    assert_ok(policy_name_check("Hgs", err));
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_refused(policy_name_check(name, err), &policy_name);
    assert_ok(policy_name_check(name + 1, err));
}

static void test_words(void **state)
{
    (void)state;
    enum policy_kind kind;
    enum policy_version version;
    enum policy_state word;
    enum eventlog_profile profile;
    assert_true(policy_kind_parse(&kind, "ci"));
    assert_int_equal(kind, POLICY_CI);
    assert_false(policy_kind_parse(&kind, "CI"));
    assert_true(policy_version_parse(&version, "v1"));
    assert_int_equal(version, POLICY_VERSION_1);
    assert_false(policy_version_parse(&version, "v0"));
    assert_false(policy_version_parse(&version, ""));
    assert_true(policy_state_parse(&word, "staged"));
    assert_int_equal(word, POLICY_STAGED);
    assert_false(policy_state_parse(&word, "active"));
    assert_true(policy_profile_parse(&profile, "windows"));
    assert_int_equal(profile, WINDOWS);
    assert_false(policy_profile_parse(&profile, "bsd"));
    assert_string_equal(policy_version_name(POLICY_VERSION_2), "v2");
}

#define DUMP "\"kind\":\"dump\",\"profile\":\"windows\",\"version\":\"v2\",\"state\":\"enabled\""
#define KEY "\"dump_key\":\"0000000000000000000000000000000000000000000000000000000000000000\""

static void test_refuses(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        RECORD("\"kind\":\"rule\",\"profile\":\"linux\",\"version\":\"v2\",\"state\":\"enabled\""),
        RECORD(
            "\"kind\":\"dump\",\"profile\":\"bsd\",\"version\":\"v2\",\"state\":\"enabled\"," KEY),
        RECORD("\"kind\":\"dump\",\"profile\":\"windows\",\"version\":\"v3\",\"state\":"
               "\"enabled\"," KEY),
        RECORD("\"kind\":\"dump\",\"profile\":\"windows\",\"version\":\"v2\",\"state\":"
               "\"locked\"," KEY),
        RECORD("\"kind\":\"dump\",\"profile\":\"linux\",\"version\":\"v2\",\"state\":"
               "\"enabled\"," KEY),
        RECORD(DUMP "," KEY ",\"for\":{}"),
        RECORD(DUMP "," KEY ",\"for\":{\"host\":\"a\",\"set\":\"b\"}"),
        RECORD(DUMP "," KEY ",\"for\":{\"host\":\"a b\"}"),
        RECORD(DUMP "," KEY ",\"for\":{\"host\":1}"),
        RECORD(DUMP ",\"dump_key\":\"00\""),
        /* a form of the other profile */
        RECORD("\"kind\":\"ci\",\"profile\":\"linux\",\"version\":\"v2\",\"state\":\"enabled\","
               "\"ci\":{\"form\":\"windows\",\"candidates\":[]}"),
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        print_message("%s\n", malformed[i]);
        assert_refused(parse(malformed[i], err), &policy_record_malformed);
    }
    assert_ok(parse(RECORD(DUMP "," KEY), err));
    assert_refused(parse(RECORD(DUMP), err), &base_json_malformed);
    assert_refused(parse("[]", err), &base_json_malformed);
    assert_refused(parse(RECORD(DUMP "," KEY ",\"until\":\"tomorrow\""), err),
                   &base_time_malformed);
}

static void test_form_of_other_profile(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf text;
    struct policy policy;
    buf_init(&text, POLICY_RECORD_MAX);
    testing_policy(&policy, "ima", POLICY_CI, WINDOWS);
    assert_ok(code_integrity_take_ima(&policy.ci, slice_from_text("rules"), err));
    policy_format(&text, &policy);
    assert_refused(parse(buf_text(&text), err), &policy_record_malformed);
}

#define BUILTIN(name, profile, state)                                                            \
    "{\"name\":\"" name "\",\"kind\":\"builtin\",\"profile\":\"" profile "\",\"state\":\"" state \
    "\",\"added\":\"2026-11-25T12:00:00Z\",\"added_by\":\"root\"}"

static void test_builtin_refuses(void **state)
{
    (void)state;
    assert_ok(parse(BUILTIN("Hgs_NoDumps", "linux", "disabled"), err));
    assert_ok(parse(BUILTIN("Hgs_NoDumps", "linux", "staged"), err));
    assert_ok(parse(BUILTIN("Hgs_CiPolicy", "linux", "locked"), err));
    assert_refused(parse(BUILTIN("Hgs_CiPolicy", "linux", "disabled"), err), &policy_locked);
    assert_refused(parse(BUILTIN("Hgs_CiPolicy", "linux", "staged"), err), &policy_locked);
    assert_refused(parse(BUILTIN("Hgs_NoDumps", "linux", "locked"), err), &policy_locked);
    assert_refused(parse(BUILTIN("Hgs_VsmRunning", "linux", "enabled"), err),
                   &policy_builtin_unknown);
    assert_refused(parse(RECORD("\"kind\":\"builtin\",\"profile\":\"linux\",\"state\":"
                                "\"enabled\""),
                         err),
                   &policy_builtin_unknown);
    assert_refused(
        parse("{\"name\":\"Hgs_NoDumps\",\"kind\":\"dump\",\"profile\":\"windows\",\"version\":"
              "\"v2\",\"state\":\"enabled\",\"added\":\"2026-11-25T12:00:00Z\",\"added_by\":"
              "\"root\"," KEY "}",
              err),
        &policy_name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),          cmocka_unit_test(test_key),
        cmocka_unit_test(test_names),           cmocka_unit_test(test_words),
        cmocka_unit_test(test_refuses),         cmocka_unit_test(test_form_of_other_profile),
        cmocka_unit_test(test_builtin_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
