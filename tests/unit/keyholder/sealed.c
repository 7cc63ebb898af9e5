/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/sealed.h"

#include "../testing.h"
#include "crypto/aead.h"
#include "keyholder/purpose.h"

static const uint8_t sealing_key[32] = {1, 2, 3};
#define SEALING slice_of(sealing_key, sizeof sealing_key)

static struct private_key *audit_key;
static struct buf sealed;

static int make_sealed(void **state)
{
    (void)state;
    if (!private_key_generate(&audit_key, PRIVATE_KEY_P256, NULL))
        return -1;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    sealed_format(&sealed, SEALING, KEY_PURPOSE_AUDIT, audit_key);
    return 0;
}

static int free_sealed(void **state)
{
    (void)state;
    private_key_free(&audit_key);
    buf_done(&sealed);
    return 0;
}

static bool parse(struct slice bytes, struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    enum key_purpose purpose;
    return sealed_parse(&key, &purpose, SEALING, bytes, err);
}

static void it_comes_back_with_its_purpose(void **state)
{
    (void)state;
    _cleanup_private_key_ struct private_key *key = NULL;
    enum key_purpose purpose = 0;
    assert_ok(sealed_parse(&key, &purpose, SEALING, buf_slice(&sealed), err));
    assert_int_equal(purpose, KEY_PURPOSE_AUDIT);
    assert_memory_equal(public_key_digest(private_key_public(key)),
                        public_key_digest(private_key_public(audit_key)), KEY_ID_SIZE);
    assert_memory_equal(sealed.data, "HGS-KEY\n\1\0\0\0\5\0\0\0", 16);
    assert_memory_equal(sealed.data + 16, public_key_digest(private_key_public(audit_key)),
                        KEY_ID_SIZE);
}

static void the_largest_key_fits(void **state)
{
    (void)state;
    _cleanup_private_key_ struct private_key *key = NULL;
    assert_ok(private_key_generate(&key, PRIVATE_KEY_RSA_4096, err));
    _cleanup_buf_ struct buf large;
    buf_init(&large, KEYHOLDER_SEALED_MAX);
    sealed_format(&large, SEALING, KEY_PURPOSE_GUARDIAN_SIGNING, key);
    assert_ok(buf_ok(&large, "sealed", err));
    assert_true(large.size < KEYHOLDER_SEALED_MAX / 2);
    assert_ok(parse(buf_slice(&large), err));
}

static void every_cut_and_every_flipped_byte_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < sealed.size; size++)
        assert_refused(parse(slice_of(sealed.data, size), err), "keyholder.sealed");
    for (size_t at = 0; at < sealed.size; at++) {
        sealed.data[at] ^= 0x20;
        assert_refused(parse(buf_slice(&sealed), err), "keyholder.sealed");
        sealed.data[at] ^= 0x20;
    }
    buf_append_u8(&sealed, 0);
    assert_refused(parse(buf_slice(&sealed), err), "keyholder.sealed");
}

static void another_cluster_key_does_not_open_it(void **state)
{
    (void)state;
    static const uint8_t other[32] = {1, 2, 4};
    _cleanup_private_key_ struct private_key *key = NULL;
    enum key_purpose purpose;
    assert_refused(
        sealed_parse(&key, &purpose, slice_of(other, sizeof other), buf_slice(&sealed), err),
        "keyholder.sealed");
    assert_null(key);
}

/* A sealed form as only who has the sealing key can make it, with contents of our choice. */
static void forge(struct buf *out, unsigned version, unsigned purpose, const uint8_t *id,
                  struct slice plain)
{
    struct buf header;
    buf_init(&header, 48);
    buf_append_text(&header, "HGS-KEY\n");
    buf_append_u32_le(&header, version);
    buf_append_u32_le(&header, purpose);
    buf_append_bytes(&header, id, 32);
    buf_append(out, buf_slice(&header));
    aead_seal(out, SEALING, buf_slice(&header), plain);
    buf_done(&header);
}

static void refused_forgery(unsigned version, unsigned purpose, const uint8_t *id,
                            struct slice plain, const char *code)
{
    _cleanup_buf_ struct buf forged;
    buf_init(&forged, KEYHOLDER_SEALED_MAX);
    forge(&forged, version, purpose, id, plain);
    assert_refused(parse(buf_slice(&forged), err), code);
}

static void what_is_inside_is_checked_too(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret pkcs8 = SECRET_EMPTY;
    private_key_format(&pkcs8, audit_key);
    const uint8_t *id = public_key_digest(private_key_public(audit_key));
    struct slice plain = secret_slice(&pkcs8);
    static const uint8_t other_id[32] = {9};

    _cleanup_buf_ struct buf right;
    buf_init(&right, KEYHOLDER_SEALED_MAX);
    forge(&right, 1, KEY_PURPOSE_AUDIT, id, plain);
    assert_ok(parse(buf_slice(&right), err));

    refused_forgery(2, KEY_PURPOSE_AUDIT, id, plain, "keyholder.sealed");
    refused_forgery(0, KEY_PURPOSE_AUDIT, id, plain, "keyholder.sealed");
    refused_forgery(1, KEY_PURPOSE_AUDIT, other_id, plain, "keyholder.sealed");
    refused_forgery(1, KEY_PURPOSE_GUARDIAN_SIGNING, id, plain, "crypto.key-unsupported");
    refused_forgery(1, 6, id, plain, "crypto.key-unsupported");
    refused_forgery(1, 0xFFFFFFFF, id, plain, "crypto.key-unsupported");
    refused_forgery(1, KEY_PURPOSE_AUDIT, id, slice_of(plain.data, plain.size - 1),
                    "crypto.key-malformed");
    refused_forgery(1, KEY_PURPOSE_AUDIT, id, SLICE_EMPTY, "crypto.key-malformed");
}

static void purposes_have_names(void **state)
{
    (void)state;
    assert_string_equal(purpose_name(KEY_PURPOSE_AUDIT), "audit");
    assert_null(purpose_name(0));
    assert_null(purpose_name(KEY_PURPOSE_AUDIT + 1));
    assert_null(purpose_name((enum key_purpose) - 1));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_sealed, free_sealed)
    const struct CMUnitTest tests[] = {
        TEST(it_comes_back_with_its_purpose),
        TEST(the_largest_key_fits),
        TEST(every_cut_and_every_flipped_byte_is_refused),
        TEST(another_cluster_key_does_not_open_it),
        TEST(what_is_inside_is_checked_too),
        TEST(purposes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
