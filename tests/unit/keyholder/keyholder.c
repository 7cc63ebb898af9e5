/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/keyholder.h"
#include "crypto/certificate_request.h"
#include "crypto/der.h"
#include "crypto/name.h"
#include "keyholder/errors.h"

#include <pthread.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/memory.h"
#include "crypto/kdf.h"
#include "running.h"

static struct running running;

static int start(void **state)
{
    (void)state;
    running_start(&running, 4);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    running_stop(&running);
    return 0;
}

#define MESSAGE slice_from_text("what is signed")

static bool sign(const struct public_key *key, enum signature_algorithm algorithm, struct buf *out,
                 struct error *err)
{
    return keyholder_sign(running.keyholder, public_key_digest(key), algorithm, MESSAGE, out, err);
}

static bool decrypt(const struct public_key *key, enum encryption_algorithm algorithm,
                    struct secret *out, struct error *why)
{
    _cleanup_buf_ struct buf ciphertext;
    buf_init(&ciphertext, 1024);
    assert_ok(
        public_key_encrypt(&ciphertext, key, algorithm, slice_from_text("a transport key"), err));
    return keyholder_decrypt(running.keyholder, public_key_digest(key), algorithm,
                             buf_slice(&ciphertext), out, why);
}

static bool checkpoint(const struct public_key *key, struct buf *out, struct error *err)
{
    static const uint8_t head[32] = {0xAB, [31] = 0xCD};
    return keyholder_checkpoint(running.keyholder, public_key_digest(key), 0x0102030405060708, head,
                                -2, out, err);
}

static void signs(const struct public_key *key, enum signature_algorithm algorithm)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(sign(key, algorithm, &signature, err));
    assert_ok(public_key_verify(key, algorithm, MESSAGE, buf_slice(&signature), err));
}

static void does_not_sign(const struct public_key *key, enum signature_algorithm algorithm,
                          const char *code)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_refused(sign(key, algorithm, &signature, err), code);
    assert_int_equal(signature.size, 0);
}

static void does_not_decrypt(const struct public_key *key, const char *code)
{
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    uint8_t ciphertext[256] = {1};
    assert_refused(keyholder_decrypt(running.keyholder, public_key_digest(key),
                                     ENCRYPTION_RSA_OAEP_SHA256,
                                     slice_of(ciphertext, sizeof ciphertext), &plain, err),
                   code);
    assert_null(plain.data);
}

static void does_not_checkpoint(const struct public_key *key, const char *code)
{
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_refused(checkpoint(key, &signature, err), code);
}

static void a_guardian_signing_key_only_signs(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    signs(key, SIGNATURE_RSA_PKCS1_SHA256);
    signs(key, SIGNATURE_RSA_PKCS1_SHA384);
    signs(key, SIGNATURE_RSA_PKCS1_SHA512);
    signs(key, SIGNATURE_RSA_PSS_SHA256);
    does_not_sign(key, SIGNATURE_ECDSA_SHA256, "keyholder.purpose");
    does_not_decrypt(key, "keyholder.purpose");
    does_not_checkpoint(key, "keyholder.purpose");
}

static void a_guardian_encryption_key_only_decrypts(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    for (enum encryption_algorithm algorithm = ENCRYPTION_RSA_OAEP_SHA256;
         algorithm <= ENCRYPTION_RSA_OAEP_SHA1; algorithm++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        assert_ok(decrypt(key, algorithm, &plain, err));
        assert_true(slice_equals_text(secret_slice(&plain), "a transport key"));
    }
    for (enum signature_algorithm algorithm = SIGNATURE_RSA_PKCS1_SHA256;
         algorithm <= SIGNATURE_ECDSA_SHA384; algorithm++)
        does_not_sign(key, algorithm, "keyholder.purpose");
    does_not_checkpoint(key, "keyholder.purpose");
    does_not_decrypt(key, "crypto.decryption-failed");
}

/* A roll by these keys, of a ciphertext that is for `decrypting`, spoilt or not. */
static bool roll_with(const struct public_key *decrypting, const struct public_key *signing,
                      bool spoilt, struct secret *plain, bool *opened, struct buf *signature,
                      struct error *why)
{
    _cleanup_buf_ struct buf ciphertext;
    buf_init(&ciphertext, 1024);
    assert_ok(public_key_encrypt(&ciphertext, decrypting, ENCRYPTION_RSA_OAEP_SHA256,
                                 slice_from_text("a transport key"), err));
    ciphertext.data[100] ^= spoilt;
    const struct keyholder_roll roll = {
        .decrypting_key_id = public_key_digest(decrypting),
        .encryption = ENCRYPTION_RSA_OAEP_SHA256,
        .ciphertext = buf_slice(&ciphertext),
        .signing_key_id = public_key_digest(signing),
        .signature = SIGNATURE_RSA_PKCS1_SHA256,
        .message = slice_from_text("a key protector"),
    };
    return keyholder_roll(running.keyholder, &roll, plain, opened, signature, why);
}

