/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/trust_file.h"

#include "tpm_test.h"

#include "endorsement_files.h"
#include "tpm/trust.h"

static int set_up(void **state)
{
    files_set_up(state);
    files_run(
        "pem() { openssl x509 -inform der -in $1.der; }\n"
        "pem root > one.pem; (echo 'Some words.'; pem root; pem inter; pem rival) > three.pem\n"
        "(pem root; printf -- '-----BEGIN CERTIFICATE-----\\n'; base64 padded-serial.der; "
        "printf -- '-----END CERTIFICATE-----\\n'; pem inter) > half.pem\n"
        "openssl crl2pkcs7 -nocrl -certfile three.pem -out list.p7b.pem\n"
        "openssl crl2pkcs7 -nocrl -certfile three.pem -outform der -out list.p7b\n"
        "mkdir -p c/Maker/RootCA c/Maker/IntermediateCA c/Other/RootCA c/Other/Notes\n"
        "cp root.der c/Maker/RootCA/root.CER; cp inter.der c/Maker/IntermediateCA/inter.crt\n"
        "pem p521-root > c/Other/RootCA/p521.cer; cp list.p7b c/Other/RootCA/\n"
        "cp padded-serial.der c/Maker/IntermediateCA/padded.der\n"
        "echo words > c/Other/RootCA/empty.cer; cp root.der c/Other/Notes/root.cer\n"
        "echo setup > c/setup.cmd; echo words > c/Maker/RootCA/readme.txt\n"
        "cd c; list=$(find . -type f | sed 's,^[.]/,,' | sort)\n"
        "gcab -c ../plain.cab $list; gcab -c -z ../zip.cab $list; cd ..\n"
        "python3 '%s/unit/tpm/make-cabinet.py' zip.cab signed.cab",
        getenv("HGS_TESTS"));
    return 0;
}

/* What was found, as lines "NAME PLACE thumbprint or error code". */
struct list {
    struct buf text;
    size_t good, stop_at; /* stop_at: at which certificate; 0: never */
};

static const struct error_code stop = {"test.stop", ERROR_LIMIT, "", ""};

static bool note(void *context, const struct tpm_trust_found *found, struct error *err)
{
    struct list *list = context;
    static const char *const places[] = {"unsaid", "root", "intermediate"};
    buf_append_format(&list->text, "%s %s %s\n", found->name != NULL ? found->name : "-",
                      places[found->place],
                      found->problem != NULL ? found->problem->code->name : "good");
    assert_true((found->problem == NULL) == (found->der.size > 0));
    if (found->problem == NULL && ++list->good == list->stop_at)
        return error_set(err, &stop, NULL, NULL, "stop");
    return true;
}

static bool read_file(struct list *list, const char *name, struct error *err)
{
    struct buf file;
    buf_init(&list->text, 65536);
    list->good = 0;
    bool good = tpm_trust_file_read(files_read(&file, name), note, list, err);
    buf_done(&file);
    return good;
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *file, *found;
    } forms[] = {
        {"root.der", "- unsaid good\n"},
        {"one.pem", "- unsaid good\n"},
        {"three.pem", "- unsaid good\n- unsaid good\n- unsaid good\n"},
        {"list.p7b", "- unsaid good\n- unsaid good\n- unsaid good\n"},
        {"list.p7b.pem", "- unsaid good\n- unsaid good\n- unsaid good\n"},
        {"half.pem", "- unsaid good\n- unsaid crypto.certificate-malformed\n- unsaid good\n"},
        {"padded-serial.der", "- unsaid crypto.certificate-malformed\n"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct list list = {0};
        assert_ok(read_file(&list, forms[i].file, err));
        assert_string_equal(buf_text(&list.text), forms[i].found);
        buf_done(&list.text);
    }
}

static void test_cabinets(void **state)
{
    (void)state;
    static const char found[] = "Maker/IntermediateCA/inter.crt intermediate good\n"
                                "Maker/IntermediateCA/padded.der intermediate "
                                "crypto.certificate-malformed\n"
                                "Maker/RootCA/root.CER root good\n"
                                "Other/RootCA/empty.cer root crypto.certificate-malformed\n"
                                "Other/RootCA/list.p7b root good\n"
                                "Other/RootCA/list.p7b root good\n"
                                "Other/RootCA/list.p7b root good\n"
                                "Other/RootCA/p521.cer root good\n";
    static const char *const files[] = {"plain.cab", "zip.cab", "signed.cab"};
    for (size_t i = 0; i < 3; i++) {
        struct list list = {0};
        assert_ok(read_file(&list, files[i], err));
        assert_string_equal(buf_text(&list.text), found);
        buf_done(&list.text);
    }
}

