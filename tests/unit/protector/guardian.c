/* SPDX-License-Identifier: Apache-2.0 */
/* Owners and guardians: create, grant, revoke, unwrap, reseal. */
#include "fixture.h"

#include "crypto/random.h"
#include "protector/algorithms.h"

/* A guardian as another machine knows it: no private keys, its vouching signature. */
static struct guardian public_half(const struct guardian *from)
{
    struct guardian half = {
        .signing = certificate_ref(from->signing),
        .encryption = certificate_ref(from->encryption),
        .encryption_signature_algorithm = SIGNATURE_RSA_PKCS1_SHA256,
    };
    struct signer signer = signer_of_key(from->signing_key);
    buf_init(&half.encryption_signature, 1024);
    assert_ok(signer.sign(signer.context, half.encryption_signature_algorithm,
                          certificate_der(from->encryption), &half.encryption_signature, err));
    return half;
}

static void expect_opens(struct slice document, const struct guardian *guardian,
                         const struct secret *key)
{
    _cleanup_protector_ struct protector *protector = parse_good(document);
    _cleanup_secret_ struct secret got = SECRET_EMPTY;
    assert_ok(protector_unwrap(&got, protector, guardian, err));
    assert_true(secret_equal(secret_slice(&got), secret_slice(key)));
}

static void expect_closed(struct slice document, const struct guardian *guardian,
                          const struct error_code *code)
{
    _cleanup_protector_ struct protector *protector = parse_good(document);
    _cleanup_secret_ struct secret got = SECRET_EMPTY;
    assert_refused(protector_unwrap(&got, protector, guardian, err), code);
    assert_null(got.data);
}

static void generated_certificates_are_as_described(void **state)
{
    (void)state;
    const struct certificate_facts *signing = certificate_facts(owner.signing);
    const struct certificate_facts *encryption = certificate_facts(owner.encryption);
    assert_true(signing->self_signed && encryption->self_signed);
    assert_string_equal(signing->subject_text, "CN=owner signing");
    assert_string_equal(encryption->subject_text, "CN=owner encryption");
    assert_int_equal(signing->usage, CERTIFICATE_DIGITAL_SIGNATURE);
    assert_int_equal(encryption->usage,
                     CERTIFICATE_KEY_ENCIPHERMENT | CERTIFICATE_DATA_ENCIPHERMENT);
    assert_int_equal(public_key_bits(certificate_key(owner.signing)), 2048);
    assert_int_equal(signing->not_before, NOW);
}

static void a_long_name_makes_a_guardian(void **state)
{
    (void)state;
    char name[129];
    struct guardian made;
    memset(name, 'n', 128);
    name[128] = '\0';
    assert_ok(guardian_generate(&made, name, NOW, err));
    guardian_done(&made);
}

static void owner_and_guardian_open_it(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    make_protector(&document, &key);
    expect_opens(buf_slice(&document), &owner, &key);
    expect_opens(buf_slice(&document), &service, &key);
    expect_closed(buf_slice(&document), &stranger, &protector_no_wrapping);
}

static void a_guardian_without_private_keys_cannot_open_it(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_guardian_ struct guardian half = public_half(&service);
    make_protector(&document, &key);
    expect_closed(buf_slice(&document), &half, &protector_owner_key);
}

static void only_an_owner_with_keys_creates(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_guardian_ struct guardian half = public_half(&owner);
    buf_init(&document, PROTECTOR_SIZE_MAX);
    assert_refused(protector_create(&document, &key, &half, NULL, 0, err), &protector_owner_key);
    assert_int_equal(document.size, 0);
    assert_null(key.data);
}

static void a_guardian_is_granted_once(void **state)
{
    (void)state;
    const struct guardian *twice[] = {&service, &service};
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    buf_init(&document, PROTECTOR_SIZE_MAX);
    assert_refused(protector_create(&document, &key, &owner, twice, 2, err), &protector_granted);
    make_protector(&document, &key);
    _cleanup_protector_ struct protector *from = parse_good(buf_slice(&document));
    _cleanup_buf_ struct buf again;
    buf_init(&again, PROTECTOR_SIZE_MAX);
    assert_refused(protector_grant(&again, from, &owner, &service, err), &protector_granted);
    assert_refused(protector_grant(&again, from, &owner, &owner, err), &protector_granted);
    assert_int_equal(again.size, 0);
}

/* A service's new encryption certificate under the signing certificate that it had, and the
 * reverse: what was granted before stays. */