static void a_roll_decrypts_and_signs(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *encryption =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *signing =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    for (int spoilt = 0; spoilt <= 1; spoilt++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        _cleanup_buf_ struct buf signature;
        bool opened = spoilt;
        buf_init(&signature, 1024);
        assert_ok(roll_with(encryption, signing, spoilt, &plain, &opened, &signature, err));
        assert_int_equal(opened, !spoilt);
        assert_true(slice_equals_text(secret_slice(&plain), spoilt ? "" : "a transport key"));
        assert_ok(public_key_verify(signing, SIGNATURE_RSA_PKCS1_SHA256,
                                    slice_from_text("a key protector"), buf_slice(&signature),
                                    err));
    }
}

static void a_roll_keeps_to_purposes(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *encryption =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *signing =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_private_key_ struct private_key *stranger = NULL;
    assert_ok(private_key_generate(&stranger, PRIVATE_KEY_RSA_2048, err));
    const struct public_key *unknown = private_key_public(stranger);
    const struct {
        const struct public_key *decrypting, *signing;
        const char *code;
    } rows[] = {
        {signing, signing, "keyholder.purpose"},
        {encryption, encryption, "keyholder.purpose"},
        {unknown, signing, "keyholder.key-unknown"},
        {encryption, unknown, "keyholder.key-unknown"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        _cleanup_buf_ struct buf signature;
        bool opened;
        buf_init(&signature, 1024);
        assert_refused(
            roll_with(rows[i].decrypting, rows[i].signing, false, &plain, &opened, &signature, err),
            rows[i].code);
        assert_null(plain.data);
        assert_int_equal(signature.size, 0);
    }
}

/* Requests are signed by keys that may sign nothing else, so only what is a request for that very
 * key is. */
static void certificate_requests_are_signed_and_nothing_like_them(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *other =
        running_key(&running, KEY_PURPOSE_ATTESTATION_SIGNER, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_buf_ struct buf name, der, signature;
    buf_init(&name, 1024);
    buf_init(&der, CERTIFICATE_REQUEST_SIZE_MAX);
    buf_init(&signature, 1024);
    assert_ok(name_parse(&name, "CN=x", err));
    struct certificate_request_template wanted = {buf_slice(&name), CERTIFICATE_KEY_ENCIPHERMENT};
    struct keyholder_key reference = {running.keyholder, key},
                         of_other = {running.keyholder, other};
    struct signer signer = keyholder_request_signer(&reference);
    assert_ok(certificate_request_issue(&der, &wanted, &signer, err));

    /* The request's first element is what was signed. */
    struct reader outer = reader_of(buf_slice(&der));
    struct reader inside = der_enter(&outer, DER_SEQUENCE);
    struct slice info = der_read_element(&inside);
    const uint8_t *id = public_key_digest(key);
    assert_ok(keyholder_request(running.keyholder, id, info, &signature, err));
    assert_ok(public_key_verify(key, SIGNATURE_RSA_PKCS1_SHA256, info, buf_slice(&signature), err));
    buf_reset(&signature);
    assert_refused(keyholder_request(running.keyholder, id, MESSAGE, &signature, err),
                   "crypto.request-malformed");
    assert_refused(keyholder_request(running.keyholder, id, buf_slice(&der), &signature, err),
                   "crypto.request-malformed");
    assert_refused(keyholder_request(running.keyholder, id, slice_of(info.data, info.size - 1),
                                     &signature, err),
                   "crypto.request-malformed");
    assert_refused(
        keyholder_request(running.keyholder, public_key_digest(other), info, &signature, err),
        "crypto.request-malformed");
    assert_int_equal(signature.size, 0);
    signer = keyholder_request_signer(&of_other); /* a signer of certificates issues its own */
    buf_reset(&der);
    assert_refused(certificate_request_issue(&der, &wanted, &signer, err), "keyholder.purpose");
}

static void an_attestation_signer_signs_certificates_only(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *rsa =
        running_key(&running, KEY_PURPOSE_ATTESTATION_SIGNER, PRIVATE_KEY_RSA_2048, NULL);
    signs(rsa, SIGNATURE_RSA_PKCS1_SHA256);
    does_not_sign(rsa, SIGNATURE_RSA_PKCS1_SHA384, "keyholder.purpose");
    does_not_sign(rsa, SIGNATURE_RSA_PKCS1_SHA512, "keyholder.purpose");
    does_not_sign(rsa, SIGNATURE_RSA_PSS_SHA256, "keyholder.purpose");
    does_not_sign(rsa, SIGNATURE_ECDSA_SHA256, "crypto.key-unsupported");
    does_not_decrypt(rsa, "keyholder.purpose");
    does_not_checkpoint(rsa, "keyholder.purpose");
    _cleanup_public_key_ struct public_key *p256 =
        running_key(&running, KEY_PURPOSE_ATTESTATION_SIGNER, PRIVATE_KEY_P256, NULL);
    signs(p256, SIGNATURE_ECDSA_SHA256);
    _cleanup_public_key_ struct public_key *p384 =
        running_key(&running, KEY_PURPOSE_ATTESTATION_SIGNER, PRIVATE_KEY_P384, NULL);
    signs(p384, SIGNATURE_ECDSA_SHA384);
    does_not_sign(p384, SIGNATURE_RSA_PKCS1_SHA256, "crypto.key-unsupported");
}

static void a_communications_key_signs(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_COMMUNICATIONS, PRIVATE_KEY_RSA_2048, NULL);
    signs(key, SIGNATURE_RSA_PKCS1_SHA256);
    does_not_decrypt(key, "keyholder.purpose");
    does_not_checkpoint(key, "keyholder.purpose");
}

static void an_audit_key_signs_checkpoints_only(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(checkpoint(key, &signature, err));
    static const uint8_t numbers[] = {8, 7, 6, 5, 4, 3, 2, 1};
    static const uint8_t time[] = {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    static const uint8_t head[32] = {0xAB, [31] = 0xCD};
    struct buf message;
    buf_init(&message, 128);
    buf_append_text(&message, "HGS-AUDIT-CHECKPOINT-1");
    buf_append_bytes(&message, numbers, sizeof numbers);
    buf_append_bytes(&message, head, sizeof head);
    buf_append_bytes(&message, time, sizeof time);
    assert_ok(public_key_verify(key, SIGNATURE_ECDSA_SHA256, buf_slice(&message),
                                buf_slice(&signature), err));
    buf_done(&message);
    for (enum signature_algorithm algorithm = SIGNATURE_RSA_PKCS1_SHA256;
         algorithm <= SIGNATURE_ECDSA_SHA384; algorithm++)
        does_not_sign(key, algorithm, "keyholder.purpose");
    does_not_decrypt(key, "keyholder.purpose");
}

static void keys_of_the_wrong_kind_are_not_made(void **state)
{
    (void)state;
    static const struct {
        enum key_purpose purpose;
        enum private_key_kind kind;
    } refused[] = {
        {KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_P256},
        {KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_P256},
        {KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_P384},
        {KEY_PURPOSE_COMMUNICATIONS, PRIVATE_KEY_P256},
        {KEY_PURPOSE_AUDIT, PRIVATE_KEY_P384},
        {KEY_PURPOSE_AUDIT, PRIVATE_KEY_RSA_2048},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        _cleanup_buf_ struct buf sealed;
        buf_init(&sealed, KEYHOLDER_SEALED_MAX);
        _cleanup_public_key_ struct public_key *key = NULL;
        assert_refused(keyholder_generate(running.keyholder, refused[i].purpose, refused[i].kind,
                                          &key, &sealed, err),
                       "crypto.key-unsupported");
        assert_null(key);
        assert_int_equal(sealed.size, 0);
    }
}

static void only_loaded_keys_work_and_forgotten_ones_do_not(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    _cleanup_public_key_ struct public_key *key = NULL;
    assert_ok(keyholder_generate(running.keyholder, KEY_PURPOSE_ATTESTATION_SIGNER,
                                 PRIVATE_KEY_P256, &key, &sealed, err));
    does_not_sign(key, SIGNATURE_ECDSA_SHA256, "keyholder.key-unknown");
    does_not_decrypt(key, "keyholder.key-unknown");
    does_not_checkpoint(key, "keyholder.key-unknown");
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err));
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err));
    signs(key, SIGNATURE_ECDSA_SHA256);
    const uint8_t *id = public_key_digest(key);
    assert_ok(keyholder_forget(running.keyholder, id, err));
    does_not_sign(key, SIGNATURE_ECDSA_SHA256, "keyholder.key-unknown");
    assert_refused(keyholder_forget(running.keyholder, id, err), "keyholder.key-unknown");
}

