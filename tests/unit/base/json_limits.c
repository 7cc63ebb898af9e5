/* SPDX-License-Identifier: Apache-2.0 */

/* Documents that are deep, long or have many values: up to each limit, and beyond. */

#include "json_parsing.h"

#include <stdio.h>

#include "base/json_check.h"
#include "base/memory.h"

/* count times open, then middle, then count times close. */
static char *nested(const char *open, const char *middle, const char *close, size_t count)
{
    char *text = malloc(count * (strlen(open) + strlen(close)) + strlen(middle) + 1);
    char *to = text;
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, open);
    to = stpcpy(to, middle);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, close);
    return text;
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close;
    } kinds[] = {{"[", "]"}, {"{\"a\":", "}"}};
    for (size_t i = 0; i < 2; i++) {
        char *most = nested(kinds[i].open, "1", kinds[i].close, JSON_DEPTH_MAX);
        char *more = nested(kinds[i].open, "1", kinds[i].close, JSON_DEPTH_MAX + 1);
        char *bomb = nested(kinds[i].open, "1", kinds[i].close, 100000);
        struct json *document = parsed(most);
        json_free(&document);
        assert_refused(parse(&document, more, strlen(more), err), base_json_too_deep);
        assert_refused(parse(&document, bomb, strlen(bomb), err), base_json_too_deep);
        free(most);
        free(more);
        free(bomb);
    }
}

static void test_count(void **state)
{
    (void)state;
    char *most = nested("-1,", "1", "", JSON_VALUES_MAX - 2);
    char *text = memory_allocate(strlen(most) + 16);
    struct json *document = NULL;
    snprintf(text, strlen(most) + 16, "[%s]", most);
    assert_ok(parse(&document, text, strlen(text), err));
    json_free(&document);
    snprintf(text, strlen(most) + 16, "[1,%s]", most);
    assert_refused(parse(&document, text, strlen(text), err), base_json_too_deep);
    struct slice one_more = slice_from_text(text);
    assert_ok(json_parse_many(&document, one_more, JSON_VALUES_MAX + 1, err));
    json_free(&document);
    assert_refused(json_parse_many(&document, slice_from_text("[1,2]"), 2, err),
                   base_json_too_deep);
    free(text);
    free(most);
}

/* A document around count items of "item,", in an array, in a property. */
static struct json *with_array(const char *item, size_t count, const char *last)
{
    struct buf text;
    struct json *document = NULL;
    buf_init(&text, 1 << 24);
    buf_append_text(&text, "{\"before\":[\"\",{\"x\":1}],\"bytes\":[");
    for (size_t i = 0; i < count; i++)
        buf_append_format(&text, "%s,", item);
    buf_append_format(&text, "%s],\"after\":\"\"}", last);
    assert_ok(parse(&document, (const char *)text.data, text.size, err));
    buf_done(&text);
    return document;
}

/* As WCF writes byte arrays: more of them than a document may have values. */
static void test_long_array(void **state)
{
    (void)state;
    static const char *const items[] = {"0", "255", " 7 ", "1\t"};
    static const uint8_t bytes[] = {0, 255, 7, 1};
    for (size_t i = 0; i < sizeof bytes; i++) {
        size_t count = 3 * JSON_VALUES_MAX;
        _cleanup_json_ struct json *document = with_array(items[i], count, "129");
        const struct json *array = json_get(document, "bytes"), *other;
        struct buf out;
        const char *text;
        buf_init(&out, count);
        assert_refused(json_get_bytes(&out, document, "bytes", err), base_buffer_full);
        buf_done(&out);
        buf_init(&out, count + 1);
        assert_ok(json_get_bytes(&out, document, "bytes", err));
        assert_int_equal(out.size, count + 1);
        for (size_t at = 0; at < count; at++)
            assert_int_equal(out.data[at], bytes[i]);
        assert_int_equal(out.data[count], 129);
        assert_false(json_is_array(array) || json_is_text(array) || json_is_object(array));
        assert_null(json_first(array));
        assert_null(json_text(array));
        assert_refused(json_get_array(&other, document, "bytes", err), base_json_malformed);
        assert_refused(json_get_text(&text, document, "bytes", err), base_json_malformed);
        assert_ok(json_get_text(&text, document, "after", err));
        assert_string_equal(text, "");
        assert_string_equal(json_text(json_first(json_get(document, "before"))), "");
        buf_done(&out);
    }
}

/* What is not an array of bytes is one of values, however long. */
static void test_long_array_of_others(void **state)
{
    (void)state;
    static const char *const last[] = {"256", "-1", "1.0", "1e1", "\"1\"", "[1]", "null"};
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        _cleanup_json_ struct json *document = with_array("1", JSON_LONG_MIN, last[i]);
        const struct json *array;
        struct buf out;
        size_t count = 0;
        buf_init(&out, JSON_LONG_MIN + 1);
        assert_ok(json_get_array(&array, document, "bytes", err));
        for (const struct json *item = json_first(array); item != NULL; item = json_next(item))
            count++;
        assert_int_equal(count, JSON_LONG_MIN + 1);
        if (i == 2 || i == 3) /* 1.0 and 1e1 are whole numbers, too */
            assert_ok(json_get_bytes(&out, document, "bytes", err));
        else
            assert_refused(json_get_bytes(&out, document, "bytes", err), base_json_malformed);
        buf_done(&out);
    }
    struct buf text;
    struct json *document = NULL;
    static const char *const malformed[] = {"01", "1 1", "+1", "", "1,"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        buf_init(&text, 1 << 16);
        buf_append_u8(&text, '[');
        for (size_t at = 0; at < JSON_LONG_MIN; at++)
            buf_append_text(&text, "1,");
        buf_append_format(&text, "%s]", malformed[i]);
        assert_refused(parse(&document, (const char *)text.data, text.size, err),
                       base_json_malformed);
        text.size--; /* without its bracket */
        assert_refused(parse(&document, (const char *)text.data, text.size, err),
                       base_json_malformed);
        buf_done(&text);
    }
}

