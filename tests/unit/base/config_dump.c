/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config_dump.h"

#include "../testing.h"

struct settings {
    char *text;
    int64_t idle;
};

static const struct config_key keys[] = {
    {"service", "text", CONFIG_TEXT, offsetof(struct settings, text), NULL, 0, 0, "A \"text\"."},
    {"limits", "idle", CONFIG_DURATION, offsetof(struct settings, idle), "60s", 100, 3600000,
     "Idle."},
};

static void test_dump(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    config_dump(&out, keys, sizeof keys / sizeof keys[0]);
    assert_string_equal(buf_text(&out),
                        "[{\"section\":\"service\",\"key\":\"text\",\"type\":\"text\","
                        "\"default\":\"\",\"description\":\"A \\\"text\\\".\"},"
                        "{\"section\":\"limits\",\"key\":\"idle\",\"type\":\"duration\","
                        "\"default\":\"60s\",\"minimum\":100,\"maximum\":3600000,"
                        "\"description\":\"Idle.\"}]\n");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dump)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
