/* SPDX-License-Identifier: Apache-2.0 */

/* Keys that are made, loaded and forgotten, and what the cluster key has to do with them. */

#include "keyholder_calls.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/memory.h"
#include "crypto/kdf.h"

static void only_loaded_keys_work_and_forgotten_ones_do_not(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    _cleanup_public_key_ struct public_key *key = NULL;
    assert_ok(keyholder_generate(running.keyholder, KEY_PURPOSE_ATTESTATION_SIGNER,
                                 PRIVATE_KEY_P256, &key, &sealed, err));
    does_not_sign(key, SIGNATURE_ECDSA_SHA256, "keyholder.key-unknown");
    does_not_decrypt(key, "keyholder.key-unknown");
    does_not_checkpoint(key, "keyholder.key-unknown");
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err));
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err));
    signs(key, SIGNATURE_ECDSA_SHA256);
    const uint8_t *id = public_key_digest(key);
    assert_ok(keyholder_forget(running.keyholder, id, err));
    does_not_sign(key, SIGNATURE_ECDSA_SHA256, "keyholder.key-unknown");
    assert_refused(keyholder_forget(running.keyholder, id, err), "keyholder.key-unknown");
}

/* Nobody sees a keyholder that was started again with half of its keys. */
static void a_held_keyholder_only_loads(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf sealed, signature;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&signature, 1024);
    struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, &sealed);
    const uint8_t *id = public_key_digest(key);
    keyholder_hold(running.keyholder, true);
    assert_false(keyholder_alive(running.keyholder));
    assert_refused(keyholder_sign(running.keyholder, id, SIGNATURE_RSA_PKCS1_SHA256, SLICE_EMPTY,
                                  &signature, err),
                   "keyholder.away");
    assert_ok(keyholder_forget(running.keyholder, id, err));
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err));
    keyholder_hold(running.keyholder, false);
    assert_true(keyholder_alive(running.keyholder));
    assert_ok(keyholder_sign(running.keyholder, id, SIGNATURE_RSA_PKCS1_SHA256, SLICE_EMPTY,
                             &signature, err));
    public_key_free(&key);
}

static void the_number_of_keys_is_limited(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    struct public_key *last = NULL;
    for (int i = 0; i < 256; i++) {
        public_key_free(&last);
        last = running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    }
    _cleanup_public_key_ struct public_key *key = NULL;
    assert_ok(keyholder_generate(running.keyholder, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &key,
                                 &sealed, err));
    assert_refused(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err),
                   "keyholder.limit");
    assert_ok(keyholder_forget(running.keyholder, public_key_digest(last), err));
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err));
    public_key_free(&last);
}

static void sealed_keys_of_another_cluster_are_refused(void **state)
{
    (void)state;
    struct running other;
    running_start(&other, 1);
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    struct public_key *key = running_key(&other, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &sealed);
    public_key_free(&key);
    running_stop(&other);
    assert_refused(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err),
                   "keyholder.sealed");
    assert_refused(keyholder_load(running.keyholder, SLICE_EMPTY, NULL, err), "keyholder.sealed");
    uint8_t large[KEYHOLDER_SEALED_MAX + 1] = {0};
    assert_refused(keyholder_load(running.keyholder, slice_of(large, sizeof large), NULL, err),
                   "keyholder.sealed");
}

static void no_ciphertext_is_too_strange(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    static const size_t sizes[] = {0, 1, 255, 256, 257, 1024, 1025, 60000};
    _cleanup_free_ uint8_t *bytes = memory_allocate_zero(1, 60000);
    memset(bytes, 0xFF, 60000);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        assert_refused(keyholder_decrypt(running.keyholder, public_key_digest(key),
                                         ENCRYPTION_RSA_OAEP_SHA256, slice_of(bytes, sizes[i]),
                                         &plain, err),
                       "crypto.decryption-failed");
    }
}

static void derive(uint64_t epoch, struct secret *out)
{
    assert_ok(keyholder_derive(running.keyholder, KEYHOLDER_LABEL_RTPM, epoch, out, err));
    assert_int_equal(out->size, KEYHOLDER_DERIVED_SIZE);
}

/* RFC 5869 over cluster.key, done here from the file. */
static void a_derived_key_is_the_clusters(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret first = SECRET_EMPTY, again = SECRET_EMPTY, other = SECRET_EMPTY;
    _cleanup_secret_ struct secret extracted = SECRET_EMPTY, expected = SECRET_EMPTY;
    _cleanup_buf_ struct buf text, key;
    char path[128];
    buf_init(&text, 4096);
    buf_init(&key, CLUSTER_KEY_SIZE);
    derive(0x0102, &first);
    derive(0x0102, &again);
    derive(0x0103, &other);
    assert_true(secret_equal(secret_slice(&first), secret_slice(&again)));
    assert_false(secret_equal(secret_slice(&first), secret_slice(&other)));
    snprintf(path, sizeof path, "%s/%s", running.folder, CLUSTER_KEY_FILE);
    assert_ok(file_read(&text, path, err));
    struct slice digits = {text.data + text.size - 65, 64};
    assert_ok(hex_parse(&key, digits, err));
    kdf_hkdf_extract(&extracted, SLICE_EMPTY, buf_slice(&key));
    kdf_hkdf_expand(&expected, secret_slice(&extracted),
                    slice_of("HGS-RTPM-SEAL-1\x02\x01\0\0\0\0\0\0", 23), 32);
    assert_true(secret_equal(secret_slice(&first), secret_slice(&expected)));
    keyholder_hold(running.keyholder, true);
    assert_refused(
        keyholder_derive(running.keyholder, KEYHOLDER_LABEL_RTPM, 1, &(struct secret){0}, err),
        "keyholder.away");
    keyholder_hold(running.keyholder, false);
}

static void a_signer_signs(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    struct keyholder_key reference = {running.keyholder, key};
    struct signer signer = keyholder_signer(&reference);
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(signer.sign(signer.context, SIGNATURE_RSA_PKCS1_SHA256, MESSAGE, &signature, err));
    assert_ok(public_key_verify(signer.public_key, SIGNATURE_RSA_PKCS1_SHA256, MESSAGE,
                                buf_slice(&signature), err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYHOLDER_TEST(only_loaded_keys_work_and_forgotten_ones_do_not),
        KEYHOLDER_TEST(a_held_keyholder_only_loads),
        KEYHOLDER_TEST(the_number_of_keys_is_limited),
        KEYHOLDER_TEST(sealed_keys_of_another_cluster_are_refused),
        KEYHOLDER_TEST(no_ciphertext_is_too_strange),
        KEYHOLDER_TEST(a_derived_key_is_the_clusters),
        KEYHOLDER_TEST(a_signer_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
