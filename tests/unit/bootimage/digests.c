/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "bootimage/digests.h"

/* From NIST's examples of "abc". */
static const char abc256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static bool read(struct digests *out, const char *text, struct error *err)
{
    _cleanup_json_ struct json *document = NULL;
    return json_parse(&document, slice_from_text(text), err) &&
           digests_read(out, document, "d", err);
}

static void test_compute(void **state)
{
    (void)state;
    struct slice parts[] = {slice_from_text("a"), SLICE_EMPTY, slice_from_text("bc")};
    struct digests digests;
    char hex[2 * DIGEST_SIZE_MAX + 1];
    digests_compute(&digests, parts, 3);
    assert_string_equal(hex_format(digests_get(&digests, DIGEST_SHA256), hex), abc256);
    assert_int_equal(digests_get(&digests, DIGEST_SHA384).size, 48);
    assert_int_equal(digests_get(&digests, DIGEST_SHA512).size, 64);
    assert_int_equal(digests_get(&digests, DIGEST_SHA1).size, 0);
}

static void test_write_and_read(void **state)
{
    (void)state;
    struct slice part = slice_from_text("abc");
    struct digests digests, again;
    struct json_writer writer;
    _cleanup_buf_ struct buf text;
    buf_init(&text, 1024);
    json_writer_init(&writer, &text);
    digests_compute(&digests, &part, 1);
    json_write_object(&writer, NULL);
    digests_write(&writer, "d", &digests);
    json_write_object_end(&writer);
    assert_ok(read(&again, buf_text(&text), err));
    assert_true(testing_digests_equal(&digests, &again));
}

static void test_refuses(void **state)
{
    (void)state;
    char text[512];
    struct digests digests;
    assert_refused(read(&digests, "{\"d\":[]}", err), &base_json_malformed);
    snprintf(text, sizeof text, "{\"d\":{\"sha256\":\"%s\"}}", abc256); /* others are missing */
    assert_refused(read(&digests, text, err), &base_json_malformed);
    snprintf(text, sizeof text, "{\"d\":{\"sha256\":\"%s00\"}}", abc256);
    assert_refused(read(&digests, text, err), &bootimage_digest_size);
    snprintf(text, sizeof text, "{\"d\":{\"sha256\":\"x%s\"}}", abc256 + 1);
    assert_refused(read(&digests, text, err), &base_hex_malformed);
    snprintf(text, sizeof text, "{\"d\":{\"sha256\":\"%s%s%s\"}}", abc256, abc256, abc256);
    assert_refused(read(&digests, text, err), &base_buffer_full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compute),
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