/* A text of size characters, the last of which is last. */
static void append_long_text(struct buf *out, size_t size, const char *last)
{
    buf_append_u8(out, '"');
    for (size_t i = 0; i < size - 1; i++)
        buf_append_u8(out, (uint8_t)('a' + i % 26));
    buf_append_format(out, "%s\"", last);
}

/* More of them than are looked after, with others between, and of all kinds. */
static void test_long_texts(void **state)
{
    (void)state;
    static const struct {
        const char *last, *meaning;
    } ends[] = {{"z", "z"}, {"\\n", "\n"}, {"\xc3\xa4", "\xc3\xa4"}, {"\\u00e4", "\xc3\xa4"}};
    struct buf text, again;
    struct json *document = NULL;
    unsigned seen = 0;
    buf_init(&text, 1 << 20);
    buf_init(&again, 1 << 20);
    buf_append_text(&text, "[");
    for (unsigned i = 0; i < 3 * JSON_LONGS_MAX; i++) {
        buf_append_format(&text, "%s{\"", i == 0 ? "" : ",");
        for (size_t at = 0; at < 2 * JSON_LONG_MIN; at++)
            buf_append_u8(&text, 'k'); /* names are no values */
        buf_append_text(&text, "\":\"\",\"t\":");
        append_long_text(&text, JSON_LONG_MIN - 1 + i, ends[i % 4].last);
        buf_append_text(&text, "}");
    }
    buf_append_text(&text, "]");
    assert_ok(parse(&document, (const char *)text.data, text.size, err));
    for (const struct json *item = json_first(document); item != NULL; item = json_next(item)) {
        const char *got = json_text(json_get(item, "t"));
        size_t size = JSON_LONG_MIN - 2 + seen;
        assert_string_equal(json_text(json_first(item)), "");
        assert_int_equal(strspn(got, "abcdefghijklmnopqrstuvwxyz"), size + (seen % 4 == 0));
        assert_string_equal(got + size, ends[seen % 4].meaning);
        seen++;
    }
    assert_int_equal(seen, 3 * JSON_LONGS_MAX);
    json_append(&again, document);
    json_free(&document);
    assert_ok(parse(&document, (const char *)again.data, again.size, err));
    json_free(&document);
    buf_done(&text);
    buf_done(&again);
}

/* The document itself may be long. */
static void test_long_document(void **state)
{
    (void)state;
    struct buf text, out;
    struct json *document = NULL;
    buf_init(&text, 1 << 16);
    buf_init(&out, 1 << 16);
    append_long_text(&text, JSON_LONG_MIN, "z");
    assert_ok(parse(&document, (const char *)text.data, text.size, err));
    assert_int_equal(strlen(json_text(document)), JSON_LONG_MIN);
    json_free(&document);
    buf_reset(&text);
    buf_append_u8(&text, '[');
    for (size_t i = 0; i < JSON_LONG_MIN; i++)
        buf_append_format(&text, "%s%zu", i == 0 ? "" : ",", i % 256);
    buf_append_u8(&text, ']');
    assert_ok(parse(&document, (const char *)text.data, text.size, err));
    assert_ok(json_bytes(&out, document, "document", err));
    assert_int_equal(out.size, JSON_LONG_MIN);
    assert_int_equal(out.data[300], 44);
    buf_reset(&out);
    json_append(&out, document);
    assert_true(slice_equal(buf_slice(&out), buf_slice(&text)));
    json_free(&document);
    buf_done(&text);
    buf_done(&out);
}

/* Many properties are checked for twins without comparing each with each. */
static void test_many_properties(void **state)
{
    (void)state;
    for (int twin = 0; twin < 2; twin++) {
        struct buf text;
        struct json *document = NULL;
        buf_init(&text, 1 << 22);
        buf_append_u8(&text, '{');
        for (int i = 0; i < 90000; i++)
            buf_append_format(&text, "\"name-%d\":1,", i);
        buf_append_format(&text, "\"name-%d\":2}", twin ? 4711 : -1);
        if (twin)
            assert_refused(json_parse(&document, buf_slice(&text), err), base_json_malformed);
        else
            assert_ok(json_parse(&document, buf_slice(&text), err));
        json_free(&document);
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),           cmocka_unit_test(test_count),
        cmocka_unit_test(test_long_array),      cmocka_unit_test(test_long_array_of_others),
        cmocka_unit_test(test_long_texts),      cmocka_unit_test(test_long_document),
        cmocka_unit_test(test_many_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
