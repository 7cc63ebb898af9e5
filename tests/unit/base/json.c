/* SPDX-License-Identifier: Apache-2.0 */

/* Which texts are JSON, and what is got from them. */

#include "json_parsing.h"

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
        cmocka_unit_test(test_getters),   cmocka_unit_test(test_getters_refuse),
        cmocka_unit_test(test_defaults),  cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
