/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/endorsement_certificate.h"

#include "tpm_test.h"

#include "../simulated_tpm.h"
#include "../software_tpm.h"
#include "endorsement_files.h"

#define NOW 1790000000 /* 2026-09-21 */
#define NAMES_MAX 12

/* A trust of certificates by name; those behind "-" are intermediates. (Those behind "+" come with
 * the certificate.) */
static struct tpm_trust *make_trust(const char *const names[NAMES_MAX])
{
    struct tpm_trusted_certificate certificates[NAMES_MAX];
    struct buf files[NAMES_MAX];
    size_t count = 0, skipped = 9;
    for (; count < NAMES_MAX && names[count] != NULL && names[count][0] != '+'; count++) {
        bool intermediate = names[count][0] == '-';
        files_certificate(&files[count], names[count] + intermediate);
        certificates[count] =
            (struct tpm_trusted_certificate){buf_slice(&files[count]), intermediate};
    }
    struct tpm_trust *trust = tpm_trust_new(certificates, count, 16, &skipped);
    assert_int_equal(skipped, 0);
    assert_int_equal(tpm_trust_count(trust), count);
    for (size_t i = 0; i < count; i++)
        buf_done(&files[i]);
    return trust;
}

/* What comes with the certificate: names behind "+", one behind the other. */
static void read_brought(struct buf *out, const char *const names[NAMES_MAX])
{
    buf_init(out, (size_t)NAMES_MAX * CERTIFICATE_SIZE_MAX);
    for (size_t i = 0; i < NAMES_MAX && names[i] != NULL; i++) {
        struct buf der;
        if (names[i][0] != '+')
            continue;
        buf_append(out, files_certificate(&der, names[i] + 1));
        buf_done(&der);
    }
}

static bool verify(const char *name, const char *const names[NAMES_MAX], struct tpm_trust *trust,
                   struct error *err)
{
    struct buf der;
    _cleanup_buf_ struct buf brought;
    struct certificate *certificate = NULL;
    read_brought(&brought, names);
    bool good = tpm_endorsement_certificate_verify(&certificate, files_certificate(&der, name),
                                                   buf_slice(&brought), trust, NOW, err);
    assert_true(good == (certificate != NULL));
    if (good)
        assert_slice_equal(certificate_der(certificate), buf_slice(&der));
    certificate_free(&certificate);
    buf_done(&der);
    return good;
}

struct chain {
    const char *name;
    const char *trusted[NAMES_MAX];
    const char *code;  /* NULL: accepted */
    const char *words; /* that the message or the object has */
};

static void check_chains(const struct chain *chains, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error refusal = {0};
        const struct chain *chain = &chains[i];
        _cleanup_tpm_trust_ struct tpm_trust *trust = make_trust(chain->trusted);
        if (chain->code == NULL) {
            /* Twice: by the signature, and by what is remembered of it. */
            assert_ok(verify(chain->name, chain->trusted, trust, err));
            assert_ok(verify(chain->name, chain->trusted, trust, err));
            continue;
        }
        assert_refused_with(verify(chain->name, chain->trusted, trust, &refusal), &refusal,
                            chain->code);
        if (strstr(refusal.message, chain->words) == NULL &&
            strstr(refusal.object, chain->words) == NULL)
            fail_msg("%s: “%s” is not in “%s: %s”", chain->name, chain->words, refusal.object,
                     refusal.message);
        struct error again;
        assert_refused_with(verify(chain->name, chain->trusted, trust, &again), &again,
                            chain->code);
        assert_string_equal(again.message, refusal.message);
    }
}
#define CHECK_CHAINS(chains) check_chains(chains, sizeof(chains) / sizeof(chains)[0])