/* Whoever is called may stop, and its error is the answer. */
static void test_stop(void **state)
{
    (void)state;
    static const char *const files[] = {"three.pem", "list.p7b", "zip.cab"};
    for (size_t i = 0; i < 3; i++) {
        struct list list = {.stop_at = 2};
        assert_refused(read_file(&list, files[i], err), "test.stop");
        assert_int_equal(list.good, 2);
        buf_done(&list.text);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } files[] = {
        {"", 0},
        {"words", 5},
        {"MSCF", 4},
        {"MSCF\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 36},
        {"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", 54},
        {"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", 52},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct list list = {0};
        buf_init(&list.text, 1024);
        assert_refused(
            tpm_trust_file_read(slice_of(files[i].bytes, files[i].size), note, &list, err),
            "tpm.trust-file");
        assert_int_equal(list.text.size, 0);
        buf_done(&list.text);
    }
}

/* Cut at every byte: reads what is whole, reports the rest, and never reads behind the end. */
static void test_truncated_cabinet(void **state)
{
    (void)state;
    struct buf file;
    files_read(&file, "zip.cab");
    for (size_t size = 0; size < file.size; size += 7) {
        uint8_t *cut = malloc(size + 1);
        struct list list = {0};
        struct error err = {0};
        memcpy(cut, file.data, size);
        buf_init(&list.text, 65536);
        if (!tpm_trust_file_read(slice_of(cut, size), note, &list, &err))
            assert_string_equal(err.code->name, "tpm.trust-file");
        else
            assert_true(list.good < 6);
        buf_done(&list.text);
        free(cut);
    }
    buf_done(&file);
}

/* Sizes in the headers that no honest cabinet has. */
static void test_limits(void **state)
{
    (void)state;
    struct buf file;
    struct list list = {0};
    struct error err = {0};
    files_read(&file, "plain.cab");
    struct reader reader = reader_of(slice_of(file.data + 16, 4));
    size_t first = reader_u32_le(&reader);
    /* The first file says it has 4 GiB: it alone, or all together, is too much. */
    memset(file.data + first, 0xff, 4);
    buf_init(&list.text, 65536);
    bool read = tpm_trust_file_read(buf_slice(&file), note, &list, &err);
    assert_true(!read || strstr(buf_text(&list.text), "tpm.trust-file") != NULL);
    if (!read)
        assert_string_equal(err.code->name, "tpm.trust-file");
    buf_done(&list.text);
    buf_done(&file);
}

/* Files that lie far behind in their folder, and back and forth, would have to be unpacked for
 * hours.
 */
static void test_endless_cabinet(void **state)
{
    (void)state;
    struct buf file;
    struct list list = {0};
    struct error err;
    files_read(&file, "zip.cab");
    struct reader header = reader_of(slice_of(file.data + 16, 14));
    uint8_t *at = file.data + reader_u32_le(&header);
    reader_bytes(&header, 8);
    unsigned count = reader_u16_le(&header);
    assert_true(count > 8);
    for (unsigned i = 0; i < count; i++) {
        at[7] = i % 2 == 0 ? 0x7f : 0x00; /* the highest byte of its offset */
        at += 16 + strlen((const char *)at + 16) + 1;
    }
    buf_init(&list.text, 65536);
    assert_refused_with(tpm_trust_file_read(buf_slice(&file), note, &list, &err), &err,
                        "tpm.trust-file");
    assert_non_null(strstr(err.message, "holds more than"));
    assert_int_equal(list.text.size, 0);
    buf_done(&list.text);
    buf_done(&file);
}

/* Of what was found, what may be trusted. */
static void test_check(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool intermediate;
        const char *code;
    } checks[] = {
        {"root", false, NULL},
        {"inter", true, NULL},
        {"inter", false, NULL},
        {"p521-root", false, NULL},
        {"sha1-root", false, NULL},
        {"v1-root", false, NULL},
        {"expired-root", false, NULL},
        {"both-inter", true, NULL},
        {"root", true, "tpm.root-place"},
        {"ek", false, "tpm.root-not-authority"},
        {"aik", false, "tpm.root-not-authority"},
        {"no-authority", true, "tpm.root-not-authority"},
        {"aik-inter", true, "tpm.root-identity-authority"},
        {"aik-inter", false, "tpm.root-identity-authority"},
        {"limited-names", true, "tpm.certificate-extension"},
        {"padded-serial", true, "crypto.certificate-malformed"},
    };
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct buf der;
        struct certificate *certificate = NULL;
        files_certificate(&der, checks[i].name);
        bool intermediate = checks[i].intermediate;
        if (checks[i].code == NULL) {
            assert_ok(tpm_trust_check(&certificate, buf_slice(&der), intermediate, err));
            assert_slice_equal(certificate_der(certificate), buf_slice(&der));
            certificate_free(&certificate);
        } else {
            assert_refused(tpm_trust_check(&certificate, buf_slice(&der), intermediate, err),
                           checks[i].code);
            assert_null(certificate);
        }
        buf_done(&der);
    }
}

/* What does not read is left out and counted. */
static void test_skipped(void **state)
{
    (void)state;
    struct buf files[2];
    struct tpm_trusted_certificate trusted[] = {
        {files_certificate(&files[0], "root"), false},
        {files_certificate(&files[1], "padded-serial"), true},
    };
    size_t skipped = 0;
    struct tpm_trust *trust = tpm_trust_new(trusted, 2, 16, &skipped);
    struct tpm_trust *second = tpm_trust_ref(trust);
    assert_int_equal(skipped, 1);
    assert_int_equal(tpm_trust_count(trust), 1);
    tpm_trust_free(&trust);
    assert_int_equal(tpm_trust_count(second), 1);
    tpm_trust_free(&second);
    tpm_trust_free(&second);
    tpm_trust_free(NULL);
    buf_done(&files[0]);
    buf_done(&files[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_cabinets),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_truncated_cabinet),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_endless_cabinet),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_skipped),
    };
    return cmocka_run_group_tests(tests, set_up, files_tear_down);
}
