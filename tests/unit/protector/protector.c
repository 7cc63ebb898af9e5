/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing: what is written is read, and every hostile form has its refusal. */
#include "fixture.h"

#include "base/base64.h"

#include <unistd.h>

#define KPS "http://schemas.microsoft.com/kps/2014/07"
#define HMAC_SHA256 "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"

static struct buf document; /* a good one */
static struct secret key;

static int setup(void **state)
{
    make_guardians(state);
    make_protector(&document, &key);
    return 0;
}

static int teardown(void **state)
{
    buf_done(&document);
    secret_done(&key);
    return free_guardians(state);
}

static void parse_gives_what_was_written(void **state)
{
    (void)state;
    _cleanup_protector_ struct protector *protector = parse_good(buf_slice(&document));
    assert_int_equal(protector_wrapping_count(protector), 2);
    const struct protector_wrapping *first = protector_wrapping(protector, 0);
    const struct protector_wrapping *second = protector_wrapping(protector, 1);
    assert_ptr_equal(protector_owner(protector), first);
    assert_ptr_equal(protector_last_guardian(protector), first);
    assert_int_equal(first->parent, first->id);
    assert_int_equal(second->parent, first->id);
    assert_int_not_equal(second->id, first->id);
    assert_true(slice_equal(certificate_der(second->signing_certificate),
                            certificate_der(service.signing)));
    assert_true(slice_equal(certificate_der(second->encryption_certificate),
                            certificate_der(service.encryption)));
    assert_int_equal(second->transport_key_algorithm, ENCRYPTION_RSA_OAEP_SHA256);
    assert_int_equal(second->transport_key.size, 256);
    assert_int_equal(protector_max_offline_unwraps(protector), 0);
    uint8_t digest[32];
    digest_sha256(digest, buf_slice(&document));
    assert_memory_equal(protector_digest(protector), digest, 32);
    const uint8_t *id = public_key_digest(certificate_key(service.encryption));
    assert_ptr_equal(protector_find(protector, id), second);
    assert_null(protector_find(protector, public_key_digest(certificate_key(service.signing))));
}

static void written_wrappings_are_canonical(void **state)
{
    (void)state;
    const char *text = buf_text(&document);
    const char *start = strstr(text, "<Wrappings");
    const char *end = strstr(text, "</Wrappings>") + strlen("</Wrappings>");
    _cleanup_protector_ struct protector *protector = parse_good(buf_slice(&document));
    assert_int_equal(protector->canonical.size, end - start);
    assert_memory_equal(protector->canonical.data, start, (size_t)(end - start));
}

