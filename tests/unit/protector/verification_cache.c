/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of verifications: bounded, and never a yes to what was not asked before. */
#include "fixture.h"

#include "crypto/random.h"

static void what_is_added_is_there(void **state)
{
    (void)state;
    _cleanup_verification_cache_ struct verification_cache *cache = verification_cache_new(1);
    uint8_t name[32] = {1}, other[32] = {2};
    assert_false(verification_cache_has(cache, name));
    verification_cache_add(cache, name);
    verification_cache_add(cache, name);
    assert_true(verification_cache_has(cache, name));
    assert_false(verification_cache_has(cache, other));
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    _cleanup_verification_cache_ struct verification_cache *cache = verification_cache_new(8);
    uint8_t names[9][32];
    random_bytes(names, sizeof names);
    for (size_t i = 0; i < 9; i++)
        verification_cache_add(cache, names[i]);
    assert_false(verification_cache_has(cache, names[0]));
    for (size_t i = 1; i < 9; i++)
        assert_true(verification_cache_has(cache, names[i]));
}

static void each_part_counts(void **state)
{
    (void)state;
    _cleanup_verification_cache_ struct verification_cache *cache = verification_cache_new(64);
    const struct public_key *key = certificate_key(owner.signing);
    struct slice message = slice_from_text("message");
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    struct signer signer = signer_of_key(owner.signing_key);
    assert_ok(signer.sign(signer.context, SIGNATURE_RSA_PKCS1_SHA256, message, &signature, err));
    struct slice value = buf_slice(&signature);
    for (int i = 0; i < 2; i++) {
        assert_ok(
            verification_cache_verify(cache, key, SIGNATURE_RSA_PKCS1_SHA256, message, value, err));
        assert_false(verification_cache_verify(cache, certificate_key(service.signing),
                                               SIGNATURE_RSA_PKCS1_SHA256, message, value, NULL));
        assert_false(verification_cache_verify(cache, key, SIGNATURE_RSA_PKCS1_SHA384, message,
                                               value, NULL));
        assert_false(verification_cache_verify(cache, key, SIGNATURE_RSA_PKCS1_SHA256,
                                               slice_from_text("messages"), value, NULL));
        assert_false(verification_cache_verify(cache, key, SIGNATURE_RSA_PKCS1_SHA256, message,
                                               slice_of(value.data, value.size - 1), NULL));
    }
    assert_ok(
        verification_cache_verify(NULL, key, SIGNATURE_RSA_PKCS1_SHA256, message, value, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_there),
        cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(each_part_counts),
    };
    return cmocka_run_group_tests(tests, make_guardians, free_guardians);
}
