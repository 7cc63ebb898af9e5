/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../testing.h"
#include "base/errors.h"
#include "base/json_check.h"
#include "base/memory.h"

/* Parses a copy without a NUL, so that a sanitizer sees a read past its end. */
static bool parse(struct json **out, const char *text, size_t size, struct error *err)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    memcpy(exact, text, size);
    bool fine = json_parse(out, slice_of(exact, size), err);
    free(exact);
    return fine;
}

static struct json *parsed(const char *text)
{
    struct json *document = NULL;
    assert_ok(parse(&document, text, strlen(text), err));
    return document;
}

static void test_getters(void **state)
{
    (void)state;
    _cleanup_json_ struct json *document =
        parsed(" {\"text\":\"a\\u00e4\\n\\\"\",\"n\":-12,\"big\":9007199254740992,\"b\":true,"
               "\"list\":[1,2,{}],\"o\":{\"x\":null},\"half\":0.5,\"e\":1e3}\r\n\t ");
    const char *text = NULL;
    int64_t number = 0;
    bool flag = false;
    const struct json *list = NULL, *object = NULL;
    assert_ok(json_get_text(&text, document, "text", err));
    assert_string_equal(text, "a\xc3\xa4\n\"");
    assert_ok(json_get_integer(&number, document, "n", err));
    assert_int_equal(number, -12);
    assert_ok(json_get_integer(&number, document, "big", err));
    assert_int_equal(number, 9007199254740992);
    assert_ok(json_get_integer(&number, document, "e", err));
    assert_int_equal(number, 1000);
    assert_ok(json_get_bool(&flag, document, "b", err));
    assert_true(flag);
    assert_ok(json_get_array(&list, document, "list", err));
    assert_true(json_number(json_next(json_first(list))) == 2);
    assert_true(json_is_object(json_next(json_next(json_first(list)))));
    assert_null(json_next(json_next(json_next(json_first(list)))));
    assert_ok(json_get_object(&object, document, "o", err));
    assert_string_equal(json_name(json_first(object)), "x");
    assert_true(json_is_null(json_get(object, "x")));
    assert_true(json_number(json_get(document, "half")) == 0.5);
}

static void test_getters_refuse(void **state)
{
    (void)state;
    _cleanup_json_ struct json *document =
        parsed("{\"text\":\"x\",\"n\":1.5,\"huge\":1e300,\"Text2\":\"x\"}");
    const char *text = NULL;
    int64_t number = 7;
    bool flag = true;
    const struct json *list = NULL;
    struct error reason = {0};
    assert_false(json_get_text(&text, document, "missing", &reason));
    assert_ptr_equal(reason.code, &base_json_malformed);
    assert_string_equal(reason.object, "missing");
    assert_refused(json_get_text(&text, document, "text2", err), base_json_malformed);
    assert_refused(json_get_text(&text, document, "n", err), base_json_malformed);
    assert_refused(json_get_integer(&number, document, "n", err), base_json_malformed);
    assert_refused(json_get_integer(&number, document, "huge", err), base_json_malformed);
    assert_refused(json_get_integer(&number, document, "text", err), base_json_malformed);
    assert_refused(json_get_bool(&flag, document, "text", err), base_json_malformed);
    assert_refused(json_get_array(&list, document, "text", err), base_json_malformed);
    assert_refused(json_get_object(&list, document, "text", err), base_json_malformed);
    assert_refused(json_get_text(&text, json_get(document, "text"), "text", err),
                   base_json_malformed);
    assert_refused(json_get_text(&text, NULL, "text", err), base_json_malformed);
    assert_null(text);
    assert_null(list);
    assert_int_equal(number, 7);
    assert_null(json_text(json_get(document, "n")));
    assert_null(json_first(NULL));
    assert_false(json_bool(NULL));
}

static void test_defaults(void **state)
{
    (void)state;
    _cleanup_json_ struct json *document = parsed("{\"t\":\"x\",\"n\":3,\"b\":false,\"z\":null}");
    const char *text = NULL;
    int64_t number = 0;
    bool flag = true;
    assert_ok(json_get_text_or(&text, document, "t", "other", err));
    assert_string_equal(text, "x");
    assert_ok(json_get_text_or(&text, document, "absent", "other", err));
    assert_string_equal(text, "other");
    assert_ok(json_get_integer_or(&number, document, "absent", 9, err));
    assert_int_equal(number, 9);
    assert_ok(json_get_bool_or(&flag, document, "b", true, err));
    assert_false(flag);
    assert_refused(json_get_text_or(&text, document, "z", "other", err), base_json_malformed);
    assert_refused(json_get_integer_or(&number, document, "t", 1, err), base_json_malformed);
    assert_refused(json_get_bool_or(&flag, document, "n", true, err), base_json_malformed);
}

