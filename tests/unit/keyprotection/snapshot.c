/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: what the store says, changed step by step, failing closed. */
#include "world.h"

static struct keyprotection_snapshot *changed(struct keyprotection_snapshot **from,
                                              enum store_kind kind, const char *key,
                                              struct slice value, bool removal)
{
    struct store_change change = {.kind = kind, .key = key, .value = value, .remove = removal};
    struct keyprotection_snapshot *next = keyprotection_snapshot_next(*from, &change, 1);
    keyprotection_snapshot_release(from);
    return next;
}

static void the_store_is_loaded(void **state)
{
    (void)state;
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *it = load_snapshot();
    assert_int_equal(it->certificate_count, 2);
    assert_int_equal(it->signer_count, 1);
    assert_true(it->deny_all_before == HEALTH_DENY_NOTHING);
    assert_true(it->signers[0].deny_before == HEALTH_DENY_NOTHING);
    assert_null(it->problem.code);
    assert_non_null(keyprotection_snapshot_primary(it, KEYPROTECTION_SIGNING));
    assert_null(keyprotection_snapshot_primary(it, KEYPROTECTION_COMMUNICATIONS));
    assert_null(keyprotection_snapshot_certificate(it, KEYPROTECTION_SIGNING, 1));
    assert_null(keyprotection_snapshot_certificate(it, KEYPROTECTION_COMMUNICATIONS, 0));
}

static void a_signer_comes_and_goes(void **state)
{
    (void)state;
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *it = load_snapshot();
    _cleanup_buf_ struct buf value;
    format_signer_record(&value, world.owner.signing, NOW);
    it = changed(&it, STORE_TRUSTED_SIGNER, "aa", buf_slice(&value), false);
    assert_int_equal(it->signer_count, 2);
    assert_int_equal(it->signers[1].deny_before, NOW);
    it = changed(&it, STORE_TRUSTED_SIGNER, "aa", buf_slice(&value), false);
    assert_int_equal(it->signer_count, 2);
    /* The same key in another kind is another record. */
    it = changed(&it, STORE_ATTESTATION_SIGNER, "aa", SLICE_EMPTY, true);
    assert_int_equal(it->signer_count, 2);
    it = changed(&it, STORE_TRUSTED_SIGNER, "aa", SLICE_EMPTY, true);
    assert_int_equal(it->signer_count, 1);
}

