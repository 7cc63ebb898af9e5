/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <pthread.h>

#include "tool.h"

static const enum digest_algorithm algorithms[] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384,
                                                   DIGEST_SHA512};

static void test_against_python(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 127, 128, 1000};
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t a = 0; a < 4; a++) {
        const char *name = digest_name(algorithms[a]);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            tool_run("python3 -c 'import hashlib,hmac\n"
                     "b=bytes(i*7&255 for i in range(%zu))\n"
                     "k=bytes(range(200))\n"
                     "open(\"d\",\"wb\").write(hashlib.new(\"%s\",b).digest()\n"
                     "+hmac.new(b,k,\"%s\").digest())'",
                     sizes[i], name, name);
            struct buf expected;
            struct reader reader = reader_of(tool_read(&expected, "d"));
            struct digest digest;
            struct slice message = slice_of(bytes, sizes[i]);
            digest_compute(&digest, algorithms[a], message);
            assert_int_equal(digest.algorithm, algorithms[a]);
            assert_int_equal(digest.size, digest_size(algorithms[a]));
            assert_slice_equal(digest_slice(&digest), reader_bytes(&reader, digest.size));
            uint8_t text[200];
            for (size_t j = 0; j < sizeof text; j++)
                text[j] = (uint8_t)j;
            digest_hmac(&digest, algorithms[a], message, slice_of(text, sizeof text));
            assert_slice_equal(digest_slice(&digest), reader.rest);
            buf_done(&expected);
        }
    }
}

static void test_parts(void **state)
{
    (void)state;
    struct slice parts[] = {slice_from_text("one"), SLICE_EMPTY, slice_from_text("two")};
    struct digest in_parts, secret, whole;
    uint8_t plain[DIGEST_SHA256_SIZE];
    digest_compute_parts(&in_parts, DIGEST_SHA256, parts, 3);
    digest_secret_parts(&secret, DIGEST_SHA256, parts, 3);
    digest_compute(&whole, DIGEST_SHA256, slice_from_text("onetwo"));
    digest_sha256(plain, slice_from_text("onetwo"));
    assert_slice_equal(digest_slice(&in_parts), digest_slice(&whole));
    assert_slice_equal(digest_slice(&secret), digest_slice(&whole));
    assert_memory_equal(plain, whole.value, sizeof plain);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(digest_name(DIGEST_SHA384), "sha384");
    assert_null(digest_name((enum digest_algorithm)7));
    assert_int_equal(digest_size((enum digest_algorithm)7), 0);
}

static void *digest_often(void *context)
{
    struct digest first, again;
    digest_compute(&first, DIGEST_SHA512, slice_from_text("threads"));
    for (int i = 0; i < 1000; i++) {
        digest_compute(&again, algorithms[i % 4], slice_from_text("others"));
        digest_compute(&again, DIGEST_SHA512, slice_from_text("threads"));
        if (memcmp(first.value, again.value, first.size) != 0)
            return context;
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, digest_often, &threads), 0);
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_python),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
