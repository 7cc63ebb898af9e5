/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

/* MS-HGSA 2.2.2.13, and ours. */
static const struct {
    const char *name, *guid;
} guids[] = {
    {"Hgs_SecureBootEnabled", "6a460ee1-62ea-416f-ae6c-04e29634506d"},
    {"Hgs_SecureBootSettings", "756dc455-9528-479a-a86a-c646417316c9"},
    {"Hgs_UefiDebugDisabled", "20188fda-d40b-460d-b078-2e7898a42ae9"},
    {"Hgs_CiPolicy", "81f110ba-53c5-4064-9d64-51029fa24f49"},
    {"Hgs_FullBoot", "75ad09c9-7254-4d00-96f3-3b09d0aaac54"},
    {"Hgs_VsmIdkPresent", "75d595de-12f5-41e9-a61e-469d3205ecca"},
    {"Hgs_VsmRunning", "6c0a6d29-5bcb-4f28-bafb-f71eb60fdae0"},
    {"Hgs_IommuEnabled", "da0776e5-6570-44b3-9a17-7e95b4fc7779"},
    {"Hgs_BitLockerEnabled", "347da547-d266-4939-bf3d-9ec73a90bdbc"},
    {"Hgs_PageFileEncryptionEnabled", "12df0ee9-b38e-4086-90f8-703d9e7cb878"},
    {"Hgs_HypervisorEnforcedCiPolicy", "5408bd30-3250-4ac1-a150-c410af756699"},
    {"Hgs_NoHibernation", "a32022c6-dccd-4bf5-be76-3b5ca1542559"},
    {"Hgs_NoDumps", "2a796e36-e918-454f-b610-60f086e8d334"},
    {"Hgs_DumpEncryption", "6f390a71-753c-43aa-a326-74e30aedcd9d"},
    {"Hgs_DumpEncryptionKey", "85dac0a4-8ba9-4a7f-a342-211862ce0be8"},
    {"Hgs_IdentityKeyInTpm", "629f1d0f-ef68-48bb-8f41-342be2e086c4"},
    {"Hgs_Lockdown", "463f3571-48f3-4139-94c4-2eb78e8a6ea2"},
};
#define GUID_COUNT (sizeof guids / sizeof guids[0])

static const enum eventlog_profile profiles[] = {EVENTLOG_PROFILE_WINDOWS, EVENTLOG_PROFILE_LINUX};

static const char *guid_of(const char *name)
{
    for (size_t i = 0; i < GUID_COUNT; i++) {
        if (strcmp(guids[i].name, name) == 0)
            return guids[i].guid;
    }
    fail_msg("%s is no known policy", name);
    return "";
}

static void test_guids(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t count;
        const struct builtin *table = builtin_table(profiles[i], &count);
        for (size_t row = 0; row < count; row++) {
            char text[GUID_TEXT_SIZE];
            assert_string_equal(guid_format(&table[row].guid, text), guid_of(table[row].name));
        }
    }
    for (size_t i = 0; i < GUID_COUNT; i++) {
        struct guid guid;
        assert_ok(guid_parse(&guid, slice_from_text(guids[i].guid), err));
        assert_string_equal(builtin_find_guid(&guid)->name, guids[i].name);
    }
    assert_null(builtin_find_guid(&(struct guid){{0}}));
}

static void assert_state(enum eventlog_profile profile, const char *name, enum policy_state state)
{
    const struct builtin *builtin = builtin_find(profile, name);
    assert_non_null(builtin);
    assert_int_equal(builtin->state, state);
}

