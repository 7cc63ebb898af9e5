/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../testing.h"
#include "base/errors.h"

static void encodes(const char *bytes, size_t size, const char *text)
{
    struct buf out;
    buf_init(&out, 1000);
    base64_append(&out, slice_of(bytes, size));
    assert_string_equal(buf_text(&out), text);
    buf_reset(&out);
    assert_ok(base64_parse(&out, slice_from_text(text), err));
    assert_int_equal(out.size, size);
    assert_memory_equal(buf_text(&out), bytes, size);
    buf_done(&out);
}

/* RFC 4648 section 10. */
static void test_rfc_vectors(void **state)
{
    (void)state;
    encodes("", 0, "");
    encodes("f", 1, "Zg==");
    encodes("fo", 2, "Zm8=");
    encodes("foo", 3, "Zm9v");
    encodes("foob", 4, "Zm9vYg==");
    encodes("fooba", 5, "Zm9vYmE=");
    encodes("foobar", 6, "Zm9vYmFy");
    encodes("\xfb\xff\xbe", 3, "+/++");
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "A",
        "AA",
        "AAA",
        "A===",
        "====",
        "=AAA",
        "AA=A",
        "Zh==",
        "Zm9=",
        "AAA*",
        "AA==AA",
        "AAAAAA==AAAA",
        "AA= ",
        " AA=",
        "A A=",
        "Zg==\n",
        "AAA-",
        "AAA_",
        "\xc3\xa4\xc3\xa4",
        "Zg=\n",
        "Zm9vYg=",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct buf out;
        buf_init(&out, 1000);
        buf_append_text(&out, "before");
        /* On the heap without a NUL, so that a sanitizer sees one byte too many. */
        size_t size = strlen(malformed[i]);
        uint8_t *exact = malloc(size);
        memcpy(exact, malformed[i], size);
        assert_refused(base64_parse(&out, slice_of(exact, size), err), base_base64_malformed);
        assert_string_equal(buf_text(&out), "before");
        free(exact);
        buf_done(&out);
    }
}

static void test_nul_is_foreign(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 10);
    assert_refused(base64_parse(&out, slice_of("AA\0A", 4), err), base_base64_malformed);
    assert_refused(base64_parse_spaced(&out, slice_of("AA\0A", 4), err), base_base64_malformed);
    buf_done(&out);
}

static void test_spaced(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Zm9vYmFy",     " Zm9vYmFy",         "Zm9vYmFy\n",
        "Zm9v\r\nYmFy", "Z\nm\t9 v\vY\fmFy", "\n\n\nZm9vYmFy  ",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf out;
        buf_init(&out, 6);
        assert_ok(base64_parse_spaced(&out, slice_from_text(texts[i]), err));
        assert_string_equal(buf_text(&out), "foobar");
        buf_done(&out);
    }
    struct buf out;
    buf_init(&out, 4);
    assert_ok(base64_parse_spaced(&out, slice_from_text("Zm9v\nYg =\t=\n"), err));
    assert_string_equal(buf_text(&out), "foob");
    buf_reset(&out);
    assert_ok(base64_parse_spaced(&out, slice_from_text(" \n "), err));
    assert_int_equal(out.size, 0);
    assert_refused(base64_parse_spaced(&out, slice_from_text("Zm 9"), err), base_base64_malformed);
    assert_refused(base64_parse_spaced(&out, slice_from_text("Zg==\n*===\n"), err),
                   base_base64_malformed);
    buf_done(&out);
}

static void test_ceiling(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 5);
    assert_refused(base64_parse(&out, slice_from_text("Zm9vYmFy"), err), base_buffer_full);
    buf_reset(&out);
    base64_append(&out, slice_from_text("foo"));
    base64_append(&out, slice_from_text("bar"));
    assert_true(out.overflow);
    buf_done(&out);
}

/* Python's idea of all lengths up to 200, as "hex base64" lines. */
static void test_against_python(void **state)
{
    (void)state;
    FILE *python = popen("python3 -c 'import base64, random\n"
                         "random.seed(7)\n"
                         "for n in range(1, 201):\n"
                         "    b = random.randbytes(n)\n"
                         "    print(b.hex(), base64.b64encode(b).decode())'",
                         "r");
    assert_non_null(python);
    char hex[512], text[512];
    int lines = 0;
    for (; fscanf(python, "%511s %511s", hex, text) == 2; lines++) {
        uint8_t bytes[256];
        size_t size = strlen(hex) / 2;
        for (size_t i = 0; i < size; i++) {
            unsigned byte;
            assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
            bytes[i] = (uint8_t)byte;
        }
        encodes((const char *)bytes, size, text);
    }
    assert_int_equal(pclose(python), 0);
    assert_int_equal(lines, 200);
}

