/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "base/file.h"
#include "crypto/certificate.h"
#include "guest.h"
#include "keyholder/stream.h"
#include "running.h"

/* Files as the openssl command makes them, imported through a real process. */
static struct running running;
static char workshop[FOLDER_SIZE];

static void shell(const char *command)
{
    char line[1000];
    snprintf(line, sizeof line, "cd %s && { %s; } >log 2>&1", workshop, command);
    if (system(line) != 0)
        fail_msg("failed: %s (see %s/log)", command, workshop);
}

static int make_files(void **state)
{
    (void)state;
    running_start(&running, 1);
    folder_make(workshop);
    shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=one "
          "-days 30");
    shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout other.pem -out other-cert.pem -subj "
          "/CN=two -days 30");
    shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.pem "
          "-out ec-cert.pem -subj /CN=ec -days 30");
    shell("openssl req -x509 -newkey rsa:1024 -nodes -keyout weak.pem -out weak-cert.pem -subj "
          "/CN=weak -days 30");
    shell("openssl x509 -in cert.pem -outform der -out cert.der");
    shell("openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass:right -out key.pfx");
    shell("openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass: -out open.pfx");
    shell("openssl pkcs12 -export -legacy -inkey key.pem -in cert.pem -passout pass:right -out "
          "legacy.pfx");
    shell("openssl pkcs12 -export -nokeys -in cert.pem -passout pass:right -out nokey.pfx");
    shell("openssl pkcs12 -export -inkey ec.pem -in ec-cert.pem -passout pass:right -out ec.pfx");
    shell("openssl rsa -in key.pem -aes256 -passout pass:right -out locked.pem");
    shell("openssl rsa -in key.pem -traditional -out traditional.pem");
    shell("head -c 1048577 /dev/zero >huge");
    shell("head -c 1000 key.pfx >cut.pfx");
    shell("printf right >word; printf 'right\\n' >line; printf 'right\\n\\n' >lines; printf "
          "'right\\r\\n' >windows; "
          "printf wrong >wrong; : >empty; head -c 1025 /dev/zero >longword");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    running_stop(&running);
    folder_remove(workshop);
    return 0;
}

/* A descriptor of a file of the workshop; NULL: none. */
static int file(const char *name)
{
    if (name == NULL)
        return -1;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", workshop, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Takes the descriptors over. */
static bool import_files(enum key_purpose purpose, int key, int certificate, int password,
                         struct buf *der, struct buf *sealed, struct error *err)
{
    struct guest guest;
    struct meeting files = MEETING_NONE;
    files.fds[MEETING_KEY] = key;
    files.fds[MEETING_CERTIFICATE] = certificate;
    files.fds[MEETING_PASSWORD] = password;
    int there = guest_come(&guest, KEYHOLDER_IMPORT, files, running.pid);
    bool imported = keyholder_import(running.keyholder, purpose, there, der, sealed, err);
    assert_true(guest_go(&guest));
    return imported;
}

static bool import(enum key_purpose purpose, const char *key, const char *certificate,
                   const char *password, struct buf *der, struct buf *sealed, struct error *err)
{
    return import_files(purpose, file(key), file(certificate), file(password), der, sealed, err);
}

static void imported(enum key_purpose purpose, const char *key, const char *certificate,
                     const char *password)
{
    _cleanup_buf_ struct buf der, sealed, expected;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&expected, CERTIFICATE_SIZE_MAX);
    assert_ok(import(purpose, key, certificate, password, &der, &sealed, err));
    int fd = file("cert.der");
    assert_ok(file_read_fd(&expected, fd, "cert.der", err));
    close(fd);
    assert_true(slice_equal(buf_slice(&der), buf_slice(&expected)));

    _cleanup_certificate_ struct certificate *parsed = NULL;
    _cleanup_public_key_ struct public_key *loaded = NULL;
    assert_ok(certificate_parse(&parsed, buf_slice(&der), err));
    assert_ok(keyholder_load(running.keyholder, buf_slice(&sealed), &loaded, err));
    assert_memory_equal(public_key_digest(loaded), public_key_digest(certificate_key(parsed)),
                        KEY_ID_SIZE);
}

