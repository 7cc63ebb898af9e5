/* SPDX-License-Identifier: Apache-2.0 */
/* Records of guardian certificates, and what is let in at the door. */
#include "world.h"

static void record_of(struct buf *value, char key[KEYPROTECTION_CERTIFICATE_KEY_SIZE],
                      enum keyprotection_certificate_type type)
{
    struct keyprotection_certificate it = {
        .type = type,
        .certificate = world.service.guardian.signing,
        .primary = true,
        .enabled = false,
        .source = KEYPROTECTION_PFX,
        .added = NOW,
    };
    memcpy(it.key_id, public_key_digest(certificate_key(it.certificate)), 32);
    buf_init(value, 65536);
    keyprotection_certificate_format(value, &it);
    keyprotection_certificate_record_key(type, certificate_facts(it.certificate)->thumbprint, key);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"signing/", "encryption/", "communications/"};
    for (int type = 0; type < 3; type++) {
        char key[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
        _cleanup_buf_ struct buf value;
        record_of(&value, key, (enum keyprotection_certificate_type)type);
        assert_int_equal(strncmp(key, prefixes[type], strlen(prefixes[type])), 0);
        struct keyprotection_certificate read;
        assert_ok(keyprotection_certificate_parse(&read, key, buf_slice(&value), err));
        assert_int_equal(read.type, type);
        assert_true(read.primary);
        assert_false(read.enabled);
        assert_int_equal(read.source, KEYPROTECTION_PFX);
        assert_int_equal(read.added, NOW);
        assert_memory_equal(read.key_id, public_key_digest(world.service.signing_key), 32);
        keyprotection_certificate_done(&read);
    }
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    static const char *const edits[][2] = {
        {"\"key_id\":\"", "\"key_id\":\"00"},
        {"\"primary\":true", "\"primary\":1"},
        {"\"enabled\":false", "\"enable\":false"},
        {"\"source\":\"pfx\"", "\"source\":\"x\""},
        {"\"added\":\"20", "\"added\":\"xx"},
        {"\"certificate\":\"", "\"certificate\":\"AAAA"},
        {"{", "["},
    };
    char key[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    _cleanup_buf_ struct buf value;
    record_of(&value, key, KEYPROTECTION_SIGNING);
    const char *good = buf_text(&value);
    struct keyprotection_certificate read;
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        const char *at = strstr(good, edits[i][0]);
        assert_non_null(at);
        _cleanup_free_ char *text = memory_format("%.*s%s%s", (int)(at - good), good, edits[i][1],
                                                  at + strlen(edits[i][0]));
        assert_refused(keyprotection_certificate_parse(&read, key, slice_from_text(text), err),
                       "keyprotection.record");
    }
    key[10] ^= 1;
    assert_refused(keyprotection_certificate_parse(&read, key, buf_slice(&value), err),
                   "keyprotection.record");
    assert_refused(keyprotection_certificate_parse(&read, "other/00", buf_slice(&value), err),
                   "keyprotection.record");
}

/* A record whose text "from" is replaced by "to". */
static char *edited(const char *good, const char *from, const char *to)
{
    const char *at = strstr(good, from);
    assert_non_null(at);
    return memory_format("%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

#define SEALED "\"key_source\":\"sealed\""
#define TOKEN "\"key_source\":\"token\""

static void a_record_says_where_its_key_is(void **state)
{
    (void)state;
    static const struct {
        const char *written;
        enum keyprotection_key_source source;
        const char *uri;
    } rows[] = {
        {SEALED, KEYPROTECTION_KEY_SEALED, ""},
        {"\"of_before\":1", KEYPROTECTION_KEY_SEALED, ""},
        {"\"key_source\":\"file\"", KEYPROTECTION_KEY_FILE, ""},
        {TOKEN ",\"key_uri\":\"pkcs11:token=a;object=b\"", KEYPROTECTION_KEY_TOKEN,
         "pkcs11:token=a;object=b"},
    };
    char key[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    _cleanup_buf_ struct buf value;
    record_of(&value, key, KEYPROTECTION_SIGNING);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        _cleanup_free_ char *text = edited(buf_text(&value), SEALED, rows[i].written);
        struct keyprotection_certificate read, again;
        assert_ok(keyprotection_certificate_parse(&read, key, slice_from_text(text), err));
        assert_int_equal(read.key_source, rows[i].source);
        assert_string_equal(read.key_uri, rows[i].uri);
        _cleanup_buf_ struct buf written;
        buf_init(&written, 65536);
        keyprotection_certificate_format(&written, &read);
        assert_ok(keyprotection_certificate_parse(&again, key, buf_slice(&written), err));
        assert_int_equal(again.key_source, rows[i].source);
        assert_string_equal(again.key_uri, rows[i].uri);
        keyprotection_certificate_done(&read);
        keyprotection_certificate_done(&again);
    }
}

static void a_record_that_mistakes_its_key_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\"key_source\":\"vault\"",
        "\"key_source\":1",
        TOKEN,
        TOKEN ",\"key_uri\":\"http:x\"",
        TOKEN ",\"key_uri\":\"pkcs11:token=a?pin-value=1\"",
        SEALED ",\"key_uri\":\"pkcs11:token=a\"",
    };
    char key[KEYPROTECTION_CERTIFICATE_KEY_SIZE];
    _cleanup_buf_ struct buf value;
    record_of(&value, key, KEYPROTECTION_SIGNING);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        _cleanup_free_ char *text = edited(buf_text(&value), SEALED, rows[i]);
        struct keyprotection_certificate read;
        assert_refused(keyprotection_certificate_parse(&read, key, slice_from_text(text), err),
                       "keyprotection.record");
    }
}