static void a_guardian_with_another_certificate_is_granted_beside(void **state)
{
    (void)state;
    struct guardian mixed[] = {service, service};
    mixed[0].encryption = stranger.encryption;
    mixed[0].encryption_key = stranger.encryption_key;
    mixed[1].signing = stranger.signing;
    mixed[1].signing_key = stranger.signing_key;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_buf_ struct buf document, granted, revoked;
        _cleanup_secret_ struct secret key = SECRET_EMPTY;
        make_protector(&document, &key);
        _cleanup_protector_ struct protector *from = parse_good(buf_slice(&document));
        buf_init(&granted, PROTECTOR_SIZE_MAX);
        assert_ok(protector_grant(&granted, from, &owner, &mixed[i], err));
        expect_opens(buf_slice(&granted), &service, &key);
        expect_opens(buf_slice(&granted), &mixed[i], &key);
        _cleanup_protector_ struct protector *both = parse_good(buf_slice(&granted));
        assert_int_equal(protector_wrapping_count(both), 3);
        buf_init(&revoked, PROTECTOR_SIZE_MAX);
        /* Who is revoked keeps nothing, unless it is another guardian, too. */
        assert_ok(protector_revoke(&revoked, both, &owner, &service, &mixed[i], 1, err));
        expect_opens(buf_slice(&revoked), &mixed[i], &key);
        _cleanup_protector_ struct protector *one = parse_good(buf_slice(&revoked));
        assert_int_equal(protector_wrapping_count(one), 2);
        buf_reset(&revoked);
        assert_ok(protector_revoke(&revoked, both, &owner, &mixed[i], NULL, 0, err));
        expect_closed(buf_slice(&revoked), &service, &protector_no_wrapping);
    }
}

static void an_unvouched_guardian_is_refused(void **state)
{
    (void)state;
    _cleanup_guardian_ struct guardian half = public_half(&service);
    buf_reset(&half.encryption_signature);
    const struct guardian *guardians[] = {&half};
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    buf_init(&document, PROTECTOR_SIZE_MAX);
    assert_refused(protector_create(&document, &key, &owner, guardians, 1, err),
                   &protector_wrapping_invalid);
}

static void grant_and_revoke_keep_the_key(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf first, granted, revoked;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_guardian_ struct guardian half = public_half(&stranger);
    make_protector(&first, &key);
    _cleanup_protector_ struct protector *from = parse_good(buf_slice(&first));
    buf_init(&granted, PROTECTOR_SIZE_MAX);
    assert_ok(protector_grant(&granted, from, &owner, &half, err));
    expect_opens(buf_slice(&granted), &owner, &key);
    expect_opens(buf_slice(&granted), &service, &key);
    expect_opens(buf_slice(&granted), &stranger, &key);

    _cleanup_protector_ struct protector *wide = parse_good(buf_slice(&granted));
    assert_int_equal(protector_wrapping_count(wide), 3);
    buf_init(&revoked, PROTECTOR_SIZE_MAX);
    assert_ok(protector_revoke(&revoked, wide, &owner, &service, NULL, 0, err));
    expect_opens(buf_slice(&revoked), &owner, &key);
    expect_opens(buf_slice(&revoked), &stranger, &key);
    expect_closed(buf_slice(&revoked), &service, &protector_no_wrapping);

    /* The id that became free is given out again. */
    _cleanup_protector_ struct protector *narrow = parse_good(buf_slice(&revoked));
    buf_reset(&granted);
    assert_ok(protector_grant(&granted, narrow, &owner, &service, err));
    expect_opens(buf_slice(&granted), &service, &key);
}

static void only_the_owner_grants_and_revokes(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document, out;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_guardian_ struct guardian half = public_half(&owner);
    make_protector(&document, &key);
    buf_init(&out, PROTECTOR_SIZE_MAX);
    _cleanup_protector_ struct protector *from = parse_good(buf_slice(&document));
    assert_refused(protector_grant(&out, from, &service, &stranger, err), &protector_owner_key);
    assert_refused(protector_grant(&out, from, &half, &stranger, err), &protector_owner_key);
    assert_refused(protector_revoke(&out, from, &service, &service, NULL, 0, err),
                   &protector_owner_key);
    assert_refused(protector_revoke(&out, from, &owner, &owner, NULL, 0, err),
                   &protector_owner_stays);
    assert_refused(protector_revoke(&out, from, &owner, &stranger, NULL, 0, err),
                   &protector_no_wrapping);
    assert_int_equal(out.size, 0);
}