/* The signer of unprotected signing keys is listed beside the others, and not trusted here. */
static void only_signers_of_health_certificates_are_trusted(void **state)
{
    (void)state;
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *it = load_snapshot();
    static const struct {
        const char *use;
        size_t signers;
    } cases[] = {{"health", 2}, {"unprotected", 1}, {"", 1}, {"Health", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _cleanup_buf_ struct buf value;
        struct json_writer writer;
        buf_init(&value, STORE_VALUE_MAX);
        json_writer_init(&writer, &value);
        json_write_object(&writer, NULL);
        json_write_base64(&writer, "certificate", certificate_der(world.owner.signing));
        json_write_text(&writer, "use", cases[i].use);
        json_write_object_end(&writer);
        it = changed(&it, STORE_ATTESTATION_SIGNER, "aa", buf_slice(&value), false);
        assert_int_equal(it->signer_count, cases[i].signers);
        assert_null(it->problem.code);
    }
    it = changed(&it, STORE_ATTESTATION_SIGNER, "aa", slice_from_text("{\"use\":7}"), false);
    assert_int_equal(it->signer_count, 1);
    assert_ptr_equal(it->problem.code, &keyprotection_record);
}

static void all_signers_can_be_denied(void **state)
{
    (void)state;
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *it = load_snapshot();
    it = changed(&it, STORE_TRUSTED_SIGNER, "all", slice_from_text("{\"deny_before\":77}"), false);
    assert_int_equal(it->deny_all_before, 77);
    assert_int_equal(it->signer_count, 1);
    it = changed(&it, STORE_TRUSTED_SIGNER, "all", slice_from_text("{\"deny\":77}"), false);
    assert_true(it->deny_all_before == INT64_MAX);
    assert_ptr_equal(it->problem.code, &keyprotection_record);
    it = changed(&it, STORE_TRUSTED_SIGNER, "all", SLICE_EMPTY, true);
    assert_true(it->deny_all_before == HEALTH_DENY_NOTHING);
    assert_null(it->problem.code);
}

static void an_unreadable_record_counts_as_absent(void **state)
{
    (void)state;
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *it = load_snapshot();
    char key[65];
    hex_format(slice_of(certificate_facts(world.signer)->thumbprint, 32), key);
    it = changed(&it, STORE_ATTESTATION_SIGNER, key, slice_from_text("{}"), false);
    assert_int_equal(it->signer_count, 0);
    assert_ptr_equal(it->problem.code, &keyprotection_record);
    assert_string_equal(it->problem.object, key);
    it = changed(&it, STORE_CERTIFICATE, "signing/00", slice_from_text("{}"), false);
    assert_int_equal(it->certificate_count, 2);
    _cleanup_buf_ struct buf value;
    format_signer_record(&value, world.signer, 0);
    it = changed(&it, STORE_ATTESTATION_SIGNER, key, buf_slice(&value), false);
    assert_int_equal(it->signer_count, 1);
    assert_null(it->problem.code);
}

static void the_order_of_changes_counts(void **state)
{
    (void)state;
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *it = load_snapshot();
    struct store_change changes[] = {
        {.kind = STORE_SETTING,
         .key = KEYPROTECTION_SETTING,
         .value = slice_from_text("{\"max_offline_unwraps\":3}")},
        {.kind = STORE_SETTING, .key = "other", .value = slice_from_text("x")},
        {.kind = STORE_HOST, .key = "h1", .value = slice_from_text("x")},
        {.kind = STORE_SETTING,
         .key = KEYPROTECTION_SETTING,
         .value = slice_from_text("{\"max_offline_unwraps\":4}")},
    };
    struct keyprotection_snapshot *next = keyprotection_snapshot_next(it, changes, 4);
    assert_int_equal(next->max_offline_unwraps, 4);
    assert_null(next->problem.code);
    assert_int_equal(it->max_offline_unwraps, 0);
    keyprotection_snapshot_release(&next);
    assert_false(keyprotection_snapshot_concerns(STORE_HOST, "h1"));
    assert_false(keyprotection_snapshot_concerns(STORE_SETTING, "other"));
    assert_true(keyprotection_snapshot_concerns(STORE_TRUSTED_SIGNER, "x"));
}

static void the_primary_comes_first(void **state)
{
    (void)state;
    put_certificate(KEYPROTECTION_SIGNING, world.owner.signing, true, true);
    put_certificate(KEYPROTECTION_SIGNING, world.service.guardian.signing, false, true);
    _cleanup_keyprotection_snapshot_ struct keyprotection_snapshot *it = load_snapshot();
    const struct keyprotection_certificate *first =
        keyprotection_snapshot_certificate(it, KEYPROTECTION_SIGNING, 0);
    const struct keyprotection_certificate *second =
        keyprotection_snapshot_certificate(it, KEYPROTECTION_SIGNING, 1);
    assert_memory_equal(first->key_id, public_key_digest(certificate_key(world.owner.signing)), 32);
    assert_memory_equal(second->key_id, public_key_digest(world.service.signing_key), 32);
    assert_null(keyprotection_snapshot_certificate(it, KEYPROTECTION_SIGNING, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_is_loaded),
        cmocka_unit_test(a_signer_comes_and_goes),
        cmocka_unit_test(only_signers_of_health_certificates_are_trusted),
        cmocka_unit_test(all_signers_can_be_denied),
        cmocka_unit_test(an_unreadable_record_counts_as_absent),
        cmocka_unit_test(the_order_of_changes_counts),
        cmocka_unit_test(the_primary_comes_first),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