/* The same by another program, so that neither side's idea of canonical form is ours alone. */
static void xmllint_agrees_on_the_canonical_form(void **state)
{
    (void)state;
    const char *text = buf_text(&document);
    const char *start = strstr(text, "<Wrappings");
    size_t size = (size_t)(strstr(text, "</Wrappings>") + strlen("</Wrappings>") - start);
    char path[] = "/tmp/hgs-wrappings-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_int_equal(fwrite(start, 1, size, file), size);
    fclose(file);
    _cleanup_free_ char *command = memory_format("xmllint --nonet --exc-c14n %s", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *got = memory_allocate_zero(1, size + 64);
    size_t count = fread(got, 1, size + 63, pipe);
    assert_int_equal(pclose(pipe), 0);
    unlink(path);
    assert_int_equal(count, size);
    assert_memory_equal(got, start, size);
    free(got);
}

static void expect_parse_refused(const char *text, const struct error_code *code, const char *what)
{
    struct error err = {0};
    struct protector *protector = NULL;
    bool good = protector_parse(&protector, slice_from_text(text), NULL, &err);
    if (good || err.code != code) {
        char line[2048];
        fail_msg("%s: expected %s, got %s", what, code->name,
                 good ? "no refusal" : error_format(&err, line, sizeof line));
    }
    assert_null(protector);
    assert_non_null(err.clause);
}

static const struct hostile {
    const char *from, *to;
    const struct error_code *code;
} hostile[] = {
    /* What XML may hold and we never use. */
    {"<Protector ", "<!DOCTYPE Protector [<!ENTITY a \"b\">]><Protector ", &protector_malformed},
    {"<Protector ", "<!-- --><Protector ", &protector_malformed},
    {"<Wrapping>", "<Wrapping><!-- -->", &protector_malformed},
    {"<Id>1</Id>", "<Id>1<!-- -->2</Id>", &protector_malformed},
    {"<Wrappings ", "<?pi x?><Wrappings ", &protector_malformed},
    {"<Id>1</Id>", "<Id><![CDATA[1]]></Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id>&e;</Id>", &protector_malformed},
    {"encoding=\"utf-8\"", "encoding=\"utf-16\"", &protector_malformed},
    {"</Protector>", "</Protector><Protector/>", &protector_malformed},
    {"</Protector>", "</Protector>x", &protector_malformed},
    /* Another root, another namespace. */
    {"<Protector xmlns=\"" KPS "\"", "<Protector xmlns=\"" KPS "/service\"", &protector_malformed},
    {"<Protector xmlns=\"" KPS "\"", "<Protector", &protector_malformed},
    {"<Wrappings xmlns=\"" KPS "\">", "<Wrappings xmlns=\"urn:x\">", &protector_malformed},
    /* Unknown, missing, repeated and misplaced parts. */
    {"<Wrapping>", "<Wrapping Id=\"7\">", &protector_malformed},
    {"<Wrapping>", "<Wrapping xml:id=\"7\">", &protector_malformed},
    {"<Wrapping>", "<Wrapping><Unknown/>", &protector_malformed},
    {"<Wrapping>", "<Wrapping>text", &protector_malformed},
    {"</Wrappings>", "<Unknown/></Wrappings>", &protector_malformed},
    {"</Wrappings>", "</Wrappings><Wrappings/>", &protector_malformed},
    {"</GuardianSignature>", "</GuardianSignature><Wrappings/>", &protector_malformed},
    {"</GuardianSignature>", "</GuardianSignature><GuardianSignature WrappingId=\"1\"/>",
     &protector_malformed},
    {"<TransportKeySignature>", "<TransportKeySignature><Wrappings/>", &protector_malformed},
    {"<Id>1</Id>", "", &protector_malformed},
    {"<Id>1</Id>", "<Id>1</Id><Id>1</Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id x=\"1\">1</Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id><Id>1</Id></Id>", &protector_malformed},
    {" WrappingId=\"1\"", "", &protector_malformed},
    {" WrappingId=\"1\"", " WrappingId=\"1\" WrappingId=\"1\"", &protector_malformed},
    {" ParentWrappingId=\"1\"", "", &protector_malformed},
    /* Numbers have one form. */
    {"<Id>1</Id>", "<Id>01</Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id>+1</Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id>-1</Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id> 1</Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id>1.0</Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id>4294967296</Id>", &protector_malformed},
    {"<Id>1</Id>", "<Id></Id>", &protector_malformed},
    {"WrappingId=\"1\"", "WrappingId=\"001\"", &protector_malformed},
    {"WrappingId=\"1\"", "WrappingId=\" 1\"", &protector_malformed},
    {"WrappingId=\"1\"", "WrappingId=\"4294967297\"", &protector_malformed},
    {"WrappingId=\"1\"", "WrappingId=\"\"", &protector_malformed},
    {"MaxOfflineUnwraps=\"0\"", "MaxOfflineUnwraps=\"-1\"", &protector_malformed},
    {"MaxOfflineUnwraps=\"0\"", "MaxOfflineUnwraps=\"00\"", &protector_malformed},
    {"MaxOfflineUnwraps=\"0\"", "MaxOfflineUnwraps=\"99999999999999999999\"", &protector_malformed},
    {"MaxOfflineUnwraps=\"0\"", "Other=\"0\"", &protector_malformed},
    /* Ids. */
    {"<Id>2</Id>", "<Id>1</Id>", &protector_malformed},
    {"<GuardianSignature WrappingId=\"1\"", "<GuardianSignature WrappingId=\"9\"",
     &protector_malformed},
    /* Algorithms and their parameters. */
    {"xmldsig-more#rsa-sha256", "xmldsig-more#rsa-md5", &protector_algorithm},
    {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
     "http://www.w3.org/2000/09/xmldsig#rsa-sha1", &protector_algorithm},
    {HMAC_SHA256, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", &protector_algorithm},
    {HMAC_SHA256, "http://www.w3.org/2000/09/xmldsig#hmac-sha1", &protector_algorithm},
    {HMAC_SHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512", &protector_malformed},
    {" Algorithm=\"" HMAC_SHA256 "\"", "", &protector_malformed},
    {"xmlenc11#rsa-oaep\"", "xmlenc#rsa-1_5\"", &protector_algorithm},
    {"xmlenc11#mgf1sha256", "xmlenc11#mgf1sha1", &protector_algorithm},
    {"2001/04/xmlenc#sha256", "2001/04/xmlenc#sha512", &protector_algorithm},
    {"xmlenc11#ConcatKDF\"", "xmlenc11#pbkdf2\"", &protector_algorithm},
    {"AlgorithmID=\"00", "AlgorithmID=\"01", &protector_algorithm},
    {"AlgorithmID=\"00", "AlgorithmID=\"00AA", &protector_algorithm},
    {"PartyUInfo=\"00\"", "PartyUInfo=\"0041\"", &protector_algorithm},
    {"PartyUInfo=\"00\"", "PartyUInfo=\"\"", &protector_algorithm},
    {"PartyUInfo=\"00\"", "PartyUInfo=\"0\"", &protector_algorithm},
    {"PartyVInfo=\"00\"", "", &protector_algorithm},
    {"PartyVInfo=\"00\"", "PartyVInfo=\"00\" SuppPubInfo=\"00\"", &protector_malformed},
    {"<SignatureValue>", "<Parameters></Parameters><SignatureValue>", &protector_algorithm},
    /* Values. */
    {"<SigningCertificate>", "<SigningCertificate>*", &protector_malformed},
    {"<SignatureValue>", "<SignatureValue>A", &protector_malformed},
    {"<CipherValue>", "<CipherValue><x/>", &protector_malformed},
    {"<SigningCertificate>MII", "<SigningCertificate>MIJ", &protector_wrapping_invalid},
};

static void hostile_documents_are_refused(void **state)
{
    (void)state;
    const char *good = buf_text(&document);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        _cleanup_free_ char *text = edited(good, hostile[i].from, hostile[i].to);
        expect_parse_refused(text, hostile[i].code, hostile[i].to);
    }
}

/* From one marker to behind another, cut out; *cut is what was there. */
static char *without(const char *text, const char *from, const char *to, char **cut)
{
    const char *start = strstr(text, from);
    assert_non_null(start);
    const char *end = strstr(start, to);
    assert_non_null(end);
    end += strlen(to);
    if (cut)
        *cut = memory_format("%.*s", (int)(end - start), start);
    return memory_format("%.*s%s", (int)(start - text), text, end);
}

static void parts_that_are_left_out_are_missed(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        const struct error_code *code;
    } parts[] = {
        {"<Wrappings", "</Wrappings>", &protector_malformed},
        {"<TransportKeySignature>", "</TransportKeySignature>", &protector_malformed},
        {"<GuardianSignature", "</GuardianSignature>", &protector_malformed},
        {"<SigningCertificate>", "</SigningCertificate>", &protector_malformed},
        {"<SigningCertificateSignature", "</SigningCertificateSignature>", &protector_malformed},
        {"<EncryptionCertificate>", "</EncryptionCertificate>", &protector_malformed},
        {"<EncryptionCertificateSignature>", "</EncryptionCertificateSignature>",
         &protector_malformed},
        {"<TransportKey>", "</TransportKey>", &protector_malformed},
        {"<SignatureValue>", "</SignatureValue>", &protector_malformed},
        {"<CipherValue>", "</CipherValue>", &protector_malformed},
        {"<KeyDerivationMethod", "</KeyDerivationMethod>", &protector_malformed},
        {"<Parameters>", "</Parameters>", &protector_algorithm},
        {"<ds:DigestMethod", "</ds:DigestMethod>", &protector_malformed},
        {"<xenc11:MGF", "</xenc11:MGF>", &protector_malformed},
        {"<xenc11:ConcatKDFParams", "</xenc11:ConcatKDFParams>", &protector_malformed},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        _cleanup_free_ char *text = without(buf_text(&document), parts[i].from, parts[i].to, NULL);
        expect_parse_refused(text, parts[i].code, parts[i].from);
    }
}

/* Behind a start tag, before an end tag. */
static char *beside(const char *tag, const char *element)
{
    return strncmp(tag, "</", 2) ? memory_format("%s%s", tag, element)
                                 : memory_format("%s%s", element, tag);
}

/* Signature wrapping: what was signed stands elsewhere, something else where it is looked for. */
static void moved_wrappings_are_refused(void **state)
{
    (void)state;
    static const char *const places[] = {
        "<TransportKeySignature>",
        "</TransportKeySignature>",
        "</GuardianSignature>",
        "</Protector>",
    };
    _cleanup_free_ char *whole = NULL, *one = NULL;
    _cleanup_free_ char *emptied =
        without(buf_text(&document), "<Wrappings", "</Wrappings>", &whole);
    _cleanup_free_ char *halved = without(buf_text(&document), "<Wrapping>", "</Wrapping>", &one);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        _cleanup_free_ char *moved = beside(places[i], whole);
        _cleanup_free_ char *gone = edited(emptied, places[i], moved);
        expect_parse_refused(gone, &protector_malformed, "Wrappings moved");
        _cleanup_free_ char *twice = edited(buf_text(&document), places[i], moved);
        expect_parse_refused(twice, &protector_malformed, "Wrappings twice");
        _cleanup_free_ char *single = beside(places[i], one);
        _cleanup_free_ char *torn = edited(halved, places[i], single);
        expect_parse_refused(torn, &protector_malformed, "Wrapping moved");
    }
    _cleanup_free_ char *empty_list =
        edited(emptied, "<TransportKeySignature>", "<Wrappings/><TransportKeySignature>");
    expect_parse_refused(empty_list, &protector_malformed, "no wrapping");
    _cleanup_free_ char *nested_in = memory_format("<Parameters>%s", one);
    _cleanup_free_ char *nested = edited(halved, "<Parameters>", nested_in);
    expect_parse_refused(nested, &protector_malformed, "Wrapping in Parameters");
}

