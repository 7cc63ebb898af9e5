/* SPDX-License-Identifier: Apache-2.0 */
/* Guardian metadata: what is written verifies here and by the xmlsec1 command; what was altered
 * does not. */
#include "../folder.h"
#include "fixture.h"

#include "protector/metadata.h"

#include <unistd.h>

static struct buf document;     /* signed by the signing key */
static struct buf communicated; /* signed by a communications key, with further certificates */

static const struct metadata_checks lenient = {
    .allow_untrusted_root = true,
    .now = NOW + 10,
};

static void make_document(struct buf *out, const struct guardian *communications,
                          struct certificate *const *others, size_t count)
{
    struct metadata_content content = {
        .signing = service.signing,
        .encryption = service.encryption,
        .others = others,
        .other_count = count,
        .communications = communications ? communications->signing : NULL,
    };
    struct signer signing = signer_of_key(service.signing_key);
    struct signer by = communications ? signer_of_key(communications->signing_key) : signing;
    buf_init(out, METADATA_SIZE_MAX);
    assert_ok(metadata_format(out, &content, &signing, &by, err));
}

static int setup(void **state)
{
    make_guardians(state);
    struct certificate *others[] = {owner.signing, stranger.signing};
    make_document(&document, NULL, NULL, 0);
    make_document(&communicated, &stranger, others, 2);
    return 0;
}

static int teardown(void **state)
{
    buf_done(&document);
    buf_done(&communicated);
    return free_guardians(state);
}

static void expect_service(const char *text, const struct metadata_checks *checks)
{
    _cleanup_guardian_ struct guardian guardian = {0};
    assert_ok(metadata_parse(&guardian, slice_from_text(text), checks, err));
    assert_true(slice_equal(certificate_der(guardian.signing), certificate_der(service.signing)));
    assert_true(
        slice_equal(certificate_der(guardian.encryption), certificate_der(service.encryption)));
    assert_null(guardian.signing_key);
    assert_null(guardian.encryption_key);
    assert_ok(public_key_verify(
        certificate_key(guardian.signing), guardian.encryption_signature_algorithm,
        certificate_der(guardian.encryption), buf_slice(&guardian.encryption_signature), err));
}

static void expect_refused(const char *text, const struct metadata_checks *checks,
                           const struct error_code *code, const char *what)
{
    struct error err = {0};
    struct guardian guardian = {0};
    bool good = metadata_parse(&guardian, slice_from_text(text), checks, &err);
    if (good || err.code != code) {
        char line[2048];
        fail_msg("%s: expected %s, got %s", what, code->name,
                 good ? "no refusal" : error_format(&err, line, sizeof line));
    }
    assert_null(guardian.signing);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    expect_service(buf_text(&document), &lenient);
    expect_service(buf_text(&communicated), &lenient);
}

static void the_guardian_can_be_granted(void **state)
{
    (void)state;
    _cleanup_guardian_ struct guardian guardian = {0};
    assert_ok(metadata_parse(&guardian, buf_slice(&document), &lenient, err));
    const struct guardian *guardians[] = {&guardian};
    _cleanup_buf_ struct buf text;
    _cleanup_secret_ struct secret key = SECRET_EMPTY, got = SECRET_EMPTY;
    buf_init(&text, PROTECTOR_SIZE_MAX);
    assert_ok(protector_create(&text, &key, &owner, guardians, 1, err));
    _cleanup_protector_ struct protector *protector = parse_good(buf_slice(&text));
    assert_ok(protector_unwrap(&got, protector, &service, err));
    assert_true(secret_equal(secret_slice(&key), secret_slice(&got)));
}

