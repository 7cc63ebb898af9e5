/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/public_key.h"

#include "tool.h"

static int set_up(void **state)
{
    if (tool_set_up(state) != 0)
        return 1;
    tool_run("openssl genrsa -out rsa.key 2048\n"
             "for c in prime256v1 secp384r1 secp521r1; do "
             "openssl ecparam -name $c -genkey -noout -out $c.key; done\n"
             "for k in rsa prime256v1 secp384r1 secp521r1; do "
             "openssl pkey -in $k.key -pubout -outform der -out $k.der; done\n"
             "echo message > message\n"
             "openssl dgst -sha1 -sign rsa.key -out rsa.sha1 message\n"
             "openssl dgst -sha512 -sign secp521r1.key -out p521.sha512 message\n"
             "openssl dgst -sha512 -sign secp384r1.key -out p384.sha512 message");
    return 0;
}

static struct public_key *parse(const char *file)
{
    struct buf der;
    struct public_key *key = NULL;
    assert_ok(public_key_parse_endorsement(&key, tool_read(&der, file), err));
    buf_done(&der);
    return key;
}

/* openssl decrypts it, with the same digest for both and the label. */
static void test_labelled_encryption(void **state)
{
    (void)state;
    struct public_key *key = parse("rsa.der");
    static const enum digest_algorithm algorithms[] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384,
                                                       DIGEST_SHA512};
    /* Twice: a context that was kept must not keep the label. */
    for (size_t i = 0; i < 8; i++) {
        enum digest_algorithm digest = algorithms[i % 4];
        const char *label = i < 4 ? "SECRET" : "IDENTITY";
        struct buf cipher, plain;
        buf_init(&cipher, 1024);
        assert_ok(
            public_key_encrypt_labelled(&cipher, key, digest, slice_of(label, strlen(label) + 1),
                                        slice_of("thirty-two bytes of a secret ... ", 32), err));
        tool_write("cipher", buf_slice(&cipher));
        tool_run("openssl pkeyutl -decrypt -inkey rsa.key -in cipher -out plain "
                 "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:%s -pkeyopt rsa_mgf1_md:%s "
                 "-pkeyopt rsa_oaep_label:%s00",
                 digest_name(digest), digest_name(digest),
                 i < 4 ? "534543524554" : "4944454e54495459");
        assert_slice_equal(tool_read(&plain, "plain"),
                           slice_of("thirty-two bytes of a secret ... ", 32));
        buf_done(&plain);
        buf_done(&cipher);
    }
    public_key_free(&key);
}

static void test_labelled_encryption_refused(void **state)
{
    (void)state;
    static const uint8_t large[191];
    struct public_key *rsa = parse("rsa.der"), *ecc = parse("prime256v1.der");
    struct buf cipher;
    struct error refusal;
    struct slice label = slice_of("SECRET", 7);
    buf_init(&cipher, 1024);
    assert_refused(
        public_key_encrypt_labelled(&cipher, ecc, DIGEST_SHA256, label, slice_of(large, 1), err),
        "crypto.key-unsupported");
    assert_refused(public_key_encrypt_labelled(&cipher, rsa, DIGEST_SHA256, label,
                                               slice_of(large, sizeof large), err),
                   "crypto.key-unsupported");
    assert_refused(
        public_key_encrypt_labelled(&cipher, rsa, DIGEST_SHA256, label, SLICE_EMPTY, err),
        "crypto.key-unsupported");
    assert_int_equal(cipher.size, 0);
    assert_true(public_key_encrypt_labelled(&cipher, rsa, DIGEST_SHA256, label,
                                            slice_of(large, 190), &refusal));
    buf_done(&cipher);
    public_key_free(&rsa);
    public_key_free(&ecc);
}

