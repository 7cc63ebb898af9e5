/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_key.h"

#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include "crypto/errors.h"
#include "host/errors.h"

#define KEY_FILE_MAX ((size_t)64 * 1024)
#define PEM_LINE 64

static bool looks_like_pem(struct slice bytes)
{
    return memmem(bytes.data, bytes.size, "-----BEGIN ", 11) != NULL;
}

/* The crypto room knows no files, and its remedy speaks of public keys too. */
static bool refuse(const char *path, const struct error *cause, struct error *err)
{
    if (cause->code == &crypto_key_malformed)
        return error_set(err, &host_key_unusable, NULL, path,
                         "is no private key in PEM or PKCS#8 DER without a password (openssl pkcs8 "
                         "-topk8 -nocrypt converts others)");
    return error_set(err, cause->code, cause->clause, path, "%s", cause->message);
}

static bool parse(struct private_key **out, struct slice bytes, const char *path, struct error *err)
{
    _cleanup_private_key_ struct private_key *key = NULL;
    struct error cause = {0};
    bool good = looks_like_pem(bytes) ? private_key_parse_pem(&key, bytes, SLICE_EMPTY, &cause)
                                      : private_key_parse(&key, bytes, &cause);
    if (!good)
        return refuse(path, &cause, err);
    const struct public_key *public_half = private_key_public(key);
    if (public_key_type(public_half) == PUBLIC_KEY_RSA && public_key_bits(public_half) < 2048)
        return error_set(err, &host_key_unusable, "MS-HGSA 3.1.5.4", path, "has %d bits",
                         public_key_bits(public_half));
    *out = memory_steal(&key);
    return true;
}

bool host_key_load(struct private_key **out, const char *path, struct error *err)
{
    if (access(path, F_OK) != 0)
        return error_set(err, &host_key_missing, NULL, path, "the file does not exist");
    struct buf bytes;
    buf_init_secret(&bytes, KEY_FILE_MAX);
    bool good = file_read_private(&bytes, path, err) && parse(out, buf_slice(&bytes), path, err);
    buf_done(&bytes);
    return good;
}

static bool make_parent(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return true;
    _cleanup_free_ char *folder = memory_format("%.*s", (int)(slash - path), path);
    return file_make_folder(folder, 0755, err);
}

bool host_key_generate(struct private_key **out, const char *path, bool replace, struct error *err)
{
    if (!replace && access(path, F_OK) == 0)
        return error_set(err, &host_key_exists, NULL, path, "the file exists");
    _cleanup_private_key_ struct private_key *key = NULL;
    if (!make_parent(path, err) || !private_key_generate(&key, PRIVATE_KEY_RSA_2048, err))
        return false;
    struct buf pem;
    buf_init_secret(&pem, KEY_FILE_MAX);
    private_key_format_pem(&pem, key);
    bool good = replace ? file_replace(path, buf_slice(&pem), 0600, err)
                        : file_create(path, buf_slice(&pem), 0600, err);
    buf_done(&pem);
    if (good)
        *out = memory_steal(&key);
    return good;
}

void host_key_format_public(struct buf *out, const struct public_key *key)
{
    struct buf text;
    buf_init(&text, KEY_FILE_MAX);
    base64_append(&text, public_key_spki(key));
    buf_append_text(out, "-----BEGIN PUBLIC KEY-----\n");
    for (size_t at = 0; at < text.size; at += PEM_LINE) {
        size_t size = text.size - at < PEM_LINE ? text.size - at : PEM_LINE;
        buf_append_bytes(out, text.data + at, size);
        buf_append_text(out, "\n");
    }
    buf_append_text(out, "-----END PUBLIC KEY-----\n");
    buf_done(&text);
}

bool host_key_export(const struct public_key *key, const char *path, struct error *err)
{
    size_t size = strlen(path);
    if (size > 4 && strcmp(path + size - 4, ".der") == 0)
        return file_replace(path, public_key_spki(key), 0644, err);
    struct buf pem;
    buf_init(&pem, KEY_FILE_MAX);
    host_key_format_public(&pem, key);
    bool good = file_replace(path, buf_slice(&pem), 0644, err);
    buf_done(&pem);
    return good;
}