/* The exit status of xmlsec1 --verify over text, with a certificate's key. */
static int xmlsec1_verify(const char *text, const struct certificate *by)
{
    char folder[FOLDER_SIZE];
    folder_make(folder);
    _cleanup_free_ char *xml = memory_format("%s/metadata.xml", folder);
    _cleanup_free_ char *pem = memory_format("%s/signer.pem", folder);
    _cleanup_buf_ struct buf certificate;
    buf_init(&certificate, 65536);
    certificate_format_pem(&certificate, by);
    const char *const paths[] = {xml, pem};
    const char *const texts[] = {text, buf_text(&certificate)};
    for (size_t i = 0; i < 2; i++) {
        FILE *file = fopen(paths[i], "w");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
    }
    _cleanup_free_ char *command =
        memory_format("xmlsec1 --verify --id-attr:ID Metadata --enabled-reference-uris "
                      "same-doc --pubkey-cert-pem %s %s >/dev/null 2>&1",
                      pem, xml);
    int status = system(command);
    folder_remove(folder);
    return status;
}

static void the_xmlsec1_command_verifies_it(void **state)
{
    (void)state;
    assert_int_equal(xmlsec1_verify(buf_text(&document), service.signing), 0);
    assert_int_equal(xmlsec1_verify(buf_text(&communicated), stranger.signing), 0);
    assert_int_not_equal(xmlsec1_verify(buf_text(&communicated), service.signing), 0);
    _cleanup_free_ char *altered =
        edited(buf_text(&document), "<Version>1</Version>", "<Version>2</Version>");
    assert_int_not_equal(xmlsec1_verify(altered, service.signing), 0);
}

static const struct hostile {
    const char *from, *to;
    const struct error_code *code;
} hostile[] = {
    {"<Metadata ", "<!DOCTYPE Metadata [<!ATTLIST Metadata ID ID #IMPLIED>]><Metadata ",
     &metadata_malformed},
    {"<GuardianInformation>", "<GuardianInformation><!-- -->", &metadata_malformed},
    {"<GuardianInformation>", "<GuardianInformation ID=\"metadata\">", &metadata_malformed},
    {"<GuardianInformation>", "<GuardianInformation xml:id=\"metadata\">", &metadata_malformed},
    {"<GuardianInformation>", "<GuardianInformation><X/>", &metadata_malformed},
    {"</GuardianInformation>", "</GuardianInformation><GuardianInformation/>", &metadata_malformed},
    {"</Metadata>", "<X/></Metadata>", &metadata_malformed},
    {" ID=\"metadata\"", "", &metadata_malformed},
    {" ID=\"metadata\"", " ID=\"other\"", &metadata_malformed},
    {" Version=\"1\"", "", &metadata_malformed},
    {" Version=\"1\"", " Version=\"x\"", &metadata_malformed},
    {"<Version>1</Version>", "", &metadata_malformed},
    {"<Version>1</Version>", "<Version>-1</Version>", &metadata_malformed},
    {"URI=\"#metadata\"", "URI=\"\"", &metadata_malformed},
    {"URI=\"#metadata\"", "URI=\"#other\"", &metadata_malformed},
    {"URI=\"#metadata\"", "URI=\"#xpointer(id('metadata'))\"", &metadata_malformed},
    {"URI=\"#metadata\"", "URI=\"http://127.0.0.1/x\"", &metadata_malformed},
    {" URI=\"#metadata\"", "", &metadata_malformed},
    {"<Reference ", "<Reference URI=\"#metadata\"/><Reference ", &metadata_malformed},
    {"xmldsig#enveloped-signature", "xmldsig#base64", &metadata_malformed},
    {"<Transforms>",
     "<Transforms><Transform Algorithm=\"http://www.w3.org/TR/1999/"
     "REC-xslt-19991116\"></Transform>",
     &metadata_malformed},
    {"Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
     "Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"", &metadata_malformed},
    {"<CanonicalizationMethod ", "<CanonicalizationMethod X=\"1\" ", &metadata_malformed},
    {"<SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"",
     "<SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\"",
     &metadata_malformed},
    {"xmlenc#sha256", "xmlenc#sha512", &metadata_malformed},
    {"<KeyInfo>", "<KeyInfo><KeyName>x</KeyName>", &metadata_malformed},
    {"</KeyInfo>", "</KeyInfo><Object/>", &metadata_malformed},
    {"<DigestValue>", "<DigestValue>AAAA", &metadata_malformed},
    {"<Version>1</Version>", "<Version>2</Version>", &metadata_signature},
    {"</GuardianInformation>", "</GuardianInformation>\n", &metadata_signature},
    {" Version=\"1\"", " Version=\"2\"", &metadata_signature},
    {"<SigningCertificate>MII", "<SigningCertificate>MIJ", &metadata_malformed},
};

static void hostile_documents_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        _cleanup_free_ char *text = edited(buf_text(&document), hostile[i].from, hostile[i].to);
        expect_refused(text, &lenient, hostile[i].code, hostile[i].to);
    }
    expect_refused("", &lenient, &metadata_malformed, "empty");
    expect_refused("<html></html>", &lenient, &metadata_malformed, "html");
}