/* openssl derives the same from its half and the ephemeral point. */
static void test_agreement(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t field;
        enum public_key_type type;
    } curves[] = {{"prime256v1", 32, PUBLIC_KEY_P256}, {"secp384r1", 48, PUBLIC_KEY_P384}};
    for (size_t i = 0; i < 2; i++) {
        char *file = memory_format("%s.der", curves[i].name);
        struct public_key *key = parse(file), *ephemeral = NULL;
        free(file);
        struct public_key_agreement made, again;
        assert_ok(public_key_agree(&made, key, err));
        assert_ok(public_key_agree(&again, key, err));
        assert_int_equal(made.field_size, curves[i].field);
        assert_memory_not_equal(made.ephemeral_x, again.ephemeral_x, made.field_size);
        assert_ok(public_key_of_point(&ephemeral, curves[i].type,
                                      slice_of(made.ephemeral_x, made.field_size),
                                      slice_of(made.ephemeral_y, made.field_size), err));
        tool_write("peer.der", public_key_spki(ephemeral));
        tool_run("openssl pkeyutl -derive -inkey %s.key -peerform der -peerkey peer.der -out z",
                 curves[i].name);
        struct buf shared;
        assert_slice_equal(tool_read(&shared, "z"), slice_of(made.shared_x, made.field_size));
        buf_done(&shared);
        assert_memory_equal(made.key_x, public_key_material(key).data + 1, made.field_size);
        public_key_free(&ephemeral);
        public_key_free(&key);
    }
}

static void test_agreement_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"rsa.der", "secp521r1.der"};
    for (size_t i = 0; i < 2; i++) {
        struct public_key *key = parse(files[i]);
        struct public_key_agreement made;
        assert_refused(public_key_agree(&made, key, err), "crypto.key-unsupported");
        public_key_free(&key);
    }
}

static void test_endorsement_signatures(void **state)
{
    (void)state;
    static const struct {
        const char *key, *signature;
        enum endorsement_signature algorithm;
        const char *code;
    } cases[] = {
        {"rsa.der", "rsa.sha1", ENDORSEMENT_SIGNATURE_RSA_SHA1, NULL},
        {"secp521r1.der", "p521.sha512", ENDORSEMENT_SIGNATURE_ECDSA_SHA512, NULL},
        {"secp384r1.der", "p384.sha512", ENDORSEMENT_SIGNATURE_ECDSA_SHA512, NULL},
        {"secp384r1.der", "p521.sha512", ENDORSEMENT_SIGNATURE_ECDSA_SHA512,
         "crypto.signature-wrong"},
        {"rsa.der", "message", ENDORSEMENT_SIGNATURE_RSA_SHA1, "crypto.signature-wrong"},
        {"rsa.der", "p521.sha512", ENDORSEMENT_SIGNATURE_ECDSA_SHA512, "crypto.key-unsupported"},
        {"secp384r1.der", "rsa.sha1", ENDORSEMENT_SIGNATURE_RSA_SHA1, "crypto.key-unsupported"},
        {"rsa.der", "rsa.sha1", ENDORSEMENT_SIGNATURE_NONE, "crypto.key-unsupported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct public_key *key = parse(cases[i].key);
        struct buf message, signature;
        tool_read(&message, "message");
        tool_read(&signature, cases[i].signature);
        if (cases[i].code == NULL) {
            assert_ok(public_key_verify_endorsement(key, cases[i].algorithm, buf_slice(&message),
                                                    buf_slice(&signature), err));
            message.data[0] ^= 1;
            assert_refused(public_key_verify_endorsement(key, cases[i].algorithm,
                                                         buf_slice(&message), buf_slice(&signature),
                                                         err),
                           "crypto.signature-wrong");
            assert_refused(public_key_verify_endorsement(key, cases[i].algorithm,
                                                         buf_slice(&message), SLICE_EMPTY, err),
                           "crypto.signature-wrong");
        } else {
            assert_refused(public_key_verify_endorsement(key, cases[i].algorithm,
                                                         buf_slice(&message), buf_slice(&signature),
                                                         err),
                           cases[i].code);
        }
        buf_done(&message);
        buf_done(&signature);
        public_key_free(&key);
    }
}

/* P-521 is for authorities that certify TPMs, and nobody else. */
static void test_p521(void **state)
{
    (void)state;
    struct buf der;
    struct public_key *key = parse("secp521r1.der"), *strict = NULL;
    assert_int_equal(public_key_type(key), PUBLIC_KEY_P521);
    assert_int_equal(public_key_bits(key), 521);
    assert_refused(public_key_parse(&strict, tool_read(&der, "secp521r1.der"), err),
                   "crypto.key-unsupported");
    buf_done(&der);
    public_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labelled_encryption),
        cmocka_unit_test(test_labelled_encryption_refused),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_agreement_refused),
        cmocka_unit_test(test_endorsement_signatures),
        cmocka_unit_test(test_p521),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