/* Each of the 256 bytes in each of the four places is valid exactly when it is in the alphabet. */
static void test_alphabet(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int place = 0; place < 4; place++) {
        for (int c = 0; c < 256; c++) {
            char text[9] = "AAAAAAAA";
            text[place] = (char)c;
            struct buf out;
            buf_init(&out, 6);
            bool valid = c != 0 && strchr(alphabet, c) != NULL;
            assert_int_equal(base64_parse(&out, slice_of(text, 8), NULL), valid);
            buf_done(&out);
        }
    }
}

/* The same inside of long texts, which are decoded block by block: it says what the group says when
 * it stands alone. */
static void test_alphabet_in_blocks(void **state)
{
    (void)state;
    char text[101];
    memset(text, 'Q', 100);
    struct buf whole, alone;
    buf_init(&whole, 75);
    buf_init(&alone, 3);
    for (int place = 0; place < 100; place++) {
        for (int c = 0; c < 256; c++) {
            text[place] = (char)c;
            buf_reset(&whole);
            buf_reset(&alone);
            int group = place / 4;
            bool last = group == 24; /* where '=' may stand */
            bool valid = base64_parse(&alone, slice_of(text + 4 * group, 4), NULL);
            assert_int_equal(base64_parse(&whole, slice_of(text, 100), NULL),
                             valid && (last || alone.size == 3));
            if (valid && (last || alone.size == 3))
                assert_memory_equal(whole.data + 3 * group, alone.data, alone.size);
        }
        text[place] = 'Q';
    }
    buf_done(&whole);
    buf_done(&alone);
}

/* Of all lengths: what is encoded in one piece is what its groups say one by one, on the heap, so
 * that a sanitizer sees one byte too many. */
static void test_encode_blocks(void **state)
{
    (void)state;
    struct buf whole, alone;
    buf_init(&whole, 400);
    buf_init(&alone, 400);
    for (size_t size = 0; size <= 300; size++) {
        uint8_t *exact = malloc(size > 0 ? size : 1);
        for (size_t i = 0; i < size; i++)
            exact[i] = (uint8_t)(i * 83 + size);
        buf_reset(&whole);
        buf_reset(&alone);
        base64_append(&whole, slice_of(exact, size));
        for (size_t i = 0; i < size; i += 3)
            base64_append(&alone, slice_of(exact + i, size - i < 3 ? size - i : 3));
        assert_string_equal(buf_text(&whole), buf_text(&alone));
        free(exact);
    }
    buf_done(&whole);
    buf_done(&alone);
}

static void test_spaced_blocks(void **state)
{
    (void)state;
    struct buf bytes, text, spaced, out;
    buf_init(&bytes, 150);
    buf_init(&text, 200);
    buf_init(&spaced, 203);
    buf_init(&out, 150);
    for (size_t i = 0; i < 149; i++)
        buf_append_u8(&bytes, (uint8_t)(i * 37));
    base64_append(&text, buf_slice(&bytes));
    for (size_t at = 0; at <= text.size; at++) {
        buf_reset(&spaced);
        buf_reset(&out);
        buf_append_bytes(&spaced, text.data, at);
        buf_append_text(&spaced, " \r\n");
        buf_append_bytes(&spaced, text.data + at, text.size - at);
        assert_ok(base64_parse_spaced(&out, buf_slice(&spaced), err));
        assert_int_equal(out.size, bytes.size);
        assert_memory_equal(out.data, bytes.data, bytes.size);
    }
    buf_done(&bytes);
    buf_done(&text);
    buf_done(&spaced);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_vectors),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_nul_is_foreign),     cmocka_unit_test(test_spaced),
        cmocka_unit_test(test_alphabet_in_blocks), cmocka_unit_test(test_spaced_blocks),
        cmocka_unit_test(test_encode_blocks),      cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_against_python),     cmocka_unit_test(test_alphabet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