/* Nobody sees a keyholder that was started again with half of its keys. */
static void a_held_keyholder_only_loads(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf sealed, signature;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&signature, 1024);
    struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, &sealed);
    const uint8_t *id = public_key_digest(key);
    keyholder_hold(running.keyholder, true);
    assert_false(keyholder_alive(running.keyholder));
    assert_refused(keyholder_sign(running.keyholder, id, SIGNATURE_RSA_PKCS1_SHA256, SLICE_EMPTY,
                                  &signature, err),
                   "keyholder.away");
    assert_ok(keyholder_forget(running.keyholder, id, err));
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err));
    keyholder_hold(running.keyholder, false);
    assert_true(keyholder_alive(running.keyholder));
    assert_ok(keyholder_sign(running.keyholder, id, SIGNATURE_RSA_PKCS1_SHA256, SLICE_EMPTY,
                             &signature, err));
    public_key_free(&key);
}

static void the_number_of_keys_is_limited(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    struct public_key *last = NULL;
    for (int i = 0; i < 256; i++) {
        public_key_free(&last);
        last = running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    }
    _cleanup_public_key_ struct public_key *key = NULL;
    assert_ok(keyholder_generate(running.keyholder, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &key,
                                 &sealed, err));
    assert_refused(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err),
                   "keyholder.limit");
    assert_ok(keyholder_forget(running.keyholder, public_key_digest(last), err));
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err));
    public_key_free(&last);
}

