/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and chains: documents that are well formed and signed, but say what must not be
 * believed. */
#include "fixture.h"

#include "crypto/random.h"

#define MAX 8

/* Wrappings to write, with signatures made by hand. */
struct forge {
    struct protector_wrapping items[MAX];
    size_t count;
    struct buf signatures[MAX * 2];
    size_t signature_count;
    struct secret key;
    const struct guardian *signed_by;
    uint32_t signer_id;
};

static struct slice forge_signature(struct forge *forge, const struct guardian *by,
                                    enum signature_algorithm algorithm,
                                    const struct certificate *certificate)
{
    struct buf *out = &forge->signatures[forge->signature_count++];
    buf_init(out, 1024);
    struct signer signer = signer_of_key(by->signing_key);
    assert_ok(signer.sign(signer.context, algorithm, certificate_der(certificate), out, err));
    return buf_slice(out);
}

/* A wrapping of guardian, its signing certificate signed by `by`. */
static struct protector_wrapping *forge_add(struct forge *forge, uint32_t id,
                                            const struct guardian *guardian, uint32_t parent,
                                            const struct guardian *by,
                                            enum signature_algorithm algorithm)
{
    struct protector_wrapping *it = &forge->items[forge->count++];
    *it = (struct protector_wrapping){
        .id = id,
        .parent = parent,
        .signing_certificate = guardian->signing,
        .signing_certificate_signature = {algorithm,
                                          forge_signature(forge, by, algorithm, guardian->signing)},
        .encryption_certificate = guardian->encryption,
        .encryption_certificate_signature = {algorithm, forge_signature(forge, guardian, algorithm,
                                                                        guardian->encryption)},
        .transport_key_algorithm = ENCRYPTION_RSA_OAEP_SHA256,
    };
    return it;
}

static void forge_init(struct forge *forge)
{
    *forge = (struct forge){.signed_by = &owner, .signer_id = 1};
    secret_init(&forge->key, 32);
    random_bytes(forge->key.data, 32);
}

static void forge_done(struct forge *forge)
{
    for (size_t i = 0; i < forge->signature_count; i++)
        buf_done(&forge->signatures[i]);
    secret_done(&forge->key);
}

static struct protector *forge_protector(const struct forge *forge)
{
    _cleanup_buf_ struct buf document;
    buf_init(&document, PROTECTOR_SIZE_MAX);
    struct signer signer = signer_of_key(forge->signed_by->signing_key);
    struct protector_draft draft = {
        .wrappings = forge->items,
        .count = forge->count,
        .transport_key = secret_slice(&forge->key),
        .signer_id = forge->signer_id,
        .signer = &signer,
    };
    assert_ok(protector_write(&document, &draft, err));
    return parse_good(buf_slice(&document));
}

static void expect_verdict(struct forge *forge, const struct error_code *code)
{
    _cleanup_protector_ struct protector *protector = forge_protector(forge);
    if (code)
        assert_refused(protector_verify(protector, err), code);
    else
        assert_ok(protector_verify(protector, err));
    forge_done(forge);
}

#define PKCS1 SIGNATURE_RSA_PKCS1_SHA256

static void chains_that_lead_to_the_owner_verify(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    /* A guardian may vouch for another, and the owner need not stand first. */
    forge_add(&forge, 30, &stranger, 20, &service, PKCS1);
    forge_add(&forge, 20, &service, 1, &owner, PKCS1);
    forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    expect_verdict(&forge, NULL);
}

static void every_signature_algorithm_verifies(void **state)
{
    (void)state;
    static const enum signature_algorithm algorithms[] = {
        SIGNATURE_RSA_PKCS1_SHA256, SIGNATURE_RSA_PKCS1_SHA384, SIGNATURE_RSA_PKCS1_SHA512,
        SIGNATURE_RSA_PSS_SHA256};
    for (size_t i = 0; i < 4; i++) {
        struct forge forge;
        forge_init(&forge);
        forge_add(&forge, 1, &owner, 1, &owner, algorithms[i]);
        expect_verdict(&forge, NULL);
    }
}

static void two_owners_are_refused(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    forge_add(&forge, 2, &service, 2, &service, PKCS1);
    expect_verdict(&forge, &protector_chain);
}

static void no_owner_is_refused(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    forge_add(&forge, 1, &owner, 2, &service, PKCS1);
    forge_add(&forge, 2, &service, 1, &owner, PKCS1);
    expect_verdict(&forge, &protector_chain);
}

static void a_loop_is_refused(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    forge_add(&forge, 2, &service, 3, &stranger, PKCS1);
    forge_add(&forge, 3, &stranger, 2, &service, PKCS1);
    expect_verdict(&forge, &protector_chain);
}

static void a_missing_parent_is_refused(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    forge_add(&forge, 2, &service, 7, &owner, PKCS1);
    expect_verdict(&forge, &protector_chain);
}

static void another_parents_signature_is_refused(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    forge_add(&forge, 2, &service, 1, &stranger, PKCS1);
    expect_verdict(&forge, &protector_wrapping_invalid);
}