static void sixty_four_wrappings_fit_and_no_more(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    struct guardian many[PROTECTOR_WRAPPINGS_MAX];
    const struct guardian *guardians[PROTECTOR_WRAPPINGS_MAX];
    struct signer signer = signer_of_key(service.signing_key);
    for (size_t i = 0; i < PROTECTOR_WRAPPINGS_MAX; i++) {
        /* Different certificates of the same keys: keys are slow to make. */
        struct certificate_template form = {
            .subject_cn = "many",
            .subject_key = signer.public_key,
            .not_before = NOW,
            .not_after = NOW + 1,
        };
        many[i] = (struct guardian){.signing_key = service.signing_key};
        struct certificate **halves[] = {&many[i].signing, &many[i].encryption};
        for (size_t h = 0; h < 2; h++) {
            _cleanup_buf_ struct buf der;
            buf_init(&der, CERTIFICATE_SIZE_MAX);
            assert_ok(certificate_issue(&der, &form, &signer, err));
            assert_ok(certificate_parse(halves[h], buf_slice(&der), err));
        }
        guardians[i] = &many[i];
    }
    buf_init(&document, PROTECTOR_SIZE_MAX);
    assert_refused(
        protector_create(&document, &key, &owner, guardians, PROTECTOR_WRAPPINGS_MAX, err),
        &protector_limit);
    assert_ok(
        protector_create(&document, &key, &owner, guardians, PROTECTOR_WRAPPINGS_MAX - 1, err));
    expect_opens(buf_slice(&document), &owner, &key);
    for (size_t i = 0; i < PROTECTOR_WRAPPINGS_MAX; i++) {
        certificate_free(&many[i].signing);
        certificate_free(&many[i].encryption);
    }
}

/* What a service does at a roll. */
static void reseal_keeps_wrappings_and_changes_the_key(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document, resealed;
    _cleanup_secret_ struct secret key = SECRET_EMPTY, fresh = SECRET_EMPTY;
    make_protector(&document, &key);
    secret_init(&fresh, 32);
    random_bytes(fresh.data, 32);
    _cleanup_protector_ struct protector *from = parse_good(buf_slice(&document));
    struct signer signer = signer_of_key(service.signing_key);
    buf_init(&resealed, PROTECTOR_SIZE_MAX);
    assert_ok(protector_reseal(&resealed, from, secret_slice(&fresh), 7, 2, &signer, err));
    expect_opens(buf_slice(&resealed), &owner, &fresh);
    expect_opens(buf_slice(&resealed), &service, &fresh);
    _cleanup_protector_ struct protector *to = parse_good(buf_slice(&resealed));
    assert_int_equal(protector_max_offline_unwraps(to), 7);
    assert_int_equal(protector_last_guardian(to)->id, 2);
    assert_int_equal(protector_owner(to)->id, protector_owner(from)->id);
    for (size_t i = 0; i < 2; i++) {
        const struct protector_wrapping *a = protector_wrapping(from, i);
        const struct protector_wrapping *b = protector_wrapping(to, i);
        assert_true(slice_equal(a->signing_certificate_signature.value,
                                b->signing_certificate_signature.value));
        assert_true(slice_equal(a->encryption_certificate_signature.value,
                                b->encryption_certificate_signature.value));
        assert_false(slice_equal(a->transport_key, b->transport_key));
    }
    assert_refused(protector_verify_transport_key(to, secret_slice(&key), err), &protector_opaque);
}

/* An HSM that can do no other OAEP keeps what it can open. */
static void sha1_oaep_is_kept(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document, old, resealed;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    make_protector(&document, &key);
    _cleanup_protector_ struct protector *from = parse_good(buf_slice(&document));
    struct protector_wrapping wrappings[2] = {*protector_wrapping(from, 0),
                                              *protector_wrapping(from, 1)};
    wrappings[1].transport_key_algorithm = ENCRYPTION_RSA_OAEP_SHA1;
    wrappings[1].transport_key = SLICE_EMPTY;
    struct signer signer = signer_of_key(owner.signing_key);
    struct protector_draft draft = {wrappings, 2, secret_slice(&key), 0, 1, &signer};
    buf_init(&old, PROTECTOR_SIZE_MAX);
    assert_ok(protector_write(&old, &draft, err));
    expect_opens(buf_slice(&old), &service, &key);
    _cleanup_free_ char *named =
        edited(buf_text(&old), "xmlenc#rsa-oaep-mgf1p\">",
               "xmlenc#rsa-oaep-mgf1p\"><Parameters><DigestMethod xmlns=\"" XMLDSIG_NAMESPACE "\" "
               "Algorithm=\"" XMLDSIG_NAMESPACE "sha1\"/></Parameters>");
    protector_free(&(struct protector *){parse_good(slice_from_text(named))});
    _cleanup_protector_ struct protector *parsed = parse_good(buf_slice(&old));
    buf_init(&resealed, PROTECTOR_SIZE_MAX);
    assert_ok(protector_reseal(&resealed, parsed, secret_slice(&key), 0, 1, &signer, err));
    assert_non_null(strstr(buf_text(&resealed), "xmlenc#rsa-oaep-mgf1p\""));
    expect_opens(buf_slice(&resealed), &service, &key);
}

