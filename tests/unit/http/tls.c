/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "certificates.h"
#include "http/errors.h"
#include "http/tls.h"

static const char *const loopback[] = {"127.0.0.1:0", NULL};

static int setup(void **state)
{
    static struct certificates certificates;
    certificates_start(&certificates);
    *state = &certificates;
    return 0;
}

static int teardown(void **state)
{
    certificates_stop(*state);
    return 0;
}

static void start_https(struct fixture *fixture, const struct certificates *certificates,
                        const char *certificate, const char *key, const char *password)
{
    char *paths[3] = {certificates_path(certificates, certificate),
                      key != NULL ? certificates_path(certificates, key) : NULL,
                      password != NULL ? certificates_path(certificates, password) : NULL};
    fixture_start(fixture, &(struct http_server_options){.https_addresses = loopback,
                                                         .certificate_file = paths[0],
                                                         .key_file = paths[1],
                                                         .password_file = paths[2]});
    for (int i = 0; i < 3; i++)
        free(paths[i]);
}

/* openssl s_client with these options against the fixture; its exit status. The certificate that it
 * was shown is then in `shown`, what it received in `got`. */
static int s_client(const struct certificates *certificates, const struct fixture *fixture,
                    const char *options)
{
    _cleanup_free_ char *command = memory_format(
        "printf 'GET /peer HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n' | "
        "timeout 20 openssl s_client -ign_eof -connect 127.0.0.1:%u %s > got",
        http_server_port(fixture->server, 0), options);
    return certificates_run(certificates, command);
}

static bool got(const struct certificates *certificates, const char *text)
{
    _cleanup_free_ char *command = memory_format("grep -q -F '%s' got", text);
    return certificates_run(certificates, command) == 0;
}

static void versions(void **state)
{
    const struct certificates *certificates = *state;
    struct fixture fixture;
    start_https(&fixture, certificates, "one.pem", "one.key", NULL);
    assert_int_equal(
        s_client(certificates, &fixture, "-tls1_2 -CAfile one.pem -verify_return_error"), 0);
    assert_true(got(certificates, "127.0.0.1 /peer - tls"));
    assert_int_equal(
        s_client(certificates, &fixture, "-tls1_3 -CAfile one.pem -verify_return_error"), 0);
    assert_true(got(certificates, "127.0.0.1 /peer - tls"));
    /* Our openssl has to be talked into offering them at all. */
    assert_int_not_equal(s_client(certificates, &fixture, "-tls1_1 -cipher DEFAULT@SECLEVEL=0"), 0);
    assert_int_not_equal(s_client(certificates, &fixture, "-tls1 -cipher DEFAULT@SECLEVEL=0"), 0);
    assert_false(got(certificates, "/peer"));
    assert_int_not_equal(s_client(certificates, &fixture, "-tls1_2 -cipher AES128-SHA"), 0);
    fixture_stop(&fixture);
}

static void other_forms_of_the_files(void **state)
{
    const struct certificates *certificates = *state;
    struct fixture fixture;
    assert_int_equal(
        certificates_run(certificates,
                         "cat one.pem one.key > both.pem && echo 's e c r e t' > password && "
                         "openssl pkcs12 -export -in one.pem -inkey one.key -out one.pfx "
                         "-passout 'pass:s e c r e t' && "
                         "openssl pkcs12 -export -in one.pem -inkey one.key -out open.pfx "
                         "-passout pass:"),
        0);
    static const char *const forms[][3] = {
        {"both.pem", NULL, NULL}, {"one.pfx", NULL, "password"}, {"open.pfx", NULL, NULL}};
    for (size_t i = 0; i < 3; i++) {
        start_https(&fixture, certificates, forms[i][0], forms[i][1], forms[i][2]);
        assert_int_equal(s_client(certificates, &fixture, "-CAfile one.pem -verify_return_error"),
                         0);
        assert_true(got(certificates, "127.0.0.1 /peer - tls"));
        fixture_stop(&fixture);
    }
}