static void refused_for(enum key_purpose purpose, const char *key, const char *certificate,
                        const char *password, const char *code)
{
    _cleanup_buf_ struct buf der, sealed;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    assert_refused(import(purpose, key, certificate, password, &der, &sealed, err), code);
    assert_int_equal(der.size, 0);
    assert_int_equal(sealed.size, 0);
}

static void refused(const char *key, const char *certificate, const char *password,
                    const char *code)
{
    refused_for(KEY_PURPOSE_GUARDIAN_SIGNING, key, certificate, password, code);
}

static void pfx_files_come_in(void **state)
{
    (void)state;
    imported(KEY_PURPOSE_GUARDIAN_SIGNING, "key.pfx", NULL, "word");
    imported(KEY_PURPOSE_GUARDIAN_ENCRYPTION, "key.pfx", NULL, "line");
    imported(KEY_PURPOSE_COMMUNICATIONS, "open.pfx", NULL, NULL);
    imported(KEY_PURPOSE_COMMUNICATIONS, "open.pfx", NULL, "empty");
}

static void pairs_come_in(void **state)
{
    (void)state;
    imported(KEY_PURPOSE_GUARDIAN_SIGNING, "key.pem", "cert.pem", NULL);
    imported(KEY_PURPOSE_GUARDIAN_SIGNING, "key.pem", "cert.der", NULL);
    imported(KEY_PURPOSE_GUARDIAN_SIGNING, "traditional.pem", "cert.pem", NULL);
    imported(KEY_PURPOSE_GUARDIAN_ENCRYPTION, "locked.pem", "cert.pem", "line");
}

static void one_key_may_be_imported_for_two_purposes(void **state)
{
    (void)state;
    imported(KEY_PURPOSE_GUARDIAN_SIGNING, "key.pfx", NULL, "word");
    imported(KEY_PURPOSE_GUARDIAN_ENCRYPTION, "key.pfx", NULL, "word");
    _cleanup_buf_ struct buf der, signature, ciphertext;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    buf_init(&signature, 1024);
    buf_init(&ciphertext, 1024);
    int fd = file("cert.der");
    assert_ok(file_read_fd(&der, fd, "cert.der", err));
    close(fd);
    _cleanup_certificate_ struct certificate *parsed = NULL;
    assert_ok(certificate_parse(&parsed, buf_slice(&der), err));
    const struct public_key *key = certificate_key(parsed);
    assert_ok(keyholder_sign(running.keyholder, public_key_digest(key), SIGNATURE_RSA_PKCS1_SHA256,
                             buf_slice(&der), &signature, err));
    assert_ok(public_key_encrypt(&ciphertext, key, ENCRYPTION_RSA_OAEP_SHA256, slice_from_text("x"),
                                 err));
    _cleanup_secret_ struct secret plain = SECRET_EMPTY;
    assert_ok(keyholder_decrypt(running.keyholder, public_key_digest(key),
                                ENCRYPTION_RSA_OAEP_SHA256, buf_slice(&ciphertext), &plain, err));
    assert_ok(keyholder_forget(running.keyholder, public_key_digest(key), err));
    assert_refused(keyholder_sign(running.keyholder, public_key_digest(key),
                                  SIGNATURE_RSA_PKCS1_SHA256, buf_slice(&der), &signature, err),
                   "keyholder.key-unknown");
}

static void wrong_passwords_are_told(void **state)
{
    (void)state;
    refused("key.pfx", NULL, "wrong", "crypto.password-wrong");
    refused("key.pfx", NULL, NULL, "crypto.password-wrong");
    refused("key.pfx", NULL, "lines", "crypto.password-wrong"); /* only one newline is ignored */
    refused("locked.pem", "cert.pem", "wrong", "crypto.password-wrong");
    refused("locked.pem", "cert.pem", NULL, "crypto.password-wrong");
    refused("key.pfx", NULL, "longword", "base.file-too-large");
}