static void test_tidy(void **state)
{
    (void)state;
    static const struct chain chains[] = {
        {"ek", {"root", "-inter"}, NULL, NULL},
        {"ek-p256", {"root", "-inter"}, NULL, NULL},
        {"ek-p384", {"root", "-inter"}, NULL, NULL},
        {"ek-by-short", {"root", "-short"}, NULL, NULL},
        {"ek-by-both", {"root", "-both-inter"}, NULL, NULL},
        {"ek-level7",
         {"root", "-level1", "-level2", "-level3", "-level4", "-level5", "-level6", "-level7"},
         NULL,
         NULL},
        /* Several of one name: the right one is found, wherever it stands. */
        {"ek", {"root", "-rival", "-inter"}, NULL, NULL},
        {"ek", {"root", "-inter", "-rival"}, NULL, NULL},
        /* An intermediate may be a root, with or without another way. */
        {"ek", {"inter"}, NULL, NULL},
        {"ek", {"inter", "-inter"}, NULL, NULL},
    };
    CHECK_CHAINS(chains);
}

/* What real certificates do wrong, by name. */
static void test_tolerated(void **state)
{
    (void)state;
    static const struct chain chains[] = {
        {"ek-multi", {"multi-root"}, NULL, NULL},             /* one part, not in DER's order */
        {"ek-default", {"root", "-inter"}, NULL, NULL},       /* default values, year 9999 */
        {"ek-oaep", {"root", "-inter"}, NULL, NULL},          /* id-RSAES-OAEP with parameters */
        {"ek-oaep-null", {"root", "-inter"}, NULL, NULL},     /* … with NULL */
        {"ek-critical", {"root", "-inter"}, NULL, NULL},      /* critical, of the closed list */
        {"ek-old", {"sha1-root", "-sha1-inter"}, NULL, NULL}, /* authorities by SHA-1 */
        {"ek-ecc", {"p521-root", "-p521-inter"}, NULL, NULL}, /* P-521 and SHA-512 above */
        {"ek-partial", {"partial"}, NULL, NULL},              /* a root that is not self-signed */
        {"ek-expired-root", {"expired-root"}, NULL, NULL},    /* a root that has expired */
        {"ek-v1-root", {"v1-root"}, NULL, NULL},              /* a root of X.509's first version */
        /* Intermediates for something else, for which the administrator vouches. */
        {"ek-by-foreign", {"root", "-foreign-inter"}, NULL, NULL},
        {"ek-by-foreign", {"root", "-foreign-inter", "+foreign-inter"}, NULL, NULL},
        {"ek-by-some-names", {"root", "-some-names"}, NULL, NULL},
    };
    CHECK_CHAINS(chains);
}

static void test_not_endorsement(void **state)
{
    (void)state;
    static const struct chain chains[] = {
        {"aik", {"root", "-inter"}, "tpm.certificate-not-endorsement", "identity key"},
        {"aik-microsoft", {"root", "-inter"}, "tpm.certificate-not-endorsement", "identity key"},
        {"aik-both", {"root", "-inter"}, "tpm.certificate-not-endorsement", "identity key"},
        {"ek-no-usage", {"root", "-inter"}, "tpm.certificate-not-endorsement", "2.23.133.8.1"},
        {"ek-other-usage", {"root", "-inter"}, "tpm.certificate-not-endorsement", "2.23.133.8.1"},
        {"ek-any-usage", {"root", "-inter"}, "tpm.certificate-not-endorsement", "2.23.133.8.1"},
        {"ek-bad-usage", {"root", "-inter"}, "tpm.certificate-malformed", "extended key usage"},
        {"ek-sign", {"root", "-inter"}, "tpm.certificate-not-endorsement", "key usage"},
        {"ek-authority", {"root", "-inter"}, "tpm.certificate-not-endorsement", "authority"},
        {"ek-p521", {"root", "-inter"}, "tpm.certificate-not-endorsement", "P-521"},
        {"ek-critical-unknown", {"root", "-inter"}, "tpm.certificate-extension", "1.2.3.4"},
        {"ek-expired", {"root", "-inter"}, "tpm.certificate-time", "expired 2021-01-01"},
        {"ek-early", {"root", "-inter"}, "tpm.certificate-time", "not valid before 2048-01-01"},
    };
    CHECK_CHAINS(chains);
}