static void a_uri_of_a_key_says_neither_module_nor_pin(void **state)
{
    (void)state;
    _cleanup_free_ char *longest =
        memory_format("pkcs11:object=%0*d", KEYPROTECTION_KEY_URI_SIZE - 15, 0);
    _cleanup_free_ char *longer = memory_format("%s0", longest);
    assert_ok(keyprotection_key_uri_check("pkcs11:token=a;object=b", err));
    assert_ok(keyprotection_key_uri_check(longest, err));
    assert_refused(keyprotection_key_uri_check(longer, err), "certificate.key-uri");
    assert_refused(keyprotection_key_uri_check("file:/key", err), "certificate.key-uri");
    assert_refused(keyprotection_key_uri_check("pkcs11:token=a?module-path=/x.so", err),
                   "certificate.key-uri");
}

/* A certificate as the openssl command makes it. */
static struct certificate *openssl_certificate(const char *options)
{
    _cleanup_free_ char *command =
        memory_format("openssl req -x509 -nodes -keyout /dev/null -subj /CN=door -outform der "
                      "%s 2>/dev/null",
                      options);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    uint8_t der[8192];
    size_t size = fread(der, 1, sizeof der, pipe);
    assert_int_equal(pclose(pipe), 0);
    struct certificate *certificate = NULL;
    assert_ok(certificate_parse(&certificate, slice_of(der, size), err));
    return certificate;
}

static void the_door_knows_what_it_lets_in(void **state)
{
    (void)state;
#define RSA "-newkey rsa:2048 "
    static const struct {
        const char *options;
        /* signing, encryption, communications; NULL: let in */
        const char *refusals[3];
    } rows[] = {
        {RSA, {NULL, NULL, NULL}},
        {RSA "-addext keyUsage=digitalSignature", {NULL, "certificate.usage", NULL}},
        {RSA "-addext keyUsage=critical,keyEncipherment",
         {"certificate.usage", NULL, "certificate.usage"}},
        {RSA "-addext keyUsage=dataEncipherment", {"certificate.usage", NULL, "certificate.usage"}},
        {RSA "-addext keyUsage=keyCertSign",
         {"certificate.usage", "certificate.usage", "certificate.usage"}},
        {RSA "-addext 1.2.3.4=critical,ASN1:NULL",
         {"certificate.critical-extension", "certificate.critical-extension",
          "certificate.critical-extension"}},
        {"-newkey ec -pkeyopt ec_paramgen_curve:P-256",
         {"certificate.key-kind", "certificate.key-kind", "certificate.key-kind"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct certificate *certificate = openssl_certificate(rows[i].options);
        for (int type = 0; type < 3; type++) {
            enum keyprotection_certificate_type as = (enum keyprotection_certificate_type)type;
            if (rows[i].refusals[type])
                assert_refused(keyprotection_certificate_check(as, certificate, err),
                               rows[i].refusals[type]);
            else
                assert_ok(keyprotection_certificate_check(as, certificate, err));
        }
        certificate_free(&certificate);
    }
}

static void types_have_names(void **state)
{
    (void)state;
    enum keyprotection_certificate_type type;
    for (int i = 0; i < 3; i++) {
        const char *name =
            keyprotection_certificate_type_name((enum keyprotection_certificate_type)i);
        assert_ok(keyprotection_certificate_type_parse(&type, name, err));
        assert_int_equal(type, i);
    }
    assert_refused(keyprotection_certificate_type_parse(&type, "tls", err),
                   "certificate.type-unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(a_record_says_where_its_key_is),
        cmocka_unit_test(a_record_that_mistakes_its_key_is_refused),
        cmocka_unit_test(a_uri_of_a_key_says_neither_module_nor_pin),
        cmocka_unit_test(the_door_knows_what_it_lets_in),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
