/* SPDX-License-Identifier: Apache-2.0 */
#include "http/tls.h"

#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "http/errors.h"

#define TLS_FILE_MAX (1024 * 1024)
#define TLS_PASSWORD_MAX 4096

struct tls_credentials {
    atomic_uint users;
    gnutls_certificate_credentials_t certificate;
};

/* The reader's error says which file and why; under our code the reader learns where it is named.
 */
static bool read_file(struct buf *out, const char *path, struct error *err)
{
    struct error why = {0};
    if (file_read(out, path, &why))
        return true;
    return error_set(err, &http_tls_unusable, NULL, path, "%s", why.message);
}

/* The first line; a PFX without a password has an empty one. */
static bool read_password(struct buf *out, const char *path, struct error *err)
{
    if (path == NULL)
        return true;
    if (!read_file(out, path, err))
        return false;
    out->size = strcspn(buf_text(out), "\r\n");
    return true;
}

static bool refuse(int code, const struct tls_files *files, bool pfx, struct error *err)
{
    switch (code) {
    case GNUTLS_E_CERTIFICATE_KEY_MISMATCH:
        return error_set(err, &http_tls_unusable, NULL,
                         files->key != NULL ? files->key : files->certificate,
                         "the key is not that of the certificate in %s", files->certificate);
    case GNUTLS_E_MAC_VERIFY_FAILED:
    case GNUTLS_E_DECRYPTION_FAILED:
        if (files->password == NULL)
            return error_set(err, &http_tls_unusable, NULL, files->certificate,
                             "is protected by a password, and no password file is set");
        return error_set(err, &http_tls_unusable, NULL, files->certificate,
                         "does not open with the password in %s", files->password);
    default:
        return error_set(err, &http_tls_unusable, NULL, files->certificate,
                         pfx ? "is not a PFX with a certificate and its key: %s"
                             : "is not a PEM certificate chain with a usable key: %s",
                         gnutls_strerror(code));
    }
}

static bool load_pfx(gnutls_certificate_credentials_t into, const struct tls_files *files,
                     const struct buf *bytes, struct error *err)
{
    _cleanup_buf_ struct buf password;
    buf_init_secret(&password, TLS_PASSWORD_MAX);
    if (!read_password(&password, files->password, err))
        return false;
    gnutls_datum_t data = {bytes->data, (unsigned)bytes->size};
    int code = gnutls_certificate_set_x509_simple_pkcs12_mem(into, &data, GNUTLS_X509_FMT_DER,
                                                             buf_text(&password));
    return code >= 0 || refuse(code, files, true, err);
}

/* Says first whether the key's file is one at all, since the check of the pair blames the
 * certificate for everything. */
static bool check_key(const gnutls_datum_t *data, const char *path, struct error *err)
{
    gnutls_x509_privkey_t key = NULL;
    int code = gnutls_x509_privkey_init(&key);
    if (code >= 0)
        code = gnutls_x509_privkey_import2(key, data, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_x509_privkey_deinit(key);
    if (code >= 0)
        return true;
    return error_set(err, &http_tls_unusable, NULL, path,
                     "is not an unencrypted PEM private key: %s", gnutls_strerror(code));
}

static bool load_pem(gnutls_certificate_credentials_t into, const struct tls_files *files,
                     const struct buf *bytes, struct error *err)
{
    const char *key_path = files->key != NULL ? files->key : files->certificate;
    _cleanup_buf_ struct buf key;
    buf_init_secret(&key, TLS_FILE_MAX);
    if (!read_file(&key, key_path, err))
        return false;
    gnutls_datum_t certificate_data = {bytes->data, (unsigned)bytes->size};
    gnutls_datum_t key_data = {key.data, (unsigned)key.size};
    if (!check_key(&key_data, key_path, err))
        return false;
    int code = gnutls_certificate_set_x509_key_mem2(into, &certificate_data, &key_data,
                                                    GNUTLS_X509_FMT_PEM, NULL, 0);
    return code >= 0 || refuse(code, files, false, err);
}

bool tls_credentials_load(struct tls_credentials **out, const struct tls_files *files,
                          struct error *err)
{
    if (files->certificate == NULL)
        return error_set(err, &http_tls_unusable, NULL, "[listen] certificate",
                         "is not set, but there is an https address");
    _cleanup_buf_ struct buf bytes;
    buf_init_secret(&bytes, TLS_FILE_MAX); /* a PFX holds the key */
    if (!read_file(&bytes, files->certificate, err))
        return false;
    struct tls_credentials *credentials = memory_allocate_zero(1, sizeof *credentials);
    atomic_init(&credentials->users, 1);
    if (gnutls_certificate_allocate_credentials(&credentials->certificate) < 0)
        abort(); /* only for want of memory */
    bool pem = files->key != NULL || strstr(buf_text(&bytes), "-----BEGIN") != NULL;
    bool loaded = pem ? load_pem(credentials->certificate, files, &bytes, err)
                      : load_pfx(credentials->certificate, files, &bytes, err);
    if (!loaded) {
        tls_credentials_release(credentials);
        return false;
    }
    *out = credentials;
    return true;
}

struct tls_credentials *tls_credentials_hold(struct tls_credentials *credentials)
{
    atomic_fetch_add(&credentials->users, 1);
    return credentials;
}

void tls_credentials_release(struct tls_credentials *credentials)
{
    if (credentials == NULL || atomic_fetch_sub(&credentials->users, 1) != 1)
        return;
    gnutls_certificate_free_credentials(credentials->certificate);
    free(credentials);
}

void tls_credentials_use(struct tls_credentials *credentials, gnutls_session_t session)
{
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials->certificate);
}
