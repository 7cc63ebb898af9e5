/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../testing.h"
#include "base/errors.h"
#include "base/json.h"

static void test_document(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "__type", "A:#B");
    json_write_array(&writer, "list");
    json_write_integer(&writer, NULL, INT64_MIN);
    json_write_bool(&writer, NULL, true);
    json_write_array(&writer, NULL);
    json_write_array_end(&writer);
    json_write_object(&writer, NULL);
    json_write_object_end(&writer);
    json_write_null(&writer, NULL);
    json_write_array_end(&writer);
    json_write_base64(&writer, "b", slice_of("\xfb\xff", 2));
    json_write_hex(&writer, "h", slice_of("\xfb\xff", 2));
    json_write_raw(&writer, "r", slice_from_text("[1]"));
    json_write_text(&writer, "none", NULL);
    json_write_object_end(&writer);
    assert_string_equal(buf_text(&out),
                        "{\"__type\":\"A:#B\",\"list\":[-9223372036854775808,true,[],{},null],"
                        "\"b\":\"+/8=\",\"h\":\"fbff\",\"r\":[1],\"none\":null}");
    buf_done(&out);
}

static void test_escapes(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    json_write_slice(&writer, NULL,
                     slice_of("\"\\/\b\f\n\r\t\0\x1f\x7f\xc3\xa4\xf0\x9f\x98\x80", 17));
    assert_string_equal(buf_text(&out), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"
                                        "\xc3\xa4\xf0\x9f\x98\x80\"");
    buf_reset(&out);
    json_writer_init(&writer, &out);
    json_write_slice(&writer, NULL, slice_from_text("a\xff\xc3(\xed\xa0\x80"));
    assert_string_equal(buf_text(&out), "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd"
                                        "\xef\xbf\xbd\"");
    buf_done(&out);
}

/* Python reads back every character that we wrote. */
static void test_against_python(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 1 << 16);
    json_writer_init(&writer, &out);
    json_write_array(&writer, NULL);
    for (unsigned c = 0; c < 0x80; c++)
        json_write_slice(&writer, NULL, slice_of((char[]){(char)c}, 1));
    json_write_array_end(&writer);
    FILE *python = popen("python3 -c 'import json, sys\n"
                         "sys.exit(json.load(sys.stdin) != [chr(c) for c in range(128)])'",
                         "w");
    assert_non_null(python);
    fwrite(out.data, 1, out.size, python);
    assert_int_equal(pclose(python), 0);
    buf_done(&out);
}

static void test_error(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer writer;
    struct error err = {0};
    error_set(&err, &base_hex_malformed, "RFC 4648", "key", "is odd");
    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    json_write_error(&writer, NULL, &err);
    assert_string_equal(
        buf_text(&out),
        "{\"code\":\"base.hex-malformed\",\"kind\":\"malformed\",\"object\":\"key\","
        "\"message\":\"is odd\",\"clause\":\"RFC 4648\","
        "\"cause\":\"text that should be hexadecimal is not\","
        "\"remedy\":\"check the value for missing or foreign characters\"}");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_against_python),
        cmocka_unit_test(test_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
