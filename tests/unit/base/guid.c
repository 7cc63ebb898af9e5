/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guid.h"

#include <string.h>

#include "../testing.h"
#include "base/errors.h"

static const char text_form[] = "6a460ee1-62ea-416f-ae6c-04e29634506d";
static const uint8_t wire_form[16] = {0xe1, 0x0e, 0x46, 0x6a, 0xea, 0x62, 0x6f, 0x41,
                                      0xae, 0x6c, 0x04, 0xe2, 0x96, 0x34, 0x50, 0x6d};
/* python3: base64.b64encode(uuid.UUID("6a460ee1-…").bytes_le) */
static const char base64_form[] = "4Q5Gaupib0GubATiljRQbQ==";

static void test_forms(void **state)
{
    (void)state;
    static const char *const texts[] = {text_form, "{6a460ee1-62ea-416f-ae6c-04e29634506d}",
                                        "6A460EE1-62EA-416F-AE6C-04E29634506D"};
    for (size_t i = 0; i < 3; i++) {
        struct guid guid = {{0}};
        char text[GUID_TEXT_SIZE];
        assert_ok(guid_parse(&guid, slice_from_text(texts[i]), err));
        assert_memory_equal(guid.bytes, wire_form, 16);
        assert_string_equal(guid_format(&guid, text), text_form);
        struct guid message = {{0}};
        assert_ok(guid_parse_message(&message, slice_from_text(texts[i]), err));
        assert_memory_equal(message.bytes, wire_form, 16);
    }
    struct guid guid = {{0}};
    assert_ok(guid_parse_message(&guid, slice_from_text(base64_form), err));
    assert_memory_equal(guid.bytes, wire_form, 16);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        "6a460ee1-62ea-416f-ae6c-04e29634506",
        "6a460ee1-62ea-416f-ae6c-04e29634506d0",
        "6a460ee162ea-416f-ae6c-04e296-34506d",
        "6a460ee1-62ea-416f-ae6c-04e29634506g",
        "{6a460ee1-62ea-416f-ae6c-04e29634506d",
        "{6a460ee1-62ea-416f-ae6c-04e29634506d)",
        "6a460ee162ea416fae6c04e29634506d",
        "4Q5GaupiP0GubATiljRQ",
        "4Q5GaupiP0GubATiljRQbQAA", /* 18 bytes */
        "4Q5GaupiP0GubATiljRQb===",
        "4Q5Gaupi-0GubATiljRQbQ==",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct guid guid = {{7}};
        assert_refused(guid_parse_message(&guid, slice_from_text(malformed[i]), err),
                       base_guid_malformed);
        assert_refused(guid_parse(&guid, slice_from_text(malformed[i]), err), base_guid_malformed);
        assert_int_equal(guid.bytes[0], 7);
    }
    struct guid guid;
    assert_refused(guid_parse(&guid, slice_from_text(base64_form), err), base_guid_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