static void what_is_no_key_is_told(void **state)
{
    (void)state;
    refused("legacy.pfx", NULL, "word", "crypto.pkcs12-legacy");
    refused("nokey.pfx", NULL, "word", "crypto.pkcs12-keys");
    refused("cut.pfx", NULL, "word", "crypto.pkcs12-malformed");
    refused("empty", NULL, "word", "crypto.pkcs12-malformed");
    refused("key.pem", NULL, NULL, "crypto.pkcs12-malformed");
    refused("huge", NULL, "word", "base.file-too-large");
    refused("key.pem", "huge", NULL, "base.file-too-large");
    refused("key.pem", "empty", NULL, "crypto.certificate-malformed");
    refused("empty", "cert.pem", NULL, "crypto.key-malformed");
    refused("key.pfx", "cert.pem", "word", "crypto.key-malformed");
}

static void pairs_must_match(void **state)
{
    (void)state;
    refused("other.pem", "cert.pem", NULL, "crypto.key-mismatch");
    refused("ec.pem", "cert.pem", NULL, "crypto.key-mismatch");
}

static void keys_must_suit_their_purpose(void **state)
{
    (void)state;
    refused("ec.pfx", NULL, "word", "crypto.key-unsupported");
    refused("ec.pem", "ec-cert.pem", NULL, "crypto.key-unsupported");
    refused_for(KEY_PURPOSE_GUARDIAN_ENCRYPTION, "ec.pfx", NULL, "word", "crypto.key-unsupported");
    refused_for(KEY_PURPOSE_AUDIT, "key.pfx", NULL, "word", "crypto.key-unsupported");
    refused("weak.pem", "weak-cert.pem", NULL, "crypto.key-too-small");
    struct error err = {0};
    _cleanup_buf_ struct buf der, sealed;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    assert_false(import(KEY_PURPOSE_GUARDIAN_SIGNING, "ec.pfx", NULL, "word", &der, &sealed, &err));
    assert_string_equal(err.message,
                        "a key for guardian-signing must be RSA, and this one is P-256");
}

static void descriptors_may_be_pipes_but_must_be_readable(void **state)
{
    (void)state;
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(write(pipes[1], "right\n", 6), 6);
    close(pipes[1]);
    _cleanup_buf_ struct buf der, sealed;
    buf_init(&der, CERTIFICATE_SIZE_MAX);
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    assert_ok(import_files(KEY_PURPOSE_GUARDIAN_SIGNING, file("key.pfx"), -1, pipes[0], &der,
                           &sealed, err));
    int write_only = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_refused(
        import_files(KEY_PURPOSE_GUARDIAN_SIGNING, write_only, -1, -1, &der, &sealed, err),
        "base.file-unreadable");
}

static void passwords_lose_one_newline(void **state)
{
    (void)state;
    static const struct {
        const char *file, *password;
    } samples[] = {{"word", "right"},
                   {"line", "right"},
                   {"lines", "right\n"},
                   {"windows", "right"},
                   {"empty", ""}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        _cleanup_secret_ struct secret password = SECRET_EMPTY;
        int fd = file(samples[i].file);
        assert_ok(stream_read_password(&password, fd, err));
        assert_true(slice_equals_text(secret_slice(&password), samples[i].password));
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pfx_files_come_in),
        cmocka_unit_test(pairs_come_in),
        cmocka_unit_test(one_key_may_be_imported_for_two_purposes),
        cmocka_unit_test(wrong_passwords_are_told),
        cmocka_unit_test(what_is_no_key_is_told),
        cmocka_unit_test(pairs_must_match),
        cmocka_unit_test(keys_must_suit_their_purpose),
        cmocka_unit_test(descriptors_may_be_pipes_but_must_be_readable),
        cmocka_unit_test(passwords_lose_one_newline),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
