/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/import.h"

#include "base/memory.h"
#include "crypto/certificate.h"
#include "crypto/errors.h"
#include "crypto/pkcs12.h"
#include "keyholder/purpose.h"
#include "keyholder/stream.h"

static bool looks_like_pem(struct slice bytes)
{
    static const char begin[] = "-----BEGIN ";
    return bytes.size >= sizeof begin - 1 &&
           memmem(bytes.data, bytes.size < 4096 ? bytes.size : 4096, begin, sizeof begin - 1) !=
               NULL;
}

static bool read_pfx(struct private_key **key, struct certificate **certificate, struct slice pfx,
                     struct slice password, struct error *err)
{
    if (looks_like_pem(pfx))
        return error_set(err, &crypto_pkcs12_malformed, NULL, "the key file",
                         "is PEM and not PFX: name its certificate in a file beside it (--file "
                         "CERTIFICATE --key-file KEY)");
    return pkcs12_parse(key, certificate, pfx, password, err);
}

static bool read_pair(struct private_key **key, struct certificate **certificate, struct slice pem,
                      int certificate_fd, struct slice password, struct error *err)
{
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, IMPORT_FILE_MAX);
    if (!stream_read_all(&bytes, certificate_fd, "the certificate file", err))
        return false;
    _cleanup_certificate_ struct certificate *read_certificate = NULL;
    _cleanup_private_key_ struct private_key *read_key = NULL;
    if (!certificate_parse_file(&read_certificate, buf_slice(&bytes), err) ||
        !private_key_parse_pem(&read_key, pem, password, err))
        return false;
    if (memcmp(public_key_digest(private_key_public(read_key)),
               public_key_digest(certificate_key(read_certificate)), KEY_ID_SIZE) != 0)
        return error_set(err, &crypto_key_mismatch, NULL,
                         certificate_facts(read_certificate)->subject_text,
                         "the private key is not the one of this certificate");
    *key = memory_steal(&read_key);
    *certificate = memory_steal(&read_certificate);
    return true;
}

bool import_read(struct private_key **key, struct buf *certificate, enum key_purpose purpose,
                 const struct meeting *files, struct error *err)
{
    _cleanup_secret_ struct secret password = SECRET_EMPTY;
    _cleanup_buf_ struct buf bytes;
    buf_init_secret(&bytes, IMPORT_FILE_MAX);
    if (!stream_read_password(&password, files->fds[MEETING_PASSWORD], err) ||
        !stream_read_all(&bytes, files->fds[MEETING_KEY], "the key file", err))
        return false;

    _cleanup_certificate_ struct certificate *read_certificate = NULL;
    _cleanup_private_key_ struct private_key *read_key = NULL;
    int certificate_fd = files->fds[MEETING_CERTIFICATE];
    bool ok = certificate_fd < 0 ? read_pfx(&read_key, &read_certificate, buf_slice(&bytes),
                                            secret_slice(&password), err)
                                 : read_pair(&read_key, &read_certificate, buf_slice(&bytes),
                                             certificate_fd, secret_slice(&password), err);
    if (!ok || !purpose_check_key(purpose, private_key_public(read_key), err))
        return false;
    buf_append(certificate, certificate_der(read_certificate));
    if (!buf_ok(certificate, "the certificate", err))
        return false;
    *key = memory_steal(&read_key);
    return true;
}
