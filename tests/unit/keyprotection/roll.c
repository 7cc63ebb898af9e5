/* SPDX-License-Identifier: Apache-2.0 */

/* Rolls that end well, and whatever may be wrong with the certificate or the protector. */

#include "roll_try.h"

#include "base/base64.h"
#include "base/file.h"

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
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