/* Which link is missing or wrong, and the command that mends it. */
static void test_chain_refusals(void **state)
{
    (void)state;
    static const struct chain chains[] = {
        {"ek", {NULL}, "tpm.issuer-missing", "“CN=Maker Intermediate” was not added"},
        {"ek", {"root"}, "tpm.issuer-missing", "hgsctl tpm-root add FILE --intermediate"},
        {"ek-place", {"root"}, "tpm.issuer-missing", "http://maker.example/issuer.crt"},
        {"ek", {"-inter"}, "tpm.root-missing", "“CN=Maker Root” was not added"},
        {"ek", {"-inter"}, "tpm.root-missing", "hgsctl tpm-root add FILE"},
        {"ek", {"-inter", "sha1-root"}, "tpm.root-missing", "CN=Maker Intermediate"},
        {"ek", {"-inter", "-root"}, "tpm.root-missing", "added as an intermediate"},
        {"ek-partial", {"-partial"}, "tpm.root-missing", "CN=Nobody's Root"},
        {"ek", {"root", "-rival"}, "tpm.issuer-wrong", "several keys"},
        {"ek-sha1", {"root", "-inter"}, "tpm.issuer-wrong", "SHA-1"},
        {"ek-by-aik", {"root", "-aik-inter"}, "tpm.issuer-wrong", "identity keys only"},
        {"ek-by-aik", {"aik-inter"}, "tpm.issuer-wrong", "identity keys only"},
        {"ek-no-authority", {"root", "-no-authority"}, "tpm.issuer-wrong", "authority"},
        {"ek-no-sign", {"root", "-no-sign"}, "tpm.issuer-wrong", "key usage"},
        {"ek-short", {"root", "-short", "-below-short"}, "tpm.issuer-wrong", "path length"},
        {"ek-limited-names", {"root", "-limited-names"}, "tpm.certificate-extension", "2.5.29.30"},
        {"ek-expired-inter",
         {"root", "-expired-inter"},
         "tpm.certificate-time",
         "CN=Expired Intermediate"},
        {"ek-level8",
         {"root", "-level1", "-level2", "-level3", "-level4", "-level5", "-level6", "-level7",
          "-level8"},
         "tpm.chain-too-long",
         "hgsctl tpm-root add FILE"},
        {"ek-loop", {"-loop-a", "-loop-b"}, "tpm.chain-too-long", "Loop"},
    };
    CHECK_CHAINS(chains);
}

/* What a TPM holds of its own chain may stand between, and is trusted for nothing else. */
static void test_brought(void **state)
{
    (void)state;
    static const struct chain chains[] = {
        {"ek", {"root", "+inter"}, NULL, NULL},
        {"ek", {"root", "+rival", "+inter"}, NULL, NULL},
        {"ek", {"root", "-rival", "+inter"}, NULL, NULL},
        {"ek", {"root", "+root", "+inter"}, NULL, NULL}, /* also with the root that it has */
        {"ek-level7",
         {"root", "-level1", "-level2", "-level3", "-level4", "+level6", "+level7", "+level5"},
         NULL,
         NULL},
        {"ek", {"+inter"}, "tpm.root-missing", "“CN=Maker Root” was not added"},
        {"ek", {"+inter", "+root"}, "tpm.root-missing", "“CN=Maker Root” was not added"},
        {"ek", {"sha1-root", "+inter", "+root"}, "tpm.root-missing", "“CN=Maker Root”"},
        {"ek", {"root", "+rival"}, "tpm.issuer-wrong", "several keys"},
        {"ek-by-both", {"root", "+both-inter"}, NULL, NULL},
        {"ek-by-any", {"root", "+any-inter"}, NULL, NULL},
        {"ek-by-aik", {"root", "+aik-inter"}, "tpm.issuer-wrong", "identity keys only"},
        {"ek-by-foreign", {"root", "+foreign-inter"}, "tpm.issuer-purpose", "1.3.6.1.5.5.7.3.1"},
        {"ek-by-foreign", {"foreign-inter"}, NULL, NULL}, /* a root of the administrator's */
        {"ek-by-some-names", {"root", "+some-names"}, "tpm.issuer-purpose", "certain names"},
        {"ek-no-authority", {"root", "+no-authority"}, "tpm.issuer-wrong", "authority"},
        {"ek-no-sign", {"root", "+no-sign"}, "tpm.issuer-wrong", "key usage"},
        {"ek-short", {"root", "+short", "+below-short"}, "tpm.issuer-wrong", "path length"},
        {"ek-expired-inter",
         {"root", "+expired-inter"},
         "tpm.certificate-time",
         "CN=Expired Intermediate"},
        {"ek-level7", /* more than are looked at */
         {"root", "+level7", "+level6", "+level5", "+level4", "+level3", "+level2", "+level1"},
         "tpm.root-missing",
         "was not added"},
        {"ek-loop", {"+loop-a", "+loop-b"}, "tpm.chain-too-long", "Loop"},
        {"ek-old", {"sha1-root", "+sha1-inter"}, "tpm.issuer-wrong", "SHA-1"},
    };
    CHECK_CHAINS(chains);
}

