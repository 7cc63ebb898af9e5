/* SPDX-License-Identifier: Apache-2.0 */
/* A roll from a request's bytes to a response's, with a real keyholder; and what a host accepts of
 * it. */
#include "world.h"

#include "base/base64.h"
#include "base/file.h"
#include "crypto/aead.h"
#include "keyholder/keyholder_token.h"
#include "keyprotection/roll.h"

/* One request and what it was made of. */
struct roll_try {
    struct buf ingress;
    struct secret key;
    struct certificate *health;
    struct keyprotection_snapshot *snapshot;
    struct cache *certificates;
    struct verification_cache *verifications;
    struct usage *usage;
    struct roll_facts facts;
    struct buf out;
    enum encryption_algorithm transfer;
    unsigned version;
    bool apart; /* opened before the rest, as where two tokens have the keys */
};

static void try_init(struct roll_try *it)
{
    *it = (struct roll_try){.transfer = ENCRYPTION_RSA_OAEP_SHA256, .version = 2};
    struct certificate_template form = health_form();
    it->health = issue_health(&form);
    make_protector(&it->ingress, &it->key, &world.service.guardian);
    it->snapshot = load_snapshot();
    it->certificates = certificate_cache_new(64);
    it->verifications = verification_cache_new(64);
    buf_init(&it->out, MESSAGE_SIZE_MAX);
}

static void try_done(struct roll_try *it)
{
    buf_done(&it->ingress);
    buf_done(&it->out);
    secret_done(&it->key);
    certificate_free(&it->health);
    cache_free(&it->certificates);
    verification_cache_free(&it->verifications);
    keyprotection_snapshot_release(&it->snapshot);
    roll_facts_done(&it->facts);
}
#define _cleanup_try_ __attribute__((cleanup(try_done)))

static bool roll_apart(struct roll_try *it, const struct roll_resources *resources,
                       struct slice request, struct error *err)
{
    struct rolling rolling;
    bool ok = roll_begin(&rolling, resources, &it->facts, request, err) &&
              roll_open(&rolling, err) && roll_finish(&it->out, &rolling, it->version, err);
    roll_done(&rolling);
    return ok;
}

static bool try_roll(struct roll_try *it, struct error *err)
{
    struct roll_resources resources = {
        .snapshot = it->snapshot,
        .keyholder = world.running.keyholder,
        .certificates = it->certificates,
        .verifications = it->verifications,
        .now = NOW,
        .usage = it->usage,
    };
    _cleanup_buf_ struct buf request;
    buf_init(&request, MESSAGE_SIZE_MAX);
    roll_request_format(&request, buf_slice(&it->ingress), certificate_der(it->health),
                        it->transfer);
    roll_facts_done(&it->facts);
    it->facts = (struct roll_facts){0};
    if (it->apart)
        return roll_apart(it, &resources, buf_slice(&request), err);
    return roll_transport_key(&it->out, &it->facts, &resources, it->version, buf_slice(&request),
                              err);
}

static void expect_refused(struct roll_try *it, const struct error_code *code)
{
    assert_refused(try_roll(it, err), code);
    assert_int_equal(it->out.size, 0);
    assert_false(it->facts.has_egress);
}

/* What came out, opened with the host's key; what a host checks of it is host/release.c's. */
struct opened {
    struct secret keys; /* ingress, egress */
    struct protector *egress;
    size_t wrapped_size, keys_size;
};

static void opened_done(struct opened *opened)
{
    secret_done(&opened->keys);
    protector_free(&opened->egress);
}
#define _cleanup_opened_ __attribute__((cleanup(opened_done)))

static void open_response(struct opened *out, const struct roll_try *it)
{
    _cleanup_secret_ struct secret transfer = SECRET_EMPTY, wrapping = SECRET_EMPTY,
                                   payload = SECRET_EMPTY;
    _cleanup_roll_response_ struct roll_response response = {0};
    size_t count;
    assert_ok(roll_response_parse(&response, buf_slice(&it->out), err));
    assert_ok(private_key_decrypt(&transfer, world.health_key, it->transfer,
                                  buf_slice(&response.encrypted_transfer_key), err));
    assert_ok(aead_key_unwrap(&wrapping, secret_slice(&transfer),
                              buf_slice(&response.encrypted_wrapping_key), err));
    assert_ok(aead_open(&payload, secret_slice(&wrapping), SLICE_EMPTY,
                        buf_slice(&response.encrypted_transport_keys), err));
    assert_ok(protector_payload_parse(&out->keys, &count, 2, secret_slice(&payload), err));
    assert_int_equal(count, 2);
    assert_true(secret_equal(slice_of(out->keys.data, 32), secret_slice(&it->key)));
    assert_false(secret_equal(slice_of(out->keys.data, 32), slice_of(out->keys.data + 32, 32)));
    assert_ok(protector_parse(&out->egress, buf_slice(&response.egress_protector), NULL, err));
    assert_ok(protector_verify(out->egress, err));
    assert_ok(protector_verify_transport_key(out->egress, slice_of(out->keys.data + 32, 32), err));
    out->wrapped_size = response.encrypted_wrapping_key.size;
    out->keys_size = response.encrypted_transport_keys.size;
}