static void test_bytes(void **state)
{
    (void)state;
    _cleanup_json_ struct json *document =
        parsed("{\"a\":\"AP8=\",\"b\":[0,255],\"c\":[256],\"d\":[-1],\"e\":[1.5],\"f\":[\"1\"],"
               "\"g\":\"AP8\",\"h\":7,\"i\":[],\"j\":[1,2,3]}");
    struct buf out;
    buf_init(&out, 2);
    assert_ok(json_get_bytes(&out, document, "a", err));
    assert_memory_equal(out.data, "\0\xff", 2);
    buf_reset(&out);
    assert_ok(json_get_bytes(&out, document, "b", err));
    assert_memory_equal(out.data, "\0\xff", 2);
    assert_ok(json_get_bytes(&out, document, "i", err));
    buf_reset(&out);
    for (const char *name = "cdefgh"; *name != '\0'; name++) {
        assert_refused(json_get_bytes(&out, document, (char[]){*name, '\0'}, err),
                       base_json_malformed);
        assert_int_equal(out.size, 0);
    }
    assert_refused(json_get_bytes(&out, document, "absent", err), base_json_malformed);
    assert_refused(json_get_bytes(&out, document, "j", err), base_buffer_full);
    buf_done(&out);
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\"a",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{1:2}",
        "{a:1}",
        "{'a':1}",
        "[1]]",
        "1 2",
        "{}x",
        "tru",
        "True",
        "nulll",
        "NaN",
        "Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1.e5",
        "--1",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\ud800\"",
        "\"\\u0000\"",
        "\"a\tb\"",
        "\"a\nb\"",
        "\"\x7f\x01\"",
        "[1]\f",
        "\v[1]",
        "// c\n1",
        "/* c */1",
        "\xef\xbb\xbf{}",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "[{\"x\":{\"y\":1,\"z\":2,\"y\":3}}]",
        "1e999",
        "[-1e999]",
        "1234567890123456789012345678901234567890123456789012345678901234",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json *document = NULL;
        struct error err = {0};
        if (parse(&document, texts[i], strlen(texts[i]), &err))
            fail_msg("accepted: %s", texts[i]);
        assert_string_equal(err.code->name, "base.json-malformed");
        assert_null(document);
    }
    static const struct slice with_nul[] = {
        {(const uint8_t *)"\"a\0b\"", 5}, {(const uint8_t *)"{}\0", 3}, {(const uint8_t *)"\0", 1}};
    for (size_t i = 0; i < 3; i++) {
        struct json *document = NULL;
        assert_refused(json_parse(&document, with_nul[i], err), base_json_malformed);
    }
}

static void test_well_formed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "-0.5e-10",
        "1E+5",
        "\"\"",
        "[]",
        "{}",
        "null",
        "true",
        "false",
        " [ ] ",
        "{ \"a\" : [ ] , \"b\" : { } }",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00FF\\ud83d\\ude00\"",
        "\"\x7f\xc3\xa4\xf0\x9f\x98\x80\"",
        "{\"a\":1,\"A\":2}",
        "{\"\":1}",
        "123456789012345678901234567890123456789012345678901234567890123",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json *document = NULL;
        assert_ok(parse(&document, texts[i], strlen(texts[i]), err));
        json_free(&document);
        assert_null(document);
    }
}

/* Every beginning of a document is refused. */
static void test_truncated(void **state)
{
    (void)state;
    static const char text[] =
        "{\"SessionId\":\"abc\\u00e4\xc3\xa4\",\"List\":[1.5e3,true,null,{\"x\":[]}]}";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        struct json *document = NULL;
        assert_refused(parse(&document, text, size, err), base_json_malformed);
    }
    json_free(&(struct json *){parsed(text)});
}

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

static void test_append(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1,-2.5,1e+300,\"x\\\"\\n\\u0001\xc3\xa4\"],\"b\":{},\"c\":[],"
        "\"d\":null,\"e\":true,\"f\":false,\"g\":9007199254740992}";
    _cleanup_json_ struct json *document = parsed(text);
    struct buf out;
    buf_init(&out, 1000);
    json_append(&out, document);
    assert_string_equal(buf_text(&out), text);
    buf_reset(&out);
    json_append(&out, json_get(document, "a"));
    assert_string_equal(buf_text(&out), "[1,-2.5,1e+300,\"x\\\"\\n\\u0001\xc3\xa4\"]");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_getters_refuse),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_long_array),
        cmocka_unit_test(test_long_array_of_others),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_long_document),
        cmocka_unit_test(test_many_properties),
        cmocka_unit_test(test_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