static void test_split(void **state)
{
    (void)state;
    struct buf first, second;
    _cleanup_buf_ struct buf all;
    struct slice certificate, chain;
    buf_init(&all, 65536);
    buf_append(&all, files_certificate(&first, "ek"));
    buf_append(&all, files_certificate(&second, "inter"));
    assert_true(tpm_endorsement_certificate_split(&certificate, &chain, buf_slice(&all)));
    assert_slice_equal(certificate, buf_slice(&first));
    assert_slice_equal(chain, buf_slice(&second));
    assert_true(tpm_endorsement_certificate_split(&certificate, &chain, buf_slice(&first)));
    assert_int_equal(chain.size, 0);
    assert_false(tpm_endorsement_certificate_split(&certificate, &chain, SLICE_EMPTY));
    assert_false(tpm_endorsement_certificate_split(&certificate, &chain,
                                                   slice_of(first.data, first.size - 1)));
    /* in NV: padded, and cut where it is no whole certificate */
    size_t whole = all.size;
    assert_int_equal(tpm_endorsement_certificate_cut_chain(SLICE_EMPTY).size, 0);
    for (int filler = 0; filler <= 0xff; filler += 0xff) {
        for (int i = 0; i < 100; i++)
            buf_append_u8(&all, (uint8_t)filler);
        assert_int_equal(tpm_endorsement_certificate_cut_chain(buf_slice(&all)).size, whole);
        all.size = whole;
    }
    assert_int_equal(tpm_endorsement_certificate_cut_chain(slice_of(all.data, whole - 1)).size,
                     first.size);
    buf_done(&first);
    buf_done(&second);
}

/* Every bit of the certificate counts: none may be another. */
static void test_altered(void **state)
{
    (void)state;
    static const char *const names[NAMES_MAX] = {"root", "-inter"};
    _cleanup_tpm_trust_ struct tpm_trust *trust = make_trust(names);
    struct buf der;
    files_certificate(&der, "ek-p256");
    for (size_t i = 0; i < der.size; i++) {
        struct certificate *certificate = NULL;
        struct error err = {0};
        der.data[i] ^= (uint8_t)(1 << i % 8);
        assert_false(tpm_endorsement_certificate_verify(&certificate, buf_slice(&der), SLICE_EMPTY,
                                                        trust, NOW, &err));
        assert_non_null(err.code);
        der.data[i] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < der.size; size++) {
        struct certificate *certificate = NULL;
        struct error err;
        /* A copy of its own, so that a sanitizer sees a read behind it. */
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, der.data, size);
        assert_refused_with(tpm_endorsement_certificate_verify(&certificate, slice_of(cut, size),
                                                               SLICE_EMPTY, trust, NOW, &err),
                            &err, "crypto.certificate-malformed");
        free(cut);
    }
    buf_done(&der);
}