/* Who signed it last. */
static void expect_signed_by(const struct opened *opened, const struct guardian *guardian)
{
    const struct protector_wrapping *last = protector_last_guardian(opened->egress);
    assert_true(slice_equal(certificate_der(last->signing_certificate),
                            certificate_der(guardian->signing)));
}

static void a_healthy_host_gets_the_keys(void **state)
{
    (void)state;
    static const enum encryption_algorithm transfers[] = {ENCRYPTION_RSA_OAEP_SHA256,
                                                          ENCRYPTION_RSA_OAEP_SHA1};
    for (unsigned version = 1; version <= 2; version++) {
        _cleanup_try_ struct roll_try it;
        try_init(&it);
        it.version = version;
        it.transfer = transfers[version - 1];
        assert_ok(try_roll(&it, err));
        _cleanup_opened_ struct opened opened = {0};
        open_response(&opened, &it);
        assert_int_equal(opened.wrapped_size, 40);
        assert_int_equal(opened.keys_size, AEAD_OVERHEAD + (version == 1 ? 80 : 84));
        expect_signed_by(&opened, &world.service.guardian);
        /* The owner opens the new one with the new key. */
        _cleanup_secret_ struct secret owners = SECRET_EMPTY;
        assert_ok(protector_unwrap(&owners, opened.egress, &world.owner, err));
        assert_true(secret_equal(secret_slice(&owners), slice_of(opened.keys.data + 32, 32)));
        assert_string_equal(it.facts.host, HOST);
        assert_memory_equal(it.facts.egress_digest, protector_digest(opened.egress), 32);
        assert_memory_equal(it.facts.owner_thumbprint,
                            certificate_facts(world.owner.signing)->thumbprint, 32);
        assert_memory_equal(it.facts.encryption_thumbprint,
                            certificate_facts(world.service.guardian.encryption)->thumbprint, 32);
    }
}

static char *write_file(const char *folder, const char *name, struct slice bytes)
{
    char *path = memory_format("%s/%s", folder, name);
    assert_ok(file_replace(path, bytes, 0600, err));
    return path;
}

/* The same by a program that shares no code with us (tests/vectors/unwrap_roll.py). */
static void another_program_unwraps_it(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 2; version++) {
        _cleanup_try_ struct roll_try it;
        try_init(&it);
        it.version = version;
        assert_ok(try_roll(&it, err));
        char folder[FOLDER_SIZE];
        folder_make(folder);
        _cleanup_buf_ struct buf pem;
        buf_init_secret(&pem, 65536);
        private_key_format_pem(&pem, world.health_key);
        _cleanup_free_ char *key = write_file(folder, "health.pem", buf_slice(&pem));
        _cleanup_free_ char *ingress = write_file(folder, "ingress.xml", buf_slice(&it.ingress));
        _cleanup_free_ char *response = write_file(folder, "response.xml", buf_slice(&it.out));
        _cleanup_free_ char *command = memory_format("python3 %s/unwrap_roll.py %s %s %s 2>&1",
                                                     getenv("HGS_VECTORS"), key, ingress, response);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        char got[4096] = "", expected[65];
        got[fread(got, 1, sizeof got - 1, pipe)] = '\0';
        assert_int_equal(pclose(pipe), 0);
        folder_remove(folder);
        hex_format(secret_slice(&it.key), expected);
        if (strncmp(got, expected, 64) != 0 || strlen(got) != 130)
            fail_msg("unwrap_roll.py: %s", got);
    }
}

static void what_came_out_goes_in_again(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    for (int i = 0; i < 3; i++) {
        assert_ok(try_roll(&it, err));
        _cleanup_roll_response_ struct roll_response response = {0};
        assert_ok(roll_response_parse(&response, buf_slice(&it.out), err));
        buf_reset(&it.ingress);
        buf_append(&it.ingress, buf_slice(&response.egress_protector));
        buf_reset(&it.out);
    }
}