static void sealed_keys_of_another_cluster_are_refused(void **state)
{
    (void)state;
    struct running other;
    running_start(&other, 1);
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    struct public_key *key = running_key(&other, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &sealed);
    public_key_free(&key);
    running_stop(&other);
    assert_refused(keyholder_load(running.keyholder, buf_slice(&sealed), NULL, err),
                   "keyholder.sealed");
    assert_refused(keyholder_load(running.keyholder, SLICE_EMPTY, NULL, err), "keyholder.sealed");
    uint8_t large[KEYHOLDER_SEALED_MAX + 1] = {0};
    assert_refused(keyholder_load(running.keyholder, slice_of(large, sizeof large), NULL, err),
                   "keyholder.sealed");
}

static void no_ciphertext_is_too_strange(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    static const size_t sizes[] = {0, 1, 255, 256, 257, 1024, 1025, 60000};
    _cleanup_free_ uint8_t *bytes = memory_allocate_zero(1, 60000);
    memset(bytes, 0xFF, 60000);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        _cleanup_secret_ struct secret plain = SECRET_EMPTY;
        assert_refused(keyholder_decrypt(running.keyholder, public_key_digest(key),
                                         ENCRYPTION_RSA_OAEP_SHA256, slice_of(bytes, sizes[i]),
                                         &plain, err),
                       "crypto.decryption-failed");
    }
}

static void derive(uint64_t epoch, struct secret *out)
{
    assert_ok(keyholder_derive(running.keyholder, KEYHOLDER_LABEL_RTPM, epoch, out, err));
    assert_int_equal(out->size, KEYHOLDER_DERIVED_SIZE);
}

/* RFC 5869 over cluster.key, done here from the file. */
static void a_derived_key_is_the_clusters(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret first = SECRET_EMPTY, again = SECRET_EMPTY, other = SECRET_EMPTY;
    _cleanup_secret_ struct secret extracted = SECRET_EMPTY, expected = SECRET_EMPTY;
    _cleanup_buf_ struct buf text, key;
    char path[128];
    buf_init(&text, 4096);
    buf_init(&key, CLUSTER_KEY_SIZE);
    derive(0x0102, &first);
    derive(0x0102, &again);
    derive(0x0103, &other);
    assert_true(secret_equal(secret_slice(&first), secret_slice(&again)));
    assert_false(secret_equal(secret_slice(&first), secret_slice(&other)));
    snprintf(path, sizeof path, "%s/%s", running.folder, CLUSTER_KEY_FILE);
    assert_ok(file_read(&text, path, err));
    struct slice digits = {text.data + text.size - 65, 64};
    assert_ok(hex_parse(&key, digits, err));
    kdf_hkdf_extract(&extracted, SLICE_EMPTY, buf_slice(&key));
    kdf_hkdf_expand(&expected, secret_slice(&extracted),
                    slice_of("HGS-RTPM-SEAL-1\x02\x01\0\0\0\0\0\0", 23), 32);
    assert_true(secret_equal(secret_slice(&first), secret_slice(&expected)));
    keyholder_hold(running.keyholder, true);
    assert_refused(
        keyholder_derive(running.keyholder, KEYHOLDER_LABEL_RTPM, 1, &(struct secret){0}, err),
        "keyholder.away");
    keyholder_hold(running.keyholder, false);
}

