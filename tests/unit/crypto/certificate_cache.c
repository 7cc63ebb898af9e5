/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "crypto/certificate.h"
#include "tool.h"

#define CERTIFICATES 40

static struct buf ders[CERTIFICATES];

static int set_up(void **state)
{
    struct private_key *key = NULL;
    if (tool_set_up(state) != 0 || !private_key_generate(&key, PRIVATE_KEY_P256, NULL))
        return 1;
    struct signer signer = signer_of_key(key);
    struct certificate_template wanted = {
        .subject_cn = "cached", .subject_key = private_key_public(key), .not_after = 1};
    bool ok = true;
    for (int i = 0; i < CERTIFICATES; i++) {
        buf_init(&ders[i], CERTIFICATE_SIZE_MAX);
        ok = ok && certificate_issue(&ders[i], &wanted, &signer, NULL);
    }
    private_key_free(&key);
    return !ok;
}

static int tear_down(void **state)
{
    for (int i = 0; i < CERTIFICATES; i++)
        buf_done(&ders[i]);
    return tool_tear_down(state);
}

static struct certificate *get(struct cache *cache, int number)
{
    struct certificate *certificate = NULL;
    assert_ok(certificate_cache_parse(&certificate, cache, buf_slice(&ders[number]), err));
    assert_slice_equal(certificate_der(certificate), buf_slice(&ders[number]));
    return certificate;
}

/* Whether the cache still gives this very certificate. */
static bool gives(struct cache *cache, int number, const struct certificate *expected)
{
    struct certificate *certificate = get(cache, number);
    bool same = certificate == expected;
    certificate_free(&certificate);
    return same;
}

static void test_found_again(void **state)
{
    (void)state;
    static const size_t sizes[] = {64, 100, 1000, 100000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct cache *cache = certificate_cache_new(sizes[s]);
        struct certificate *first[CERTIFICATES];
        for (int i = 0; i < CERTIFICATES; i++)
            first[i] = get(cache, i);
        int kept = 0;
        for (int i = CERTIFICATES - 1; i >= 0; i--)
            kept += gives(cache, i, first[i]);
        /* Shards fill unevenly, so a few of a cache that is hardly larger may have gone. */
        assert_true(kept >= (s < 2 ? CERTIFICATES / 4 : CERTIFICATES));
        for (int i = 0; i < CERTIFICATES; i++)
            certificate_free(&first[i]);
        cache_free(&cache);
        assert_null(cache);
    }
    cache_free(NULL);
}

static void test_least_recently_used_goes(void **state)
{
    (void)state;
    struct cache *cache = certificate_cache_new(3);
    struct certificate *held[4];
    for (int i = 0; i < 3; i++)
        held[i] = get(cache, i);
    assert_true(gives(cache, 0, held[0])); /* now 1 is the oldest */
    held[3] = get(cache, 3);
    assert_true(gives(cache, 0, held[0]));
    assert_true(gives(cache, 2, held[2]));
    assert_true(gives(cache, 3, held[3]));
    assert_false(gives(cache, 1, held[1]));
    /* What was held lives on, and 0 had to make room for 1. */
    assert_slice_equal(certificate_der(held[1]), buf_slice(&ders[1]));
    assert_false(gives(cache, 0, held[0]));
    for (int i = 0; i < 4; i++)
        certificate_free(&held[i]);
    cache_free(&cache);
}

static void test_one_entry(void **state)
{
    (void)state;
    struct cache *cache = certificate_cache_new(1);
    for (int round = 0; round < 3; round++) {
        struct certificate *first = get(cache, 0);
        assert_true(gives(cache, 0, first));
        struct certificate *second = get(cache, 1);
        assert_true(gives(cache, 1, second));
        certificate_free(&first);
        certificate_free(&second);
    }
    cache_free(&cache);
}

static void test_refused(void **state)
{
    (void)state;
    struct cache *cache = certificate_cache_new(10);
    struct certificate *certificate = NULL;
    for (int round = 0; round < 2; round++)
        assert_refused(certificate_cache_parse(&certificate, cache,
                                               slice_of(ders[0].data, ders[0].size - 1), err),
                       "crypto.certificate-malformed");
    uint8_t *large = memory_allocate_zero(1, 1 << 20);
    assert_refused(certificate_cache_parse(&certificate, cache, slice_of(large, 1 << 20), err),
                   "crypto.certificate-malformed");
    free(large);
    assert_refused(certificate_cache_parse(&certificate, cache, SLICE_EMPTY, err),
                   "crypto.certificate-malformed");
    assert_null(certificate);
    cache_free(&cache);
}

static void *use_often(void *context)
{
    for (int i = 0; i < 2000; i++) {
        struct certificate *certificate = NULL;
        int number = i * 7 % CERTIFICATES;
        if (!certificate_cache_parse(&certificate, context, buf_slice(&ders[number]), NULL))
            return NULL;
        bool same = slice_equal(certificate_der(certificate), buf_slice(&ders[number]));
        certificate_free(&certificate);
        if (!same)
            return NULL;
    }
    return context;
}

static void test_threads(void **state)
{
    (void)state;
    static const size_t sizes[] = {5, 300};
    for (size_t s = 0; s < 2; s++) {
        struct cache *cache = certificate_cache_new(sizes[s]);
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, use_often, cache), 0);
        for (int i = 0; i < 4; i++) {
            void *result = NULL;
            pthread_join(threads[i], &result);
            assert_ptr_equal(result, cache);
        }
        cache_free(&cache);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_again), cmocka_unit_test(test_least_recently_used_goes),
        cmocka_unit_test(test_one_entry),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