static void health_certificates_are_checked(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    struct certificate_template form = health_form();
    form.usage = CERTIFICATE_DIGITAL_SIGNATURE;
    certificate_free(&it.health);
    it.health = issue_health(&form);
    expect_refused(&it, &health_profile);
    assert_string_equal(it.facts.host, HOST);
    assert_true(it.facts.host_trusted);
    certificate_free(&it.health);
    it.health = certificate_ref(world.owner.signing);
    expect_refused(&it, &health_untrusted);
    assert_string_equal(it.facts.host, "owner signing");
    assert_false(it.facts.host_trusted);
}

static void bytes_that_are_no_certificate_are_refused(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    struct roll_resources resources = {it.snapshot, world.running.keyholder, it.certificates,
                                       it.verifications, NOW};
    _cleanup_buf_ struct buf request;
    buf_init(&request, MESSAGE_SIZE_MAX);
    roll_request_format(&request, buf_slice(&it.ingress), slice_from_text("no certificate"),
                        it.transfer);
    assert_refused(roll_transport_key(&it.out, &it.facts, &resources, 2, buf_slice(&request), err),
                   &health_malformed);
    assert_refused(roll_transport_key(&it.out, &it.facts, &resources, 2, SLICE_EMPTY, err),
                   &keyprotection_request_malformed);
    assert_int_equal(it.out.size, 0);
}

/* The health certificate is looked at before the protector (MS-KPS 3.1.5.1.1.3). */
static void health_comes_first(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    buf_reset(&it.ingress);
    buf_append_text(&it.ingress, "<Protector/>");
    expect_refused(&it, &protector_malformed);
    assert_true(it.facts.has_ingress);
    certificate_free(&it.health);
    it.health = certificate_ref(world.owner.signing);
    expect_refused(&it, &health_untrusted);
    assert_false(it.facts.has_ingress);
}

static void altered_protectors_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        const struct error_code *code;
    } edits[] = {
        {"<Id>2</Id>", "<Id>3</Id>", &protector_signature},
        {"<Wrapping>", "<Wrapping><Wrapping/>", &protector_malformed},
        {"#hmac-sha256", "#hmac-sha1", &protector_algorithm},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        _cleanup_try_ struct roll_try it;
        try_init(&it);
        const char *text = buf_text(&it.ingress);
        const char *at = strstr(text, edits[i].from);
        assert_non_null(at);
        _cleanup_free_ char *altered = memory_format("%.*s%s%s", (int)(at - text), text,
                                                     edits[i].to, at + strlen(edits[i].from));
        buf_reset(&it.ingress);
        buf_append_text(&it.ingress, altered);
        expect_refused(&it, edits[i].code);
    }
}

/* Truncated at every byte inside a request that is whole. */
static void truncated_protectors_are_refused(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    _cleanup_buf_ struct buf whole;
    buf_init(&whole, PROTECTOR_SIZE_MAX);
    buf_append(&whole, buf_slice(&it.ingress));
    size_t end = (size_t)(strstr(buf_text(&whole), "</Protector>") - buf_text(&whole)) +
                 strlen("</Protector>");
    for (size_t size = 1; size < end; size += 7) {
        buf_reset(&it.ingress);
        buf_append_bytes(&it.ingress, whole.data, size);
        expect_refused(&it, &protector_malformed);
    }
}

static void a_protector_without_our_wrapping_is_refused(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    buf_done(&it.ingress);
    secret_done(&it.key);
    make_protector(&it.ingress, &it.key, NULL);
    expect_refused(&it, &keyprotection_guardian_gone);
    /* Our signing certificate, another's encryption certificate. */
    struct guardian half = world.service.guardian;
    struct keyholder_key reference = {world.running.keyholder, world.service.signing_key};
    struct signer signer = keyholder_signer(&reference);
    struct guardian stranger = {0};
    assert_ok(guardian_generate(&stranger, "stranger", NOW, err));
    half.encryption = stranger.encryption;
    buf_init(&half.encryption_signature, 1024);
    assert_ok(signer.sign(signer.context, SIGNATURE_RSA_PKCS1_SHA256,
                          certificate_der(half.encryption), &half.encryption_signature, err));
    buf_done(&it.ingress);
    secret_done(&it.key);
    make_protector(&it.ingress, &it.key, &half);
    expect_refused(&it, &protector_no_wrapping);
    buf_done(&half.encryption_signature);
    guardian_done(&stranger);
}

/* A protector of the same wrappings with other bytes as our ciphertext, signed well by its owner.
 */
