/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tpm_key.h"

#include "tpm_fixture.h"

#include "crypto/errors.h"

#define BOOT_PCRS 0x0000009Du /* 0, 2, 3, 4, 7 */

static struct public_key *public_half;
static struct host_tpm_key key;

/* A key bound to BOOT_PCRS, saved, and no longer loaded: as between two unlocks. */
static int make_key(void **state)
{
    (void)state;
    uint32_t handle = make_identity_key(&public_half, BOOT_PCRS);
    struct tpm_pcr_selection selection = {DIGEST_SHA256, BOOT_PCRS};
    assert_ok(host_tpm_key_save(&key, device, handle, public_half, selection, err));
    flush(handle);
    assert_empty();
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    public_key_free(&public_half);
    host_tpm_key_done(&key);
    assert_empty();
    return 0;
}

static struct buf encrypt(enum encryption_algorithm algorithm, const char *text)
{
    struct buf out;
    buf_init(&out, 1024);
    assert_ok(public_key_encrypt(&out, public_half, algorithm, slice_from_text(text), err));
    return out;
}

static void assert_opens(enum encryption_algorithm algorithm)
{
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    _cleanup_buf_ struct buf ciphertext = encrypt(algorithm, "transfer key");
    assert_ok(host_tpm_key_decrypt(&plain, &key, device, algorithm, buf_slice(&ciphertext), err));
    assert_true(slice_equals_text(secret_slice(&plain), "transfer key"));
}

static void opens_what_was_encrypted_to_it(void **state)
{
    (void)state;
    assert_ok(host_tpm_key_check(&key, device, err));
    assert_opens(ENCRYPTION_RSA_OAEP_SHA256);
    assert_opens(ENCRYPTION_RSA_OAEP_SHA1);
    assert_opens(ENCRYPTION_RSA_OAEP_SHA256); /* a saved context serves again and again */
    assert_empty();
}

static void opens_nothing_else(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    _cleanup_buf_ struct buf good = encrypt(ENCRYPTION_RSA_OAEP_SHA256, "transfer key");
    uint8_t noise[600];
    memset(noise, 0x11, sizeof noise);
    const struct slice wrong[] = {slice_of(noise, 256), slice_of(noise, 10), slice_of(noise, 600),
                                  SLICE_EMPTY};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused(
            host_tpm_key_decrypt(&plain, &key, device, ENCRYPTION_RSA_OAEP_SHA256, wrong[i], err),
            crypto_decryption_failed);
    assert_refused(
        host_tpm_key_decrypt(&plain, &key, device, ENCRYPTION_RSA_OAEP_SHA1, buf_slice(&good), err),
        crypto_decryption_failed);
    assert_refused(host_tpm_key_decrypt(&plain, &key, device, (enum encryption_algorithm)9,
                                        buf_slice(&good), err),
                   crypto_key_unsupported);
    assert_empty();
}

static void is_lost_when_a_pcr_changes(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    _cleanup_buf_ struct buf ciphertext = encrypt(ENCRYPTION_RSA_OAEP_SHA256, "transfer key");
    tpm_extend(9); /* none of those that were attested */
    assert_opens(ENCRYPTION_RSA_OAEP_SHA256);
    tpm_extend(4);
    assert_refused(host_tpm_key_check(&key, device, err), host_tpm_key_locked);
    assert_refused(host_tpm_key_decrypt(&plain, &key, device, ENCRYPTION_RSA_OAEP_SHA256,
                                        buf_slice(&ciphertext), err),
                   host_tpm_key_locked);
    assert_null(plain.data);
    assert_empty();
}

static void is_lost_when_the_machine_starts_anew(void **state)
{
    (void)state;
    tpm_reset();
    assert_refused(host_tpm_key_check(&key, device, err), host_tpm_key_gone);
    assert_empty();
}

static void has_a_kept_form(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf form;
    _cleanup_host_tpm_key_ struct host_tpm_key again = {0};
    buf_init(&form, HOST_TPM_KEY_MAX);
    host_tpm_key_format(&form, &key);
    assert_ok(host_tpm_key_parse(&again, buf_slice(&form), err));
    assert_int_equal(again.selection.pcrs, BOOT_PCRS);
    assert_memory_equal(again.digest, public_key_digest(public_half), sizeof again.digest);
    assert_ok(host_tpm_key_check(&again, device, err));
    for (size_t size = 0; size < form.size; size++) {
        struct host_tpm_key cut = {0};
        assert_refused(host_tpm_key_parse(&cut, slice_of(form.data, size), err),
                       host_identity_malformed);
    }
}

/* Each with one byte of the form changed: version, bank, registers. */
static void refuses_a_form_that_is_none(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 2}, {4, 0x04}, {9, 1}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        _cleanup_buf_ struct buf form;
        struct host_tpm_key parsed = {0};
        buf_init(&form, HOST_TPM_KEY_MAX);
        host_tpm_key_format(&form, &key);
        form.data[changes[i].at] = changes[i].value;
        assert_refused(host_tpm_key_parse(&parsed, buf_slice(&form), err), host_identity_malformed);
    }
    _cleanup_buf_ struct buf longer;
    struct host_tpm_key parsed = {0};
    buf_init(&longer, HOST_TPM_KEY_MAX);
    host_tpm_key_format(&longer, &key);
    buf_append_u8(&longer, 0);
    assert_refused(host_tpm_key_parse(&parsed, buf_slice(&longer), err), host_identity_malformed);
}

/* Bytes that look like a saved context and are none: the TPM's word counts. */
static void refuses_a_context_of_another_tpm(void **state)
{
    (void)state;
    key.context.data[key.context.size / 2] ^= 1;
    struct error err = {0};
    assert_false(host_tpm_key_check(&key, device, &err));
    assert_true(err.code == &host_tpm_key_gone || err.code == &host_identity_malformed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_what_was_encrypted_to_it, make_key, free_key),
        cmocka_unit_test_setup_teardown(opens_nothing_else, make_key, free_key),
        cmocka_unit_test_setup_teardown(is_lost_when_a_pcr_changes, make_key, free_key),
        cmocka_unit_test_setup_teardown(is_lost_when_the_machine_starts_anew, make_key, free_key),
        cmocka_unit_test_setup_teardown(has_a_kept_form, make_key, free_key),
        cmocka_unit_test_setup_teardown(refuses_a_form_that_is_none, make_key, free_key),
        cmocka_unit_test_setup_teardown(refuses_a_context_of_another_tpm, make_key, free_key),
    };
    return cmocka_run_group_tests(tests, tpm_set_up, tpm_tear_down);
}