/* The guarded fabric documentation's table: what it says can be disabled, and BitLocker is. */
static void test_states(void **state)
{
    (void)state;
    static const char *const locked[] = {"Hgs_SecureBootEnabled", "Hgs_UefiDebugDisabled",
                                         "Hgs_SecureBootSettings", "Hgs_CiPolicy", "Hgs_FullBoot"};
    static const char *const enabled[] = {"Hgs_IommuEnabled", "Hgs_NoHibernation", "Hgs_NoDumps"};
    static const char *const windows_enabled[] = {"Hgs_HypervisorEnforcedCiPolicy",
                                                  "Hgs_PageFileEncryptionEnabled",
                                                  "Hgs_DumpEncryption", "Hgs_DumpEncryptionKey"};
    for (size_t i = 0; i < 2; i++) {
        for (size_t name = 0; name < sizeof locked / sizeof locked[0]; name++)
            assert_state(profiles[i], locked[name], POLICY_LOCKED);
        for (size_t name = 0; name < sizeof enabled / sizeof enabled[0]; name++)
            assert_state(profiles[i], enabled[name], POLICY_ENABLED);
    }
    for (size_t i = 0; i < sizeof windows_enabled / sizeof windows_enabled[0]; i++)
        assert_state(EVENTLOG_PROFILE_WINDOWS, windows_enabled[i], POLICY_ENABLED);
    assert_state(EVENTLOG_PROFILE_WINDOWS, "Hgs_VsmIdkPresent", POLICY_LOCKED);
    assert_state(EVENTLOG_PROFILE_WINDOWS, "Hgs_BitLockerEnabled", POLICY_DISABLED);
    assert_state(EVENTLOG_PROFILE_LINUX, "Hgs_IdentityKeyInTpm", POLICY_LOCKED);
    assert_state(EVENTLOG_PROFILE_LINUX, "Hgs_Lockdown", POLICY_ENABLED);
}

/* What a profile cannot prove is not in its set. */
static void test_profiles(void **state)
{
    (void)state;
    static const char *const windows_only[] = {"Hgs_VsmIdkPresent",
                                               "Hgs_VsmRunning",
                                               "Hgs_HypervisorEnforcedCiPolicy",
                                               "Hgs_BitLockerEnabled",
                                               "Hgs_PageFileEncryptionEnabled",
                                               "Hgs_DumpEncryption",
                                               "Hgs_DumpEncryptionKey"};
    for (size_t i = 0; i < sizeof windows_only / sizeof windows_only[0]; i++) {
        assert_non_null(builtin_find(EVENTLOG_PROFILE_WINDOWS, windows_only[i]));
        assert_null(builtin_find(EVENTLOG_PROFILE_LINUX, windows_only[i]));
    }
    assert_null(builtin_find(EVENTLOG_PROFILE_WINDOWS, "Hgs_Lockdown"));
    assert_null(builtin_get(EVENTLOG_PROFILE_WINDOWS, BUILTIN_IDENTITY_KEY_IN_TPM));
    assert_null(builtin_get(EVENTLOG_PROFILE_LINUX, BUILTIN_VSM_RUNNING));
    assert_non_null(builtin_find(EVENTLOG_PROFILE_LINUX, "hgs_nodumps"));
}

static void test_every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t count;
        const struct builtin *table = builtin_table(profiles[i], &count);
        for (size_t row = 0; row < count; row++) {
            const char *strength = table[row].strength;
            assert_ptr_equal(builtin_get(profiles[i], table[row].policy), &table[row]);
            assert_ptr_equal(builtin_find(profiles[i], table[row].name), &table[row]);
            assert_true(table[row].level >= 1 && table[row].state != POLICY_STAGED);
            assert_true(strcmp(strength, "strong") == 0 || strcmp(strength, "good") == 0 ||
                        strcmp(strength, "medium") == 0 || strcmp(strength, "weak") == 0);
            assert_true(strlen(table[row].purpose) > 0 && strlen(table[row].evidence) > 0 &&
                        strlen(table[row].remedy) > 0);
        }
    }
    assert_string_equal(builtin_find(EVENTLOG_PROFILE_LINUX, "Hgs_IommuEnabled")->strength, "weak");
    assert_string_equal(builtin_find(EVENTLOG_PROFILE_LINUX, "Hgs_NoDumps")->strength, "medium");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guids),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
