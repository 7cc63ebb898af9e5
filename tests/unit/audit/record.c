/* SPDX-License-Identifier: Apache-2.0 */

/* A line is a record only when the writer would have written it so. */

#include "audit/record.h"

#include <stdio.h>

#include "../testing.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static bool parse(struct audit_record *out, const char *inside)
{
    static char line[512];
    snprintf(line, sizeof line,
             "{\"seq\":1,\"time\":\"2026-11-23T10:00:00Z\",%s\"prev\":\"" ZEROS "\"}", inside);
    return audit_record_parse(out, slice_from_text(line));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const char *const fields[] = {"", "\"host\":\"n1\""};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct audit_place place = {0};
        struct audit_record record;
        _cleanup_buf_ struct buf line;
        buf_init(&line, AUDIT_LINE_MAX + 1);
        audit_record_append(&line, &place, "2026-11-23T10:00:00Z", slice_from_text("host.added"),
                            slice_from_text(fields[i]));
        assert_true(audit_record_parse(&record, slice_of(line.data, line.size - 1)));
        assert_int_equal(record.sequence, 1);
        assert_true(slice_equals_text(record.event, "host.added"));
        assert_true(slice_equals_text(record.fields, fields[i]));
    }
}

static void other_spellings_are_no_records(void **state)
{
    (void)state;
    struct audit_record record;
    assert_true(parse(&record, "\"event\":\"e\","));
    assert_true(parse(&record, "\"event\":\"e\",\"a\":1,"));
    assert_false(parse(&record, "\"event\":\"e\",,")); /* a comma without fields */
    assert_false(parse(&record, "\"event\":\"e\"\"a\":1,"));
    assert_false(parse(&record, "\"event\":\"E\","));
    assert_false(parse(&record, "\"event\":\"\","));
    assert_false(parse(&record, " \"event\":\"e\","));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(other_spellings_are_no_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