static void refused(const struct certificates *certificates, const char *certificate,
                    const char *key, const char *password, const char *object, const char *reason)
{
    char *paths[4] = {certificates_path(certificates, certificate),
                      key != NULL ? certificates_path(certificates, key) : NULL,
                      password != NULL ? certificates_path(certificates, password) : NULL,
                      certificates_path(certificates, object)};
    struct error err = {0};
    struct http_server *server = NULL;
    struct http_server_options options = {.https_addresses = loopback,
                                          .certificate_file = paths[0],
                                          .key_file = paths[1],
                                          .password_file = paths[2],
                                          .limit = fixture_limit,
                                          .handle = fixture_handle};
    assert_false(http_server_start(&server, &options, &err));
    assert_null(server);
    assert_ptr_equal(err.code, &http_tls_unusable);
    assert_string_equal(err.object, paths[3]);
    if (strstr(err.message, reason) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, reason);
    for (int i = 0; i < 4; i++)
        free(paths[i]);
}

static void files_that_are_refused(void **state)
{
    const struct certificates *certificates = *state;
    certificates_make(certificates, "two");
    assert_int_equal(
        certificates_run(certificates,
                         "echo right > right; echo wrong > wrong; : > empty; echo text > text; "
                         "openssl pkcs12 -export -in one.pem -inkey one.key -out right.pfx "
                         "-passout pass:right && "
                         "openssl pkcs12 -export -in one.pem -nokeys -out keyless.pfx "
                         "-passout pass:right && "
                         "openssl pkey -in one.key -aes256 -passout pass:right -out locked.key"),
        0);
    refused(certificates, "absent.pem", "one.key", NULL, "absent.pem", "No such file");
    refused(certificates, "one.pem", "absent.key", NULL, "absent.key", "No such file");
    refused(certificates, "right.pfx", NULL, "absent", "absent", "No such file");
    refused(certificates, "one.pem", "two.key", NULL, "two.key", "not that of the certificate");
    refused(certificates, "one.pem", NULL, NULL, "one.pem", "PEM private key");
    refused(certificates, "one.pem", "locked.key", NULL, "locked.key", "unencrypted");
    refused(certificates, "one.pem", "text", NULL, "text", "PEM private key");
    refused(certificates, "text", "one.key", NULL, "text", "PEM certificate chain");
    refused(certificates, "right.pfx", NULL, "wrong", "right.pfx", "does not open");
    refused(certificates, "right.pfx", NULL, NULL, "right.pfx", "no password file");
    refused(certificates, "keyless.pfx", NULL, "right", "keyless.pfx", "not a PFX with");
    refused(certificates, "text", NULL, "right", "text", "not a PFX");
    refused(certificates, "empty", NULL, "right", "empty", "not a PFX");
    struct error err = {0};
    struct http_server *server = NULL;
    struct http_server_options options = {
        .https_addresses = loopback, .limit = fixture_limit, .handle = fixture_handle};
    assert_false(http_server_start(&server, &options, &err));
    assert_ptr_equal(err.code, &http_tls_unusable);
}

/* A TLS connection made with GnuTLS itself, which stays open and tells records apart. */
struct session {
    int fd;
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
};

static void session_open(struct session *session, const struct fixture *fixture)
{
    session->fd = fixture_connect(fixture, 0);
    assert_int_equal(gnutls_init(&session->tls, GNUTLS_CLIENT), 0);
    assert_int_equal(gnutls_set_default_priority(session->tls), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&session->credentials), 0);
    gnutls_credentials_set(session->tls, GNUTLS_CRD_CERTIFICATE, session->credentials);
    gnutls_transport_set_int(session->tls, session->fd);
    int code;
    do
        code = gnutls_handshake(session->tls);
    while (code < 0 && gnutls_error_is_fatal(code) == 0);
    assert_int_equal(code, 0);
}

static void session_close(struct session *session)
{
    gnutls_deinit(session->tls);
    gnutls_certificate_free_credentials(session->credentials);
    close(session->fd);
}

static void session_send(struct session *session, const char *text)
{
    assert_int_equal(gnutls_record_send(session->tls, text, strlen(text)), strlen(text));
}

/* What one read returns: never more than one record. */
static size_t session_read(struct session *session, char *text, size_t size)
{
    ssize_t count;
    do
        count = gnutls_record_recv(session->tls, text, size - 1);
    while (count == GNUTLS_E_AGAIN || count == GNUTLS_E_INTERRUPTED);
    assert_true(count >= 0);
    text[count] = '\0';
    return (size_t)count;
}