static void a_signer_signs(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    struct keyholder_key reference = {running.keyholder, key};
    struct signer signer = keyholder_signer(&reference);
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(signer.sign(signer.context, SIGNATURE_RSA_PKCS1_SHA256, MESSAGE, &signature, err));
    assert_ok(public_key_verify(signer.public_key, SIGNATURE_RSA_PKCS1_SHA256, MESSAGE,
                                buf_slice(&signature), err));
}

#define THREADS 8
#define ROUNDS 40

struct load {
    pthread_t thread;
    const struct public_key *signing, *encryption, *audit;
    unsigned done, away;
    struct error unexpected;
};

/* Counts what was done and what failed because the process is away; keeps anything else. */
static bool counted(struct load *load, bool ok, const struct error *err)
{
    if (ok)
        load->done++;
    else if (err->code == &keyholder_away)
        load->away++;
    else
        load->unexpected = *err;
    return ok;
}

static bool round_of(struct load *load)
{
    struct error err = {0};
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    if (!counted(load, sign(load->signing, SIGNATURE_RSA_PKCS1_SHA256, &signature, &err), &err))
        return false;
    if (!public_key_verify(load->signing, SIGNATURE_RSA_PKCS1_SHA256, MESSAGE,
                           buf_slice(&signature), &load->unexpected))
        return false;
    if (!counted(load, decrypt(load->encryption, ENCRYPTION_RSA_OAEP_SHA256, &plain, &err), &err))
        return false;
    if (!slice_equals_text(secret_slice(&plain), "a transport key"))
        return error_set(&load->unexpected, &keyholder_message, NULL, NULL, "another plaintext");
    buf_reset(&signature);
    return counted(load, checkpoint(load->audit, &signature, &err), &err);
}

static void *rounds(void *context)
{
    struct load *load = context;
    for (int i = 0; i < ROUNDS && round_of(load); i++)
        ;
    return NULL;
}

static void *until_away(void *context)
{
    struct load *load = context;
    while (round_of(load))
        ;
    return NULL;
}

static void start_loads(struct load *loads, void *(*run)(void *), const struct public_key *signing,
                        const struct public_key *encryption, const struct public_key *audit)
{
    for (size_t i = 0; i < THREADS; i++) {
        loads[i] = (struct load){.signing = signing, .encryption = encryption, .audit = audit};
        assert_int_equal(pthread_create(&loads[i].thread, NULL, run, &loads[i]), 0);
    }
}

static void nothing_unexpected(const struct load *load)
{
    char text[1200];
    if (load->unexpected.code != NULL)
        fail_msg("%s", error_format(&load->unexpected, text, sizeof text));
}

static void eight_threads_share_four_channels(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *signing =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *encryption =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, NULL);
    _cleanup_public_key_ struct public_key *audit =
        running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    struct load loads[THREADS];
    start_loads(loads, rounds, signing, encryption, audit);
    /* Keys come and go meanwhile. */
    for (int i = 0; i < 20; i++) {
        _cleanup_public_key_ struct public_key *other =
            running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
        assert_ok(keyholder_forget(running.keyholder, public_key_digest(other), err));
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(loads[i].thread, NULL);
        nothing_unexpected(&loads[i]);
        assert_int_equal(loads[i].done, 3 * ROUNDS);
    }
    assert_true(keyholder_alive(running.keyholder));
}

