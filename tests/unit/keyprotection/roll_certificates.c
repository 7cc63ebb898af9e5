/* SPDX-License-Identifier: Apache-2.0 */

/* With which of the service's certificates a roll is done: older ones, disabled ones, those whose
 * keys fail. */

#include "roll_try.h"

#include "keyholder/keyholder_token.h"

/* The refusal names the certificate. */
static void expect_refused_for(struct roll_try *it, const struct error_code *code,
                               const struct certificate *certificate)
{
    char thumbprint[65], text[2048];
    struct error err = {0};
    keyprotection_snapshot_release(&it->snapshot);
    it->snapshot = load_snapshot();
    assert_refused_with(try_roll(it, &err), &err, code);
    hex_format(slice_of(certificate_facts(certificate)->thumbprint, 32), thumbprint);
    assert_non_null(strstr(error_format(&err, text, sizeof text), thumbprint));
}

static void remove_certificate(enum keyprotection_certificate_type type,
                               const struct certificate *certificate)
{
    char key[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    struct store_change change = {.kind = STORE_CERTIFICATE, .remove = true, .expected = STORE_ANY};
    change.key =
        keyprotection_certificate_record_key(type, certificate_facts(certificate)->thumbprint, key);
    assert_ok(store_commit(world.store, &change, 1, NULL, err));
}

static void disabled_and_removed_certificates_are_not_used(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    struct guardian *guardian = &world.service.guardian;
    put_certificate(KEYPROTECTION_ENCRYPTION, guardian->encryption, true, false);
    expect_refused_for(&it, &keyprotection_disabled, guardian->encryption);
    assert_true(it.facts.has_wrapping); /* the trail says which one it was */
    assert_memory_equal(it.facts.encryption_thumbprint,
                        certificate_facts(guardian->encryption)->thumbprint, 32);
    remove_certificate(KEYPROTECTION_ENCRYPTION, guardian->encryption);
    expect_refused_for(&it, &protector_no_wrapping, guardian->encryption);
    put_certificate(KEYPROTECTION_ENCRYPTION, guardian->encryption, false, true);
    put_certificate(KEYPROTECTION_SIGNING, guardian->signing, true, false);
    expect_refused_for(&it, &keyprotection_disabled, guardian->signing);
    remove_certificate(KEYPROTECTION_SIGNING, guardian->signing);
    expect_refused_for(&it, &keyprotection_guardian_gone, guardian->signing);
    put_certificate(KEYPROTECTION_SIGNING, guardian->signing, true, true);
    put_certificate(KEYPROTECTION_ENCRYPTION, guardian->encryption, true, true);
}

/* The service gets a new primary pair beside the one that it has. */
static void rotate(struct service_guardian *newer, struct roll_try *it)
{
    *newer = (struct service_guardian){0};
    make_service_guardian(newer, "newer");
    put_certificate(KEYPROTECTION_SIGNING, newer->guardian.signing, true, true);
    put_certificate(KEYPROTECTION_ENCRYPTION, newer->guardian.encryption, true, true);
    put_certificate(KEYPROTECTION_SIGNING, world.service.guardian.signing, false, true);
    put_certificate(KEYPROTECTION_ENCRYPTION, world.service.guardian.encryption, false, true);
    keyprotection_snapshot_release(&it->snapshot);
    it->snapshot = load_snapshot();
}

static void rotate_back(struct service_guardian *newer)
{
    remove_certificate(KEYPROTECTION_SIGNING, newer->guardian.signing);
    remove_certificate(KEYPROTECTION_ENCRYPTION, newer->guardian.encryption);
    put_certificate(KEYPROTECTION_SIGNING, world.service.guardian.signing, true, true);
    put_certificate(KEYPROTECTION_ENCRYPTION, world.service.guardian.encryption, true, true);
    free_service_guardian(newer);
}

/* After the primary certificates were replaced, protectors of the old ones still roll, signed by
 * the old one. */
static void older_certificates_still_serve(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    struct service_guardian newer;
    rotate(&newer, &it);
    assert_ok(try_roll(&it, err));
    _cleanup_opened_ struct opened opened = {0};
    open_response(&opened, &it);
    expect_signed_by(&opened, &world.service.guardian);
    /* A key that the keyholder lost. */
    assert_ok(
        keyholder_forget(world.running.keyholder, public_key_digest(newer.encryption_key), err));
    buf_done(&it.ingress);
    secret_done(&it.key);
    make_protector(&it.ingress, &it.key, &newer.guardian);
    buf_reset(&it.out);
    expect_refused(&it, &keyholder_key_unknown);
    rotate_back(&newer);
}

static void expect_usage(struct roll_try *it, const struct public_key *key, uint64_t only,
                         uint64_t also)
{
    struct usage_totals totals;
    struct usage_certificate rows[2] = {
        {.key.type = KEYPROTECTION_ENCRYPTION, .enabled = true},
        {.key.type = KEYPROTECTION_ENCRYPTION, .enabled = true},
    };
    const struct public_key *other = world.service.encryption_key;
    memcpy(rows[0].key.id, public_key_digest(key), 32);
    memcpy(rows[1].key.id, public_key_digest(other), 32);
    usage_report(it->usage, rows, key == other ? 1 : 2, 0, &totals);
    assert_int_equal(totals.protectors, 1);
    assert_int_equal(rows[0].only.count, only);
    assert_int_equal(rows[0].also.count, also);
}

/* A service has new certificates, an owner grants access to them, and it is one protector all the
 * time. */
static void a_rotation_is_counted(void **state)
{
    (void)state;
    struct clock clock = {0};
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    struct usage_options options = {world.store, world.running.keyholder, &clock, "n1", 100};
    assert_ok(usage_new(&it.usage, &options, err));
    assert_ok(usage_prepare(it.usage, err));
    assert_ok(try_roll(&it, err));
    expect_usage(&it, world.service.encryption_key, 1, 0);

    struct service_guardian newer;
    rotate(&newer, &it);
    _cleanup_roll_response_ struct roll_response response = {0};
    assert_ok(roll_response_parse(&response, buf_slice(&it.out), err));
    _cleanup_protector_ struct protector *rolled = NULL;
    assert_ok(protector_parse(&rolled, buf_slice(&response.egress_protector), NULL, err));
    buf_reset(&it.ingress);
    assert_ok(protector_grant(&it.ingress, rolled, &world.owner, &newer.guardian, err));
    buf_reset(&it.out);
    assert_ok(try_roll(&it, err));
    assert_memory_equal(it.facts.encryption_thumbprint,
                        certificate_facts(newer.guardian.encryption)->thumbprint, 32);
    expect_usage(&it, newer.encryption_key, 0, 1);

    /* What is refused is not counted. */
    put_certificate(KEYPROTECTION_ENCRYPTION, newer.guardian.encryption, true, false);
    put_certificate(KEYPROTECTION_ENCRYPTION, world.service.guardian.encryption, false, false);
    keyprotection_snapshot_release(&it.snapshot);
    it.snapshot = load_snapshot();
    buf_reset(&it.out);
    expect_refused(&it, &keyprotection_disabled);
    expect_usage(&it, newer.encryption_key, 0, 1);
    usage_free(&it.usage);
    rotate_back(&newer);
}

static void grant_to(struct roll_try *it, const struct guardian *guardian)
{
    _cleanup_protector_ struct protector *before = NULL;
    _cleanup_buf_ struct buf both;
    assert_ok(protector_parse(&before, buf_slice(&it->ingress), NULL, err));
    buf_init(&both, PROTECTOR_SIZE_MAX);
    assert_ok(protector_grant(&both, before, &world.owner, guardian, err));
    buf_reset(&it->ingress);
    buf_append(&it->ingress, buf_slice(&both));
}

/* The primary signing key is not here (its file cannot be read on this node, say): a protector that
 * another signing certificate of ours may sign, too, is served all the same. */
static void another_signer_takes_its_place(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    struct service_guardian newer;
    rotate(&newer, &it);
    grant_to(&it, &newer.guardian);
    const struct service_guardian *signers[] = {&newer, &world.service};
    for (size_t i = 0; i < 2; i++) {
        buf_reset(&it.out);
        assert_ok(try_roll(&it, err));
        _cleanup_opened_ struct opened opened = {0};
        open_response(&opened, &it);
        expect_signed_by(&opened, &signers[i]->guardian);
        if (i == 0)
            assert_ok(keyholder_forget(world.running.keyholder,
                                       public_key_digest(newer.signing_key), err));
    }
    rotate_back(&newer);
}

/* Whatever keeps a token from serving, also on a node that does not have it: what another key of
 * ours opens and signs is served. */
static void a_token_that_fails_is_passed_over(void **state)
{
    (void)state;
    static const struct error_code *const codes[] = {&keyholder_token_away, &token_module,
                                                     &token_key_usage};
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    struct service_guardian newer;
    rotate(&newer, &it);
    grant_to(&it, &newer.guardian);
    struct keyholder *keyholder = world.running.keyholder;
    const unsigned tokens[] = {keyholder_token_add(keyholder, "hsm", 1000, NULL, NULL), 0};
    for (size_t i = 0; i < 6; i++) {
        struct error trouble = {0};
        error_set(&trouble, codes[i % 3], NULL, NULL, "it fails");
        keyholder_token_assign(keyholder, tokens[i / 3], public_key_digest(newer.signing_key),
                               &trouble);
        keyholder_token_assign(keyholder, tokens[i / 3], public_key_digest(newer.encryption_key),
                               &trouble);
        for (int apart = 0; apart < 2; apart++) {
            it.apart = apart == 1;
            buf_reset(&it.out);
            assert_ok(try_roll(&it, err));
            _cleanup_opened_ struct opened opened = {0};
            open_response(&opened, &it);
            expect_signed_by(&opened, &world.service.guardian);
        }
    }
    rotate_back(&newer);
}

static void offline_unwraps_are_limited(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        unsigned ingress, egress;
    } rows[] = {{NULL, 5, 0},
                {"{\"max_offline_unwraps\":3}", 5, 3},
                {"{\"max_offline_unwraps\":9}", 5, 5},
                {"{\"max_offline_unwraps\":-1}", 5, 0}};
    for (size_t i = 0; i < 4; i++) {
        _cleanup_try_ struct roll_try it;
        try_init(&it);
        if (rows[i].setting)
            put_record(STORE_SETTING, KEYPROTECTION_SETTING, slice_from_text(rows[i].setting));
        keyprotection_snapshot_release(&it.snapshot);
        it.snapshot = load_snapshot();
        char *at = strstr((char *)(uintptr_t)buf_text(&it.ingress), "MaxOfflineUnwraps=\"0\"");
        at[strlen("MaxOfflineUnwraps=\"")] = (char)('0' + rows[i].ingress);
        assert_ok(try_roll(&it, err));
        _cleanup_opened_ struct opened opened = {0};
        open_response(&opened, &it);
        assert_int_equal(protector_max_offline_unwraps(opened.egress), rows[i].egress);
    }
    put_record(STORE_SETTING, KEYPROTECTION_SETTING,
               slice_from_text("{\"max_offline_unwraps\":0}"));
}

static void an_absent_keyholder_is_told_as_such(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    struct keyholder *away = keyholder_new(NULL, 0);
    keyholder_set_deadline(away, 50);
    struct keyholder *present = world.running.keyholder;
    world.running.keyholder = away;
    expect_refused(&it, &keyholder_away);
    world.running.keyholder = present;
    keyholder_free(&away);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disabled_and_removed_certificates_are_not_used),
        cmocka_unit_test(older_certificates_still_serve),
        cmocka_unit_test(a_rotation_is_counted),
        cmocka_unit_test(another_signer_takes_its_place),
        cmocka_unit_test(a_token_that_fails_is_passed_over),
        cmocka_unit_test(offline_unwraps_are_limited),
        cmocka_unit_test(an_absent_keyholder_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
