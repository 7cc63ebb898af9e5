/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/content_type.h"

#include "../testing.h"

static void tells_json_from_xml(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool json, xml;
    } rows[] = {
        {NULL, true, true},
        {"application/json", true, false},
        {"Application/JSON; charset=utf-8", true, false},
        {" text/json ;x=y", true, false},
        {"application/problem+json", true, false},
        {"application/xml", false, true},
        {"TEXT/XML;charset=\"utf-8\"", false, true},
        {"application/soap+xml; action=x", false, true},
        {"", false, false},
        {"json", false, false},
        {"/json", false, false},
        {"application/", false, false},
        {"application/jsonx", false, false},
        {"application/xjson", false, false},
        {"application/+json", false, false},
        {"application/json+zip", false, false},
        {"application/json, text/html", false, false},
        {"application/json text/html", false, false},
        {"image/json", false, false},
        {"text/html; x=application/json", false, false},
        {"application/x-www-form-urlencoded", false, false},
        {"multipart/form-data; boundary=json", false, false},
        {"text/plain", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(content_type_is_json(rows[i].value), rows[i].json);
        assert_int_equal(content_type_is_xml(rows[i].value), rows[i].xml);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_json_from_xml)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