static void when_it_is_killed_calls_fail_and_afterwards_work_again(void **state)
{
    (void)state;
    struct buf sealed[3];
    for (size_t i = 0; i < 3; i++)
        buf_init(&sealed[i], KEYHOLDER_SEALED_MAX);
    _cleanup_public_key_ struct public_key *signing =
        running_key(&running, KEY_PURPOSE_GUARDIAN_SIGNING, PRIVATE_KEY_RSA_2048, &sealed[0]);
    _cleanup_public_key_ struct public_key *encryption =
        running_key(&running, KEY_PURPOSE_GUARDIAN_ENCRYPTION, PRIVATE_KEY_RSA_2048, &sealed[1]);
    _cleanup_public_key_ struct public_key *audit =
        running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &sealed[2]);
    for (int killing = 0; killing < 3; killing++) {
        struct load loads[THREADS];
        start_loads(loads, until_away, signing, encryption, audit);
        running_kill(&running);
        for (size_t i = 0; i < THREADS; i++) {
            pthread_join(loads[i].thread, NULL);
            nothing_unexpected(&loads[i]);
            assert_int_equal(loads[i].away, 1);
        }
        assert_false(keyholder_alive(running.keyholder));
        does_not_sign(signing, SIGNATURE_RSA_PKCS1_SHA256, "keyholder.away");

        int sockets[4];
        running_spawn(&running, sockets, 4);
        keyholder_replace(running.keyholder, sockets, 4);
        does_not_sign(signing, SIGNATURE_RSA_PKCS1_SHA256, "keyholder.key-unknown");
        for (size_t i = 0; i < 3; i++)
            assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed[i]), NULL, err));
        signs(signing, SIGNATURE_RSA_PKCS1_SHA256);
        assert_true(keyholder_alive(running.keyholder));
    }
    for (size_t i = 0; i < 3; i++)
        buf_done(&sealed[i]);
}

static void a_stopped_keyholder_holds_nobody_up_beyond_the_deadline(void **state)
{
    (void)state;
    _cleanup_public_key_ struct public_key *key =
        running_key(&running, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, NULL);
    keyholder_set_deadline(running.keyholder, 100);
    assert_int_equal(kill(running.pid, SIGSTOP), 0);
    int status;
    assert_int_equal(waitpid(running.pid, &status, WUNTRACED), running.pid);
    assert_true(WIFSTOPPED(status));
    does_not_checkpoint(key, "keyholder.stuck");
    assert_false(keyholder_alive(running.keyholder));
    assert_int_equal(kill(running.pid, SIGCONT), 0);
    keyholder_set_deadline(running.keyholder, 10000);
    _cleanup_buf_ struct buf signature;
    buf_init(&signature, 1024);
    assert_ok(checkpoint(key, &signature, err));
    assert_true(keyholder_alive(running.keyholder));
}

static void count_stuck(void *context)
{
    (*(unsigned *)context)++;
}

/* What takes a minute is not asked of one that does not answer what takes no time; who finds that
 * out has told of it. */
static void nobody_waits_a_minute_for_a_stopped_keyholder(void **state)
{
    (void)state;
    unsigned told = 0;
    struct public_key *key = NULL;
    _cleanup_buf_ struct buf sealed;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    assert_ok(keyholder_answers(running.keyholder, err));
    keyholder_set_deadline(running.keyholder, 100);
    keyholder_watch(running.keyholder, count_stuck, &told);
    assert_int_equal(kill(running.pid, SIGSTOP), 0);
    int status;
    assert_int_equal(waitpid(running.pid, &status, WUNTRACED), running.pid);
    assert_refused(keyholder_generate(running.keyholder, KEY_PURPOSE_AUDIT, PRIVATE_KEY_P256, &key,
                                      &sealed, err),
                   "keyholder.stuck");
    assert_int_equal(told, 1);
    running_kill(&running);
    keyholder_replace(running.keyholder, NULL, 0);
    assert_refused(keyholder_answers(running.keyholder, err), "keyholder.away");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_guardian_signing_key_only_signs),
        TEST(a_guardian_encryption_key_only_decrypts),
        TEST(a_roll_decrypts_and_signs),
        TEST(a_roll_keeps_to_purposes),
        TEST(certificate_requests_are_signed_and_nothing_like_them),
        TEST(an_attestation_signer_signs_certificates_only),
        TEST(a_communications_key_signs),
        TEST(an_audit_key_signs_checkpoints_only),
        TEST(keys_of_the_wrong_kind_are_not_made),
        TEST(only_loaded_keys_work_and_forgotten_ones_do_not),
        TEST(a_held_keyholder_only_loads),
        TEST(the_number_of_keys_is_limited),
        TEST(sealed_keys_of_another_cluster_are_refused),
        TEST(no_ciphertext_is_too_strange),
        TEST(a_derived_key_is_the_clusters),
        TEST(a_signer_signs),
        TEST(eight_threads_share_four_channels),
        TEST(when_it_is_killed_calls_fail_and_afterwards_work_again),
        TEST(a_stopped_keyholder_holds_nobody_up_beyond_the_deadline),
        TEST(nobody_waits_a_minute_for_a_stopped_keyholder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