static void truncation_at_every_byte_is_refused(void **state)
{
    (void)state;
    struct guardian guardian;
    size_t whole = (size_t)(strstr(buf_text(&document), "</Metadata>") - buf_text(&document)) +
                   strlen("</Metadata>");
    for (size_t size = 0; size < whole; size++)
        assert_refused(metadata_parse(&guardian, slice_of(document.data, size), &lenient, err),
                       &metadata_malformed);
}

/* A document that a key signs well, around certificates that do not vouch for each other. */
static void certificates_must_vouch_for_each_other(void **state)
{
    (void)state;
    struct metadata_content content = {
        .signing = service.signing,
        .encryption = owner.encryption,
        .communications = owner.signing,
    };
    /* The vouching signatures are by owner's key, not by the one in service's certificate. */
    struct signer by = signer_of_key(owner.signing_key);
    _cleanup_buf_ struct buf text;
    buf_init(&text, METADATA_SIZE_MAX);
    assert_ok(metadata_format(&text, &content, &by, &by, err));
    expect_refused(buf_text(&text), &lenient, &metadata_signature, "vouching");
}

/* The same content under another's signature, whose certificate is not exchanged in KeyInfo. */
static void another_keys_signature_is_refused(void **state)
{
    (void)state;
    struct metadata_content content = {.signing = service.signing,
                                       .encryption = service.encryption};
    struct signer signing = signer_of_key(service.signing_key);
    struct signer by = signer_of_key(owner.signing_key);
    _cleanup_buf_ struct buf text;
    buf_init(&text, METADATA_SIZE_MAX);
    assert_ok(metadata_format(&text, &content, &signing, &by, err));
    expect_refused(buf_text(&text), &lenient, &metadata_signature, "signer");
}

static void certificates_out_of_their_time_are_refused(void **state)
{
    (void)state;
    struct metadata_checks checks = lenient;
    checks.now = NOW - 1;
    expect_refused(buf_text(&document), &checks, &metadata_expired, "not yet valid");
    checks.now = NOW + (int64_t)(GUARDIAN_YEARS + 1) * 366 * 86400;
    expect_refused(buf_text(&document), &checks, &metadata_expired, "expired");
    checks.allow_expired = true;
    expect_service(buf_text(&document), &checks);
}