/* The common name of the certificate that the server showed. */
static void session_name(struct session *session, char *name, size_t size)
{
    unsigned count = 0;
    gnutls_x509_crt_t certificate;
    const gnutls_datum_t *shown = gnutls_certificate_get_peers(session->tls, &count);
    assert_non_null(shown);
    assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
    assert_int_equal(gnutls_x509_crt_import(certificate, shown, GNUTLS_X509_FMT_DER), 0);
    assert_int_equal(
        gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size),
        0);
    gnutls_x509_crt_deinit(certificate);
}

/* A client that reads once what has arrived gets head and body: they are one record. There are so
 * many that the test would not end in time if the kernel kept each back for a while. */
static void one_record(void **state)
{
    struct fixture fixture;
    struct session session;
    static char text[20000];
    char body[8001];
    memset(body, 'b', 8000);
    body[8000] = '\0';
    start_https(&fixture, *state, "one.pem", "one.key", NULL);
    for (int round = 0; round < 50; round++) {
        session_open(&session, &fixture);
        for (int i = 0; i < 20; i++) {
            snprintf(text, sizeof text,
                     "POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n%s\r\n%.*s",
                     i % 2 == 0 ? "echo" : "worker", i * 400,
                     i == 19 ? "Connection: close\r\n" : "", i * 400, body);
            session_send(&session, text);
            session_read(&session, text, sizeof text);
            const char *end = strstr(text, "\r\n\r\n");
            assert_non_null(end);
            assert_int_equal(strlen(end + 4), i * 400);
        }
        assert_int_equal(session_read(&session, text, sizeof text), 0);
        session_close(&session);
    }
    fixture_stop(&fixture);
}