static void too_many_wrappings_are_refused(void **state)
{
    (void)state;
    _cleanup_free_ char *one = NULL;
    _cleanup_free_ char *rest = without(buf_text(&document), "<Wrapping>", "</Wrapping>", &one);
    _cleanup_buf_ struct buf many;
    buf_init(&many, PROTECTOR_SIZE_MAX);
    for (int i = 0; i < PROTECTOR_WRAPPINGS_MAX; i++)
        buf_append_text(&many, one);
    _cleanup_free_ char *list = memory_format("%s</Wrappings>", buf_text(&many));
    _cleanup_free_ char *text = edited(rest, "</Wrappings>", list);
    expect_parse_refused(text, &protector_limit, "65 wrappings");
}

static void too_large_a_document_is_refused(void **state)
{
    (void)state;
    char *text = memory_allocate(PROTECTOR_SIZE_MAX + 2);
    memset(text, ' ', PROTECTOR_SIZE_MAX + 1);
    text[PROTECTOR_SIZE_MAX + 1] = '\0';
    expect_parse_refused(text, &protector_limit, "size");
    free(text);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    _cleanup_buf_ struct buf deep;
    buf_init(&deep, PROTECTOR_SIZE_MAX);
    for (int i = 0; i < 10000; i++)
        buf_append_text(&deep, "<a>");
    struct protector *protector = NULL;
    assert_refused(protector_parse(&protector, buf_slice(&deep), NULL, err), &protector_limit);
}

