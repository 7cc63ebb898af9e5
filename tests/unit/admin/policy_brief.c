/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/policy_brief.h"

#include <stdio.h>

#include "../testing.h"

#define NOW 1800000000

static struct policy make_dump(void)
{
    struct policy policy = {.name = "dumps",
                            .kind = POLICY_DUMP,
                            .profile = EVENTLOG_PROFILE_WINDOWS,
                            .version = POLICY_VERSION_2,
                            .scope = POLICY_FOR_SET,
                            .scope_name = "rack1",
                            .added = NOW - 10,
                            .added_by = "root"};
    return policy;
}

/* What is written of a policy, parsed. */
static struct json *brief_of(const struct policy *policy, struct slice record, int64_t now)
{
    struct json *parsed = NULL;
    struct json_writer writer;
    struct buf text;
    buf_init(&text, 65536);
    json_writer_init(&writer, &text);
    policy_brief_write(&writer, policy, record, now);
    assert_true(json_parse(&parsed, buf_slice(&text), NULL));
    buf_done(&text);
    return parsed;
}

static void assert_text(const struct json *object, const char *name, const char *expected)
{
    const char *text = NULL;
    assert_true(json_get_text(&text, object, name, NULL));
    assert_string_equal(text, expected);
}

static void test_says_whom_it_is_for(void **state)
{
    (void)state;
    struct policy policy = make_dump();
    _cleanup_json_ struct json *brief = brief_of(&policy, SLICE_EMPTY, NOW);
    assert_text(brief, "name", "dumps");
    assert_text(brief, "type", "dump");
    assert_text(brief, "profile", "windows");
    assert_text(brief, "policy_version", "v2");
    assert_text(brief, "state", "enabled");
    assert_text(json_get(brief, "for"), "set", "rack1");
    assert_null(json_get(brief, "until"));
    assert_null(json_get(brief, "record"));
}

static void test_says_when_its_end_has_come(void **state)
{
    (void)state;
    struct policy policy = make_dump();
    policy.until = NOW;
    _cleanup_json_ struct json *before = brief_of(&policy, SLICE_EMPTY, NOW - 1);
    _cleanup_json_ struct json *after = brief_of(&policy, SLICE_EMPTY, NOW);
    assert_false(json_bool(json_get(before, "expired")));
    assert_true(json_bool(json_get(after, "expired")));
}

static void test_holds_the_record_when_wanted(void **state)
{
    (void)state;
    struct policy policy = make_dump();
    _cleanup_json_ struct json *brief =
        brief_of(&policy, slice_from_text("{\"dump_key\":\"00\"}"), NOW);
    assert_text(json_get(brief, "record"), "dump_key", "00");
}

static void test_says_what_a_builtin_is_worth(void **state)
{
    (void)state;
    struct json_writer writer;
    struct policy record = {.added = NOW, .added_by = "anna"};
    _cleanup_json_ struct json *parsed = NULL;
    _cleanup_buf_ struct buf text;
    buf_init(&text, 65536);
    json_writer_init(&writer, &text);
    policy_brief_write_builtin(&writer, builtin_get(EVENTLOG_PROFILE_LINUX, BUILTIN_IOMMU_ENABLED),
                               EVENTLOG_PROFILE_LINUX, POLICY_DISABLED, &record);
    assert_true(json_parse(&parsed, buf_slice(&text), NULL));
    assert_text(parsed, "name", "Hgs_IommuEnabled");
    assert_text(parsed, "type", "builtin");
    assert_text(parsed, "state", "disabled");
    assert_text(parsed, "strength", "weak");
    assert_text(parsed, "changed_by", "anna");
}

/* The trail's records are bounded: of a large policy it gets the digest of what was added. */
static void test_cuts_large_records_for_the_trail(void **state)
{
    (void)state;
    static char large[POLICY_BRIEF_WHOLE_MAX + 1];
    struct policy policy = make_dump();
    const char *digest = NULL;
    _cleanup_json_ struct json *parsed = NULL;
    _cleanup_buf_ struct buf whole, cut;
    buf_init(&whole, 65536);
    buf_init(&cut, 65536);
    memset(large, ' ', sizeof large);
    struct slice record = slice_of(large, POLICY_BRIEF_WHOLE_MAX);
    policy_brief_format(&whole, &policy, record, NOW);
    assert_true(slice_equal(buf_slice(&whole), record));
    policy_brief_format(&cut, &policy, slice_of(large, sizeof large), NOW);
    assert_true(json_parse(&parsed, buf_slice(&cut), NULL));
    assert_text(parsed, "name", "dumps");
    assert_true(json_get_text(&digest, parsed, "sha256", NULL));
    assert_int_equal(strlen(digest), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_says_whom_it_is_for),
        cmocka_unit_test(test_says_when_its_end_has_come),
        cmocka_unit_test(test_holds_the_record_when_wanted),
        cmocka_unit_test(test_says_what_a_builtin_is_worth),
        cmocka_unit_test(test_cuts_large_records_for_the_trail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