/* A bundle of PEM certificates in a file of its own, to be removed by the caller. */
static char *write_bundle(const struct certificate *const *certificates, size_t count)
{
    char *path = memory_copy_text("/tmp/hgs-trust-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs("# a comment\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
    for (size_t i = 0; i < count; i++) {
        _cleanup_buf_ struct buf pem;
        buf_init(&pem, 65536);
        certificate_format_pem(&pem, certificates[i]);
        fputs(buf_text(&pem), file);
    }
    fclose(file);
    return path;
}

static void expect_trust(const char *text, const struct certificate *const *anchors, size_t count,
                         bool trusted)
{
    _cleanup_free_ char *path = write_bundle(anchors, count);
    struct metadata_checks checks = {.now = NOW + 10, .trust_file = path};
    if (trusted)
        expect_service(text, &checks);
    else
        expect_refused(text, &checks, &metadata_untrusted_root, "trust");
    unlink(path);
}

static void every_certificate_must_be_trusted(void **state)
{
    (void)state;
    const struct certificate *both[] = {service.signing, service.encryption, stranger.signing};
    expect_trust(buf_text(&document), both, 2, true);
    expect_trust(buf_text(&document), both, 1, false);
    expect_trust(buf_text(&document), both, 0, false);
    expect_trust(buf_text(&communicated), both, 2, false);
    expect_trust(buf_text(&communicated), both, 3, true);
}

static struct certificate *issue(const struct certificate *issuer, const struct private_key *by,
                                 const struct private_key *subject, const char *name,
                                 bool authority)
{
    struct certificate_template form = {
        .subject_cn = name,
        .subject_key = private_key_public(subject),
        .issuer = issuer,
        .not_before = NOW,
        .not_after = NOW + 1000,
        .usage = authority ? CERTIFICATE_KEY_CERT_SIGN : CERTIFICATE_DIGITAL_SIGNATURE,
        .authority = authority,
    };
    struct signer signer = signer_of_key(by);
    _cleanup_buf_ struct buf der;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    assert_ok(certificate_issue(&der, &form, &signer, err));
    struct certificate *certificate;
    assert_ok(certificate_parse(&certificate, buf_slice(&der), err));
    return certificate;
}

static void an_authority_of_the_bundle_is_trusted(void **state)
{
    (void)state;
    for (int authority = 0; authority < 2; authority++) {
        _cleanup_certificate_ struct certificate *root =
            issue(NULL, owner.signing_key, owner.signing_key, "root", authority);
        _cleanup_certificate_ struct certificate *leaf =
            issue(root, owner.signing_key, service.signing_key, "leaf", false);
        struct metadata_content content = {.signing = leaf, .encryption = leaf};
        struct signer by = signer_of_key(service.signing_key);
        _cleanup_buf_ struct buf text;
        buf_init(&text, METADATA_SIZE_MAX);
        assert_ok(metadata_format(&text, &content, &by, &by, err));
        const struct certificate *anchors[] = {root};
        _cleanup_free_ char *path = write_bundle(anchors, 1);
        struct metadata_checks checks = {.now = NOW + 10, .trust_file = path};
        _cleanup_guardian_ struct guardian guardian = {0};
        if (authority)
            assert_ok(metadata_parse(&guardian, buf_slice(&text), &checks, err));
        else
            assert_refused(metadata_parse(&guardian, buf_slice(&text), &checks, err),
                           &metadata_untrusted_root);
        unlink(path);
    }
}

static void the_refusal_says_what_to_do(void **state)
{
    (void)state;
    struct error refusal;
    struct guardian guardian;
    const struct metadata_checks strict = {.now = NOW + 10};
    assert_refused_with(metadata_parse(&guardian, buf_slice(&document), &strict, &refusal),
                        &refusal, &metadata_untrusted_root);
    assert_non_null(strstr(refusal.message, "--allow-untrusted-root"));
    assert_non_null(strstr(refusal.object, "service signing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_guardian_can_be_granted),
        cmocka_unit_test(the_xmlsec1_command_verifies_it),
        cmocka_unit_test(hostile_documents_are_refused),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(certificates_must_vouch_for_each_other),
        cmocka_unit_test(another_keys_signature_is_refused),
        cmocka_unit_test(certificates_out_of_their_time_are_refused),
        cmocka_unit_test(every_certificate_must_be_trusted),
        cmocka_unit_test(an_authority_of_the_bundle_is_trusted),
        cmocka_unit_test(the_refusal_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