/* A ciphertext that was altered, by somebody who can sign, is told as a wrong key is. */
/* For a guardian whose HSM knows no other; the owner's own wrapping stays as it is. */
static void sha1_oaep_is_written_where_it_is_wanted(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY;
    _cleanup_guardian_ struct guardian half = public_half(&service);
    half.only_sha1 = true;
    const struct guardian *guardians[] = {&half};
    buf_init(&document, PROTECTOR_SIZE_MAX);
    assert_ok(protector_create(&document, &key, &owner, guardians, 1, err));
    _cleanup_protector_ struct protector *protector = parse_good(buf_slice(&document));
    assert_int_equal(protector_wrapping(protector, 0)->transport_key_algorithm,
                     ENCRYPTION_RSA_OAEP_SHA256);
    assert_int_equal(protector_wrapping(protector, 1)->transport_key_algorithm,
                     ENCRYPTION_RSA_OAEP_SHA1);
    expect_opens(buf_slice(&document), &service, &key);
}

static void all_secrets_have_one_answer(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf document;
    _cleanup_secret_ struct secret key = SECRET_EMPTY, other = SECRET_EMPTY;
    struct error refusal;
    make_protector(&document, &key);
    secret_init(&other, 32);
    _cleanup_protector_ struct protector *from = parse_good(buf_slice(&document));
    struct slice keys[] = {secret_slice(&other), secret_slice(&other)};
    char texts[5][2048];
    for (size_t i = 0; i < 5; i++) {
        struct protector_wrapping wrappings[2] = {*protector_wrapping(from, 0),
                                                  *protector_wrapping(from, 1)};
        _cleanup_buf_ struct buf plain, cipher, forged;
        buf_init(&plain, 1024);
        buf_init(&cipher, 1024);
        buf_init(&forged, PROTECTOR_SIZE_MAX);
        if (i == 1) /* another key */
            protector_payload_format(&plain, 1, keys, 1);
        else if (i == 2) /* two keys */
            protector_payload_format(&plain, 1, keys, 2);
        else if (i == 3) /* no payload */
            buf_append_text(&plain, "x");
        if (plain.size > 0)
            assert_ok(public_key_encrypt(&cipher, certificate_key(service.encryption),
                                         ENCRYPTION_RSA_OAEP_SHA256, buf_slice(&plain), err));
        else
            buf_append(&cipher, i == 0 ? wrappings[0].transport_key : slice_of("abc", 3));
        wrappings[1].transport_key = buf_slice(&cipher);
        struct signer signer = signer_of_key(owner.signing_key);
        struct protector_draft draft = {wrappings, 2, secret_slice(&key), 0, 1, &signer};
        assert_ok(protector_write(&forged, &draft, err));
        _cleanup_protector_ struct protector *protector = parse_good(buf_slice(&forged));
        _cleanup_secret_ struct secret got = SECRET_EMPTY;
        assert_refused_with(protector_unwrap(&got, protector, &service, &refusal), &refusal,
                            &protector_opaque);
        error_format(&refusal, texts[i], sizeof texts[i]);
        assert_string_equal(texts[i], texts[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_certificates_are_as_described),
        cmocka_unit_test(a_long_name_makes_a_guardian),
        cmocka_unit_test(owner_and_guardian_open_it),
        cmocka_unit_test(a_guardian_without_private_keys_cannot_open_it),
        cmocka_unit_test(only_an_owner_with_keys_creates),
        cmocka_unit_test(a_guardian_is_granted_once),
        cmocka_unit_test(a_guardian_with_another_certificate_is_granted_beside),
        cmocka_unit_test(an_unvouched_guardian_is_refused),
        cmocka_unit_test(grant_and_revoke_keep_the_key),
        cmocka_unit_test(only_the_owner_grants_and_revokes),
        cmocka_unit_test(sixty_four_wrappings_fit_and_no_more),
        cmocka_unit_test(reseal_keeps_wrappings_and_changes_the_key),
        cmocka_unit_test(sha1_oaep_is_kept),
        cmocka_unit_test(sha1_oaep_is_written_where_it_is_wanted),
        cmocka_unit_test(all_secrets_have_one_answer),
    };
    return cmocka_run_group_tests(tests, make_guardians, free_guardians);
}