/* The key that a certificate calls RSAES-OAEP is the plain one. */
static void test_oaep_key(void **state)
{
    (void)state;
    struct buf plain, oaep;
    struct certificate *a = NULL, *b = NULL;
    assert_ok(tpm_endorsement_certificate_parse(&a, files_certificate(&plain, "ek"), err));
    assert_ok(tpm_endorsement_certificate_parse(&b, files_certificate(&oaep, "ek-oaep"), err));
    assert_slice_equal(public_key_spki(certificate_key(a)), public_key_spki(certificate_key(b)));
    struct tpm_endorsement_key key;
    assert_ok(tpm_endorsement_key_parse_any(&key, buf_slice(&oaep), err));
    assert_ok(tpm_endorsement_key_is(&key, certificate_key(a), err));
    tpm_endorsement_key_done(&key);
    /* Elsewhere such a certificate is refused. */
    struct certificate *strict = NULL;
    assert_refused(certificate_parse(&strict, buf_slice(&oaep), err), "crypto.key-unsupported");
    certificate_free(&a);
    certificate_free(&b);
    buf_done(&plain);
    buf_done(&oaep);
}

static void test_maker(void **state)
{
    (void)state;
    static const char *const names[] = {"ek", "ek-multi"};
    for (size_t i = 0; i < 2; i++) {
        struct buf der;
        struct certificate *certificate = NULL;
        struct tpm_maker maker;
        assert_ok(tpm_endorsement_certificate_parse(&certificate, files_certificate(&der, names[i]),
                                                    err));
        tpm_endorsement_certificate_maker(&maker, certificate);
        assert_string_equal(maker.manufacturer, "IFX");
        assert_string_equal(maker.model, "SLB 9670");
        assert_string_equal(maker.version, "id:0007003F");
        certificate_free(&certificate);
        buf_done(&der);
    }
}

/* What NV indices hold around a certificate. */
static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *before, *behind; /* hex */
        size_t fill;                 /* more bytes behind, each as the last */
        const char *code;
    } contents[] = {
        {"", "", 0, NULL},
        {"", "00", 700, NULL},
        {"", "ff", 700, NULL},
        {"100100SIZE", "", 0, NULL},
        {"100100SIZE", "ff", 100, NULL},
        {"100100SIZ21002", "", 0, NULL},
        {"100101SIZE", "", 0, "tpm.certificate-malformed"},
        {"100100ffff", "", 0, "tpm.certificate-malformed"},
        {"1001", "", 0, "tpm.certificate-malformed"},
        {"", "00ff", 0, "tpm.certificate-malformed"},
        {"", "30", 0, "tpm.certificate-malformed"},
        {"00", "", 0, "tpm.certificate-malformed"},
    };
    struct buf der;
    files_certificate(&der, "ek");
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        struct buf nv;
        char before[64];
        snprintf(before, sizeof before, "%s", contents[i].before);
        char *size = strstr(before, "SIZ");
        if (size != NULL) {
            char digits[5];
            bool tagged = size[3] == '2';
            snprintf(digits, sizeof digits, "%04zx", der.size + (tagged ? 2 : 0));
            memcpy(size, digits, 4);
        }
        from_hex(&nv, before);
        buf_append(&nv, buf_slice(&der));
        struct buf behind;
        buf_append(&nv, from_hex(&behind, contents[i].behind));
        for (size_t fill = 0; fill < contents[i].fill; fill++)
            buf_append_u8(&nv, behind.data[0]);
        struct slice cut;
        if (contents[i].code == NULL) {
            assert_ok(tpm_endorsement_certificate_cut(&cut, buf_slice(&nv), err));
            assert_slice_equal(cut, buf_slice(&der));
        } else {
            assert_refused(tpm_endorsement_certificate_cut(&cut, buf_slice(&nv), err),
                           contents[i].code);
        }
        buf_done(&behind);
        buf_done(&nv);
    }
    buf_done(&der);
}

