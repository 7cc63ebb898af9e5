/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "bootimage/errors.h"
#include "policy/code_integrity_record.h"

static void write(struct buf *out, const struct policy_ci *ci)
{
    struct json_writer writer;
    buf_init(out, POLICY_RECORD_MAX);
    json_writer_init(&writer, out);
    code_integrity_write(&writer, NULL, ci);
    assert_ok(buf_ok(out, "ci", err));
}

static bool read(struct policy_ci *out, const char *text, struct error *err)
{
    _cleanup_json_ struct json *document = NULL;
    return json_parse(&document, slice_from_text(text), err) &&
           code_integrity_read(out, document, err);
}

/* Written, read and written again it is the same. Frees ci. */
static void assert_round(struct policy_ci *ci)
{
    _cleanup_buf_ struct buf first, second;
    struct policy_ci again;
    write(&first, ci);
    assert_ok(read(&again, buf_text(&first), err));
    assert_int_equal(again.form, ci->form);
    write(&second, &again);
    assert_string_equal(buf_text(&first), buf_text(&second));
    code_integrity_done(ci);
    code_integrity_done(&again);
}

static void test_rounds(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf image, addon, windows, plain;
    struct policy_ci ci;
    vector_read(&image, "bootimage", "stub-257.efi");
    vector_read(&addon, "bootimage", "quiet.addon.efi");
    vector_read(&windows, "bootimage", "signed.p7b");
    vector_read(&plain, "bootimage", "pe32plus.efi");
    assert_ok(code_integrity_take_unified(&ci, buf_slice(&image), err));
    assert_ok(code_integrity_allow_addon(&ci, buf_slice(&addon), err));
    assert_round(&ci);
    assert_ok(code_integrity_take_windows(&ci, buf_slice(&windows), NULL, err));
    assert_round(&ci);
    assert_ok(code_integrity_take_kernel(&ci, buf_slice(&plain), "quiet", err));
    assert_round(&ci);
    assert_ok(code_integrity_take_kernel(&ci, slice_from_text("k"), "quiet", err));
    assert_round(&ci);
    assert_ok(code_integrity_take_ima(&ci, slice_from_text("rules"), err));
    assert_round(&ci);
    assert_string_equal(code_integrity_form_name(POLICY_CI_UNIFIED_KERNEL), "unified-kernel");
}

/* Puts with instead of what into the record of the vector's image. */
static bool read_changed(const char *what, const char *with, struct error *error)
{
    _cleanup_buf_ struct buf image, text, changed;
    struct policy_ci ci;
    vector_read(&image, "bootimage", "stub-252.efi");
    assert_ok(code_integrity_take_unified(&ci, buf_slice(&image), err));
    write(&text, &ci);
    code_integrity_done(&ci);
    const char *at = strstr(buf_text(&text), what);
    assert_non_null(at);
    buf_init(&changed, POLICY_RECORD_MAX);
    buf_append_bytes(&changed, text.data, (size_t)(at - buf_text(&text)));
    buf_append_text(&changed, with);
    buf_append_text(&changed, at + strlen(what));
    bool good = read(&ci, buf_text(&changed), error);
    if (good)
        code_integrity_done(&ci);
    return good;
}

static void test_refuses(void **state)
{
    (void)state;
    struct policy_ci ci;
    assert_ok(read_changed("quiet", "quieter", err));
    assert_refused(read_changed("unified-kernel", "unified", err), &policy_record_malformed);
    assert_refused(read_changed("\"stub_version\":252", "\"stub_version\":-1", err),
                   &policy_record_malformed);
    assert_refused(read_changed("\".osrel\"", "\".osrelease\"", err), &policy_record_malformed);
    assert_refused(read_changed("\"image\":{", "\"image\":{\"sha256\":\"\",\"x\":\"", err),
                   &base_json_malformed);
    assert_refused(read_changed("\"additions\":[]", "\"additions\":[{}]", err),
                   &base_json_malformed);
    assert_refused(read_changed("\"additions\":[]", "\"additionally\":[]", err),
                   &base_json_malformed);
    assert_refused(read(&ci, "{\"form\":\"windows\",\"candidates\":[]}", err),
                   &policy_record_malformed);
    assert_refused(read(&ci, "{\"form\":\"windows\",\"candidates\":[{}]}", err),
                   &base_json_malformed);
    assert_refused(read(&ci, "{\"form\":\"ima\",\"file\":{\"sha256\":\"00\"}}", err),
                   &bootimage_digest_size);
    assert_refused(read(&ci, "{\"form\":\"kernel\"}", err), &base_json_malformed);
    assert_refused(read(&ci, "{}", err), &base_json_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