static void forge_ciphertext(struct roll_try *it, struct slice ciphertext)
{
    const char *text = buf_text(&it->ingress);
    _cleanup_buf_ struct buf forged;
    buf_init(&forged, PROTECTOR_SIZE_MAX);
    /* The second CipherValue is ours. The guardian signature is made anew over the result. */
    struct signer signer = signer_of_key(world.owner.signing_key);
    const char *second = strstr(strstr(text, "<CipherValue>") + 1, "<CipherValue>");
    const char *end = strstr(second, "</CipherValue>");
    const char *start = strstr(text, "<Wrappings");
    const char *after = strstr(text, "</Wrappings>") + strlen("</Wrappings>");
    _cleanup_buf_ struct buf wrappings, signature;
    buf_init(&wrappings, PROTECTOR_SIZE_MAX);
    buf_init(&signature, 1024);
    buf_append_bytes(&wrappings, start, (size_t)(second - start));
    buf_append_text(&wrappings, "<CipherValue>");
    base64_append(&wrappings, ciphertext);
    buf_append_bytes(&wrappings, end, (size_t)(after - end));
    assert_ok(signer.sign(signer.context, SIGNATURE_RSA_PKCS1_SHA256, buf_slice(&wrappings),
                          &signature, err));
    const char *guardian = strstr(after, "<GuardianSignature");
    const char *value = strstr(guardian, "<SignatureValue>") + strlen("<SignatureValue>");
    buf_append_bytes(&forged, text, (size_t)(start - text));
    buf_append(&forged, buf_slice(&wrappings));
    buf_append_bytes(&forged, after, (size_t)(value - after));
    base64_append(&forged, buf_slice(&signature));
    buf_append_text(&forged, strstr(value, "</SignatureValue>"));
    buf_reset(&it->ingress);
    buf_append(&it->ingress, buf_slice(&forged));
}

static void all_secrets_have_one_answer(void **state)
{
    (void)state;
    struct error first = {0};
    for (int round = 0; round < 14; round++) {
        _cleanup_try_ struct roll_try it;
        int i = round % 7;
        try_init(&it);
        it.apart = round >= 7;
        _cleanup_buf_ struct buf payload, cipher;
        buf_init(&payload, 1024);
        buf_init(&cipher, 2048);
        uint8_t random[64];
        random_bytes(random, sizeof random);
        struct slice keys[] = {slice_of(random, 32), slice_of(random + 32, 32)};
        uint8_t zeros[1024] = {0};
        if (i == 0) /* another key */
            protector_payload_format(&payload, 1, keys, 1);
        else if (i == 1) /* too many */
            protector_payload_format(&payload, 2, keys, 2);
        else if (i == 2) /* no payload */
            buf_append_text(&payload, "payload");
        if (i < 3)
            assert_ok(public_key_encrypt(&cipher, world.service.encryption_key,
                                         ENCRYPTION_RSA_OAEP_SHA256, buf_slice(&payload), err));
        else /* no OAEP: of the right length, too short, too long, far too long */
            buf_append_bytes(&cipher, zeros, (size_t[]){256, 1, 257, 1024}[i - 3]);
        forge_ciphertext(&it, buf_slice(&cipher));
        struct error err = {0};
        assert_refused_with(try_roll(&it, &err), &err, &protector_opaque);
        assert_int_equal(it.out.size, 0);
        if (round == 0)
            first = err;
        assert_string_equal(err.message, first.message);
        assert_string_equal(err.object, first.object);
        assert_string_equal(err.clause, first.clause);
    }
}

static void a_bad_transport_key_signature_is_the_same_answer(void **state)
{
    (void)state;
    _cleanup_try_ struct roll_try it;
    try_init(&it);
    char *text = (char *)(uintptr_t)buf_text(&it.ingress);
    char *value =
        strstr(strstr(text, "#hmac-sha256"), "<SignatureValue>") + strlen("<SignatureValue>");
    *value = *value == 'A' ? 'B' : 'A';
    expect_refused(&it, &protector_opaque);
}

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
        cmocka_unit_test(a_healthy_host_gets_the_keys),
        cmocka_unit_test(another_program_unwraps_it),
        cmocka_unit_test(what_came_out_goes_in_again),
        cmocka_unit_test(health_certificates_are_checked),
        cmocka_unit_test(bytes_that_are_no_certificate_are_refused),
        cmocka_unit_test(health_comes_first),
        cmocka_unit_test(altered_protectors_are_refused),
        cmocka_unit_test(truncated_protectors_are_refused),
        cmocka_unit_test(a_protector_without_our_wrapping_is_refused),
        cmocka_unit_test(all_secrets_have_one_answer),
        cmocka_unit_test(a_bad_transport_key_signature_is_the_same_answer),
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
