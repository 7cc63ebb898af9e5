/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity.h"

#include "../folder.h"

#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/file.h"
#include "crypto/errors.h"
#include "host/errors.h"

#define NOW 1800000000
#define HOUR 3600

static struct private_key *signing_key;
static struct certificate *issuer;
static char folder[FOLDER_SIZE];
static char state_folder[FOLDER_SIZE + 16], path[FOLDER_SIZE + 32];

static int make_signer(void **state)
{
    (void)state;
    assert_ok(private_key_generate(&signing_key, PRIVATE_KEY_RSA_2048, err));
    struct certificate_template template = {
        .subject_cn = "SIGNER",
        .subject_key = private_key_public(signing_key),
        .not_before = NOW,
        .not_after = NOW + 100 * HOUR,
        .usage = CERTIFICATE_KEY_CERT_SIGN,
        .authority = true,
    };
    struct signer signer = signer_of_key(signing_key);
    struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    assert_ok(certificate_issue(&der, &template, &signer, err));
    assert_ok(certificate_parse(&issuer, buf_slice(&der), err));
    buf_done(&der);
    return 0;
}

static int free_signer(void **state)
{
    (void)state;
    private_key_free(&signing_key);
    certificate_free(&issuer);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    folder_make(folder);
    snprintf(state_folder, sizeof state_folder, "%s/state", folder);
    snprintf(path, sizeof path, "%s/identity.pem", state_folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

/* A health certificate over key, valid from NOW for ten hours. */
static struct buf issue(const struct private_key *key, unsigned usage, bool health_policy)
{
    struct certificate_template template = {
        .subject_cn = "HOST",
        .subject_key = private_key_public(key),
        .issuer = issuer,
        .not_before = NOW,
        .not_after = NOW + 10 * HOUR,
        .usage = usage,
        .health_policy = health_policy,
    };
    struct signer signer = signer_of_key(signing_key);
    struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    assert_ok(certificate_issue(&der, &template, &signer, err));
    return der;
}

static struct private_key *new_key(void)
{
    struct private_key *key = NULL;
    assert_ok(private_key_generate(&key, PRIVATE_KEY_RSA_2048, err));
    return key;
}

static void make_identity(struct host_identity *identity)
{
    struct private_key *key = new_key();
    struct buf der = issue(key, CERTIFICATE_KEY_ENCIPHERMENT, true);
    assert_ok(host_identity_init(identity, &key, buf_slice(&der), NOW, err));
    assert_null(key);
    buf_done(&der);
}

static void takes_only_what_was_asked_for(void **state)
{
    (void)state;
    struct host_identity identity = {0};
    struct private_key *key = new_key();
    struct buf good = issue(key, CERTIFICATE_KEY_ENCIPHERMENT, true);
    struct buf signing = issue(key, CERTIFICATE_DIGITAL_SIGNATURE, true);
    struct buf other = issue(key, CERTIFICATE_KEY_ENCIPHERMENT, false);
    struct buf foreign = issue(signing_key, CERTIFICATE_KEY_ENCIPHERMENT, true);
    const struct {
        struct slice der;
        int64_t now;
        const struct error_code *code;
    } wrong[] = {
        {buf_slice(&signing), NOW, &host_certificate},
        {buf_slice(&other), NOW, &host_certificate},
        {buf_slice(&foreign), NOW, &host_certificate},
        {buf_slice(&good), NOW - 1, &host_clock},
        {buf_slice(&good), NOW + 10 * HOUR + 1, &host_clock},
        {slice_of(good.data, good.size - 1), NOW, &crypto_certificate_malformed},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(host_identity_init(&identity, &key, wrong[i].der, wrong[i].now, err),
                       *wrong[i].code);
        assert_non_null(key);
        assert_null(identity.key);
    }
    assert_ok(host_identity_init(&identity, &key, buf_slice(&good), NOW + 10 * HOUR, err));
    host_identity_done(&identity);
    buf_done(&good);
    buf_done(&signing);
    buf_done(&other);
    buf_done(&foreign);
}

static void is_renewed_before_it_expires(void **state)
{
    (void)state;
    struct host_identity identity = {0};
    make_identity(&identity);
    assert_false(host_identity_is_fresh(&identity, NOW - 1));
    assert_true(host_identity_is_fresh(&identity, NOW));
    assert_true(host_identity_is_fresh(&identity, NOW + 9 * HOUR));
    assert_false(host_identity_is_fresh(&identity, NOW + 9 * HOUR + 1));
    assert_false(host_identity_is_fresh(&identity, NOW + 11 * HOUR));
    host_identity_done(&identity);
}

static void is_kept_for_its_owner_alone(void **state)
{
    (void)state;
    struct host_identity identity = {0}, again = {0};
    bool found = true;
    assert_ok(host_identity_load(&again, &found, state_folder, err));
    assert_false(found);
    make_identity(&identity);
    assert_ok(host_identity_save(&identity, state_folder, err));
    assert_int_equal(mode_of(state_folder), 0700);
    assert_int_equal(mode_of(path), 0600);
    assert_ok(host_identity_load(&again, &found, state_folder, err));
    assert_true(found);
    assert_true(
        slice_equal(certificate_der(again.certificate), certificate_der(identity.certificate)));
    assert_true(slice_equal(public_key_spki(private_key_public(again.key)),
                            public_key_spki(private_key_public(identity.key))));
    host_identity_done(&again);
    assert_int_equal(chmod(path, 0644), 0);
    assert_refused(host_identity_load(&again, &found, state_folder, err), base_file_mode);
    assert_int_equal(chmod(state_folder, 0755), 0);
    assert_refused(host_identity_save(&identity, state_folder, err), base_file_mode);
    assert_int_equal(chmod(state_folder, 0700), 0);
    if (geteuid() == 0) { /* whoever owns the folder could put another key in this one's place */
        assert_int_equal(chown(state_folder, 12345, 12345), 0);
        assert_refused(host_identity_save(&identity, state_folder, err), base_file_mode);
    }
    host_identity_done(&identity);
}

static void refuses_damaged_ones(void **state)
{
    (void)state;
    struct host_identity identity = {0}, other = {0}, again = {0};
    bool found;
    make_identity(&identity);
    make_identity(&other);
    assert_ok(host_identity_save(&identity, state_folder, err));
    struct buf bytes;
    buf_init_secret(&bytes, 65536);
    assert_ok(file_read(&bytes, path, err));
    static const char *const cuts[] = {"-----BEGIN PRIVATE", "-----BEGIN CERT", "-----END CERT"};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        const char *at = strstr(buf_text(&bytes), cuts[i]);
        assert_non_null(at);
        assert_ok(
            file_replace(path, slice_of(bytes.data, (size_t)(at - buf_text(&bytes))), 0600, err));
        assert_refused(host_identity_load(&again, &found, state_folder, err),
                       host_identity_malformed);
    }
    /* one's key beside the other's certificate */
    struct host_identity mixed = {.key = identity.key, .certificate = other.certificate};
    assert_ok(host_identity_save(&mixed, state_folder, err));
    assert_refused(host_identity_load(&again, &found, state_folder, err), host_identity_malformed);
    buf_done(&bytes);
    host_identity_done(&identity);
    host_identity_done(&other);
}

/* In TPM mode: what the TPM needs to find the key again, beside the certificate. (The key at work
 * is tpm_key.c's.) */
static void is_kept_with_the_name_of_a_tpm_key(void **state)
{
    (void)state;
    struct host_identity identity = {0}, again = {0}, mixed = {0};
    struct private_key *key = new_key();
    struct buf der = issue(key, CERTIFICATE_KEY_ENCIPHERMENT, true);
    struct buf foreign = issue(signing_key, CERTIFICATE_KEY_ENCIPHERMENT, true);
    struct host_tpm_key tpm_key = {.selection = {DIGEST_SHA256, 0x9d}};
    bool found;
    buf_init(&tpm_key.context, HOST_TPM_KEY_MAX);
    buf_append_text(&tpm_key.context, "a saved context");
    memcpy(tpm_key.digest, public_key_digest(private_key_public(key)), sizeof tpm_key.digest);
    assert_refused(host_identity_init_tpm(&identity, &tpm_key, buf_slice(&foreign), NOW, err),
                   host_certificate);
    assert_ok(host_identity_init_tpm(&identity, &tpm_key, buf_slice(&der), NOW, err));
    assert_null(tpm_key.context.data);
    assert_ok(host_identity_save(&identity, state_folder, err));
    assert_int_equal(mode_of(path), 0600);
    assert_ok(host_identity_load(&again, &found, state_folder, err));
    assert_true(found);
    assert_null(again.key);
    assert_int_equal(again.tpm_key.selection.pcrs, 0x9d);
    assert_true(slice_equal(buf_slice(&again.tpm_key.context), slice_from_text("a saved context")));
    /* Without its TPM nothing opens. */
    struct secret plain = SECRET_EMPTY;
    assert_refused(host_identity_decrypt(&plain, &again, "device:/nonexistent",
                                         ENCRYPTION_RSA_OAEP_SHA256, slice_from_text("x"), err),
                   host_tpm_missing);
    assert_refused(host_identity_check(&again, "device:/nonexistent", err), host_tpm_missing);
    /* Its name beside another key's certificate. */
    make_identity(&mixed);
    struct host_identity wrong = {.tpm_key = again.tpm_key, .certificate = mixed.certificate};
    assert_ok(host_identity_save(&wrong, state_folder, err));
    assert_refused(host_identity_load(&identity, &found, state_folder, err),
                   host_identity_malformed);
    host_identity_done(&identity);
    host_identity_done(&again);
    host_identity_done(&mixed);
    private_key_free(&key);
    buf_done(&der);
    buf_done(&foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_only_what_was_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_renewed_before_it_expires, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_kept_for_its_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_damaged_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_kept_with_the_name_of_a_tpm_key, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, make_signer, free_signer);
}