static void truncation_at_every_byte_is_refused(void **state)
{
    (void)state;
    struct protector *protector = NULL;
    size_t whole = (size_t)(strstr(buf_text(&document), "</Protector>") - buf_text(&document)) +
                   strlen("</Protector>");
    for (size_t size = 0; size < whole; size++) {
        struct slice cut = slice_of(document.data, size);
        assert_refused(protector_parse(&protector, cut, NULL, err), &protector_malformed);
    }
}

/* The certificate that a shell command writes as DER, in place of the first in the document. */
static void expect_certificate_refused(const char *command)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    uint8_t der[8192];
    size_t size = fread(der, 1, sizeof der, pipe);
    assert_int_equal(pclose(pipe), 0);
    _cleanup_buf_ struct buf text;
    buf_init(&text, 65536);
    base64_append(&text, slice_of(der, size));
    _cleanup_free_ char *element =
        memory_format("</Id><SigningCertificate>%s</SigningCertificate>", buf_text(&text));
    _cleanup_free_ char *rest =
        without(buf_text(&document), "<SigningCertificate>", "</SigningCertificate>", NULL);
    _cleanup_free_ char *hostile_text = edited(rest, "</Id>", element);
    expect_parse_refused(hostile_text, &protector_wrapping_invalid, command);
}

static void weak_and_foreign_keys_are_refused(void **state)
{
    (void)state;
    expect_certificate_refused("openssl req -x509 -newkey rsa:1024 -nodes -keyout /dev/null "
                               "-subj /CN=weak -outform der 2>/dev/null");
    expect_certificate_refused("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
                               "-nodes -keyout /dev/null -subj /CN=ec -outform der 2>/dev/null");
}

static void a_certificate_cache_gives_the_same(void **state)
{
    (void)state;
    struct cache *cache = certificate_cache_new(16);
    for (int i = 0; i < 2; i++) {
        struct protector *protector = NULL;
        assert_ok(protector_parse(&protector, buf_slice(&document), cache, err));
        assert_ok(protector_verify(protector, err));
        protector_free(&protector);
    }
    cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_gives_what_was_written),
        cmocka_unit_test(written_wrappings_are_canonical),
        cmocka_unit_test(xmllint_agrees_on_the_canonical_form),
        cmocka_unit_test(hostile_documents_are_refused),
        cmocka_unit_test(parts_that_are_left_out_are_missed),
        cmocka_unit_test(moved_wrappings_are_refused),
        cmocka_unit_test(too_many_wrappings_are_refused),
        cmocka_unit_test(too_large_a_document_is_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(weak_and_foreign_keys_are_refused),
        cmocka_unit_test(a_certificate_cache_gives_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