static void an_encryption_certificate_that_is_not_vouched_for_is_refused(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    struct protector_wrapping *it = forge_add(&forge, 2, &service, 1, &owner, PKCS1);
    it->encryption_certificate = stranger.encryption;
    expect_verdict(&forge, &protector_wrapping_invalid);
}

static void a_signature_under_another_algorithms_name_is_refused(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    struct protector_wrapping *it = forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    it->signing_certificate_signature.algorithm = SIGNATURE_RSA_PKCS1_SHA384;
    expect_verdict(&forge, &protector_wrapping_invalid);
}

static void a_guardian_signature_by_another_wrapping_is_refused(void **state)
{
    (void)state;
    struct forge forge;
    forge_init(&forge);
    forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    forge_add(&forge, 2, &service, 1, &owner, PKCS1);
    forge.signed_by = &service;
    forge.signer_id = 1;
    expect_verdict(&forge, &protector_signature);
}

/* Any change inside Wrappings, of white space too, is seen by the guardian signature. */
static void changed_wrappings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } edits[] = {
        {"<Id>2</Id>", "<Id>3</Id>"},
        {"</Wrapping>", "</Wrapping>\n"},
        {"<CipherValue>", "<CipherValue> "},
        {"ParentWrappingId=\"1\"", "ParentWrappingId=\"2\""},
    };
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    make_protector(&document, &key);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        _cleanup_free_ char *text = edited(buf_text(&document), edits[i].from, edits[i].to);
        _cleanup_protector_ struct protector *protector = parse_good(slice_from_text(text));
        assert_refused(protector_verify(protector, err), &protector_signature);
        assert_refused(protector_verify_transport_key(protector, secret_slice(&key), err),
                       &protector_opaque);
    }
}

/* What does not change the canonical form changes nothing. */
static void another_way_to_write_the_same_verifies(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    make_protector(&document, &key);
    _cleanup_free_ char *undeclared =
        edited(buf_text(&document),
               "<Wrappings xmlns=\"http://schemas.microsoft.com/kps/2014/07\">", "<Wrappings\n>");
    _cleanup_free_ char *text =
        edited(undeclared, "xmlenc#sha256\"></ds:DigestMethod>", "xmlenc#sha256\" />");
    _cleanup_protector_ struct protector *protector = parse_good(slice_from_text(text));
    assert_ok(protector_verify(protector, err));
    assert_ok(protector_verify_transport_key(protector, secret_slice(&key), err));
}

/* What is taken for the canonical form without libxml2 is what libxml2 says, too. */
static void the_canonical_form_is_the_librarys(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document, expected = {0};
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_xml_ struct xml_document *tree = NULL;
    make_protector(&document, &key);
    buf_init(&expected, PROTECTOR_SIZE_MAX);
    assert_ok(xml_parse(&tree, buf_slice(&document), err));
    const struct xml_element *wrappings = xml_first(xml_root(tree));
    assert_string_equal(xml_name(wrappings), "Wrappings");
    assert_ok(xml_canonicalize(&expected, wrappings, err));
    _cleanup_protector_ struct protector *protector = parse_good(buf_slice(&document));
    assert_true(slice_equal(buf_slice(&protector->canonical), buf_slice(&expected)));
}

static void the_cache_does_not_hide_a_bad_signature(void **state)
{
    (void)state;
    _cleanup_verification_cache_ struct verification_cache *cache = verification_cache_new(64);
    struct forge forge;
    forge_init(&forge);
    forge_add(&forge, 1, &owner, 1, &owner, PKCS1);
    forge_add(&forge, 2, &service, 1, &owner, PKCS1);
    struct protector *good = forge_protector(&forge);
    for (int i = 0; i < 2; i++)
        assert_ok(protector_verify_cached(good, cache, err));
    /* The same signatures, exchanged. */
    struct protector_signature first = forge.items[0].signing_certificate_signature;
    forge.items[0].signing_certificate_signature = forge.items[1].signing_certificate_signature;
    forge.items[1].signing_certificate_signature = first;
    struct protector *bad = forge_protector(&forge);
    for (int i = 0; i < 2; i++)
        assert_refused(protector_verify_cached(bad, cache, err), &protector_wrapping_invalid);
    protector_free(&good);
    protector_free(&bad);
    forge_done(&forge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_that_lead_to_the_owner_verify),
        cmocka_unit_test(every_signature_algorithm_verifies),
        cmocka_unit_test(two_owners_are_refused),
        cmocka_unit_test(no_owner_is_refused),
        cmocka_unit_test(a_loop_is_refused),
        cmocka_unit_test(a_missing_parent_is_refused),
        cmocka_unit_test(another_parents_signature_is_refused),
        cmocka_unit_test(an_encryption_certificate_that_is_not_vouched_for_is_refused),
        cmocka_unit_test(a_signature_under_another_algorithms_name_is_refused),
        cmocka_unit_test(a_guardian_signature_by_another_wrapping_is_refused),
        cmocka_unit_test(changed_wrappings_are_refused),
        cmocka_unit_test(another_way_to_write_the_same_verifies),
        cmocka_unit_test(the_canonical_form_is_the_librarys),
        cmocka_unit_test(the_cache_does_not_hide_a_bad_signature),
    };
    return cmocka_run_group_tests(tests, make_guardians, free_guardians);
}