static void test_cut_empty(void **state)
{
    (void)state;
    static uint8_t bytes[TPM_NV_CERTIFICATE_SIZE_MAX + 1];
    struct slice cut;
    struct error err;
    assert_refused_with(tpm_endorsement_certificate_cut(&cut, SLICE_EMPTY, &err), &err,
                        "tpm.certificate-malformed");
    assert_refused_with(tpm_endorsement_certificate_cut(&cut, slice_of(bytes, 100), &err), &err,
                        "tpm.certificate-malformed");
    assert_non_null(strstr(err.message, "empty"));
    assert_refused_with(tpm_endorsement_certificate_cut(&cut, slice_of(bytes, sizeof bytes), &err),
                        &err, "tpm.certificate-malformed");
    assert_non_null(strstr(err.message, "larger"));
}

/* The certificates that swtpm puts into NV, by its own authority. */
static void test_software_tpm(void **state)
{
    (void)state;
    struct software_tpm tpm;
    software_tpm_start(&tpm);
    software_tpm_tool(&tpm, "tpm2_nvread -o rsa.nv 0x1c00002 && tpm2_nvread -o ecc.nv 0x1c00016 && "
                            "openssl x509 -in ca/swtpm-localca-rootca-cert.pem -outform der "
                            "-out root.der && openssl x509 -in ca/issuer.pem -outform der "
                            "-out issuer.der");
    struct buf files[4];
    software_tpm_file(&files[0], &tpm, "root.der");
    software_tpm_file(&files[1], &tpm, "issuer.der");
    struct tpm_trusted_certificate trusted[] = {{buf_slice(&files[0]), false},
                                                {buf_slice(&files[1]), true}};
    _cleanup_tpm_trust_ struct tpm_trust *trust = tpm_trust_new(trusted, 2, 16, NULL);
    static const char *const names[] = {"rsa.nv", "ecc.nv"};
    for (size_t i = 0; i < 2; i++) {
        struct slice der;
        struct certificate *certificate = NULL;
        assert_ok(tpm_endorsement_certificate_cut(
            &der, software_tpm_file(&files[2 + i], &tpm, names[i]), err));
        assert_ok(tpm_endorsement_certificate_verify(&certificate, der, SLICE_EMPTY, trust,
                                                     (int64_t)time(NULL), err));
        certificate_free(&certificate);
    }
    for (size_t i = 0; i < 4; i++)
        buf_done(&files[i]);
    software_tpm_stop(&tpm);
}

/* That of a simulated TPM, for whom else uses it. */
static void test_simulated_tpm(void **state)
{
    (void)state;
    struct tpm_trusted_certificate trusted[] = {{simulated_tpm_root(), false},
                                                {simulated_tpm_intermediate(), true}};
    _cleanup_tpm_trust_ struct tpm_trust *trust = tpm_trust_new(trusted, 2, 16, NULL);
    for (int kind = SIMULATED_RSA_2048; kind <= SIMULATED_P384; kind++) {
        struct certificate *certificate = NULL;
        struct tpm_endorsement_key key;
        struct simulated_tpm *tpm =
            simulated_tpm_new((enum simulated_endorsement)kind, DIGEST_SHA256);
        assert_ok(tpm_endorsement_certificate_verify(&certificate, simulated_tpm_certificate(tpm),
                                                     SLICE_EMPTY, trust, NOW, err));
        assert_ok(tpm_endorsement_key_parse(&key, simulated_tpm_public(tpm), err));
        assert_ok(tpm_endorsement_key_is(&key, certificate_key(certificate), err));
        tpm_endorsement_key_done(&key);
        certificate_free(&certificate);
        simulated_tpm_free(&tpm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tidy),
        cmocka_unit_test(test_tolerated),
        cmocka_unit_test(test_not_endorsement),
        cmocka_unit_test(test_chain_refusals),
        cmocka_unit_test(test_brought),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_oaep_key),
        cmocka_unit_test(test_maker),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_empty),
        cmocka_unit_test(test_software_tpm),
        cmocka_unit_test(test_simulated_tpm),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