static void large_reply(void **state)
{
    struct fixture fixture;
    struct session session;
    static char text[20000];
    start_https(&fixture, *state, "one.pem", "one.key", NULL);
    session_open(&session, &fixture);
    session_send(&session, "GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    size_t total = 0;
    size_t got_now;
    while ((got_now = session_read(&session, text, sizeof text)) > 0)
        total += got_now;
    assert_true(total > FIXTURE_LARGE);
    session_close(&session);
    fixture_stop(&fixture);
}

static void bodies_over_tls(void **state)
{
    struct fixture fixture;
    struct session session;
    static char text[20000];
    start_https(&fixture, *state, "one.pem", "one.key", NULL);
    session_open(&session, &fixture);
    session_send(&session, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n");
    session_read(&session, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 413 ", 13);
    assert_int_equal(session_read(&session, text, sizeof text), 0);
    session_close(&session);
    session_open(&session, &fixture);
    session_send(&session, "POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "65\r\n");
    snprintf(text, sizeof text, "%0101d", 1);
    session_send(&session, text);
    session_read(&session, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 413 ", 13);
    session_close(&session);
    fixture_stop(&fixture);
}

static void reload(void **state)
{
    const struct certificates *certificates = *state;
    struct fixture fixture;
    struct session before;
    struct session after;
    struct error err = {0};
    char name[100];
    char text[2000];
    assert_int_equal(certificates_run(certificates, "cp one.pem live.pem; cp one.key live.key"), 0);
    certificates_make(certificates, "three");
    start_https(&fixture, certificates, "live.pem", "live.key", NULL);
    session_open(&before, &fixture);
    session_name(&before, name, sizeof name);
    assert_string_equal(name, "one");

    /* A certificate whose key is another's changes nothing. */
    assert_int_equal(certificates_run(certificates, "cp three.pem live.pem"), 0);
    assert_false(http_server_reload_tls(fixture.server, &err));
    assert_ptr_equal(err.code, &http_tls_unusable);
    session_open(&after, &fixture);
    session_name(&after, name, sizeof name);
    assert_string_equal(name, "one");
    session_close(&after);

    assert_int_equal(certificates_run(certificates, "cp three.key live.key"), 0);
    assert_true(http_server_reload_tls(fixture.server, &err));
    session_open(&after, &fixture);
    session_name(&after, name, sizeof name);
    assert_string_equal(name, "three");

    /* The connection from before goes on. */
    session_send(&before, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n");
    session_read(&before, text, sizeof text);
    assert_memory_equal(text, "HTTP/1.1 200 ", 13);
    session_close(&before);
    session_close(&after);
    fixture_stop(&fixture);
}

/* Somebody who reloads while others connect. */
static void *reload_often(void *context)
{
    struct http_server *server = context;
    for (int i = 0; i < 50; i++)
        assert_true(http_server_reload_tls(server, NULL));
    return NULL;
}

static void reload_while_clients_connect(void **state)
{
    struct fixture fixture;
    struct session session;
    pthread_t thread;
    start_https(&fixture, *state, "one.pem", "one.key", NULL);
    assert_int_equal(pthread_create(&thread, NULL, reload_often, fixture.server), 0);
    for (int i = 0; i < 20; i++) {
        session_open(&session, &fixture);
        session_close(&session);
    }
    pthread_join(thread, NULL);
    fixture_stop(&fixture);
}

/* Plain text, nothing, and half a handshake on a TLS port. */
static void not_tls(void **state)
{
    struct fixture fixture;
    char *certificate = certificates_path(*state, "one.pem");
    char *key = certificates_path(*state, "one.key");
    fixture_start(&fixture, &(struct http_server_options){.https_addresses = loopback,
                                                          .certificate_file = certificate,
                                                          .key_file = key,
                                                          .idle_ms = 300});
    int fd = fixture_connect(&fixture, 0);
    fixture_send(fd, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(fixture_is_cut(fd));
    close(fd);
    fd = fixture_connect(&fixture, 0);
    assert_true(fixture_is_cut(fd));
    close(fd);
    fd = fixture_connect(&fixture, 0);
    assert_int_equal(send(fd, "\x16\x03\x01\x02\x00\x01\x00", 7, MSG_NOSIGNAL), 7);
    assert_true(fixture_is_cut(fd));
    close(fd);
    assert_int_equal(fixture.handled, 0);
    fixture_stop(&fixture);
    free(certificate);
    free(key);
}

/* What has a request line is told of as without TLS; the client goes away, or only waits. */
static void refusals_are_told(void **state)
{
    static const struct {
        const char *text, *path;
        bool stays;
        unsigned status;
        const struct error_code *code;
    } rows[] = {
        {"GET /echo%0 HTTP/1.1\r\nHost: h\r\n\r\n", "/echo%0", true, 400, &http_request_malformed},
        {"GET /echo HTTP/1.1\r\n\r\n", "-", true, 400, &http_request_malformed},
        {"POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", "/small", true, 413,
         &http_body_too_large},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf", "/echo", false, 0,
         &http_request_incomplete},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf", "/echo", true, 0,
         &http_request_slow},
    };
    struct fixture fixture;
    char *certificate = certificates_path(*state, "one.pem");
    char *key = certificates_path(*state, "one.key");
    fixture_start(&fixture, &(struct http_server_options){.https_addresses = loopback,
                                                          .certificate_file = certificate,
                                                          .key_file = key,
                                                          .request_ms = 1000});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session session;
        session_open(&session, &fixture);
        session_send(&session, rows[i].text);
        if (!rows[i].stays)
            shutdown(session.fd, SHUT_WR);
        const struct fixture_refusal *refusal = fixture_refusal(&fixture, i);
        assert_string_equal(refusal->code->name, rows[i].code->name);
        assert_string_equal(refusal->path, rows[i].path);
        assert_int_equal(refusal->status, rows[i].status);
        session_close(&session);
    }
    fixture_stop(&fixture);
    assert_int_equal(fixture.refusal_count, sizeof rows / sizeof rows[0]);
    free(certificate);
    free(key);
}

static void reload_without_https(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, NULL);
    assert_true(http_server_reload_tls(fixture.server, NULL));
    fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(other_forms_of_the_files),
        cmocka_unit_test(files_that_are_refused),
        cmocka_unit_test(one_record),
        cmocka_unit_test(large_reply),
        cmocka_unit_test(bodies_over_tls),
        cmocka_unit_test(reload),
        cmocka_unit_test(reload_while_clients_connect),
        cmocka_unit_test(not_tls),
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(reload_without_https),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
