/* SPDX-License-Identifier: Apache-2.0 */
#include "host/identity.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/memory.h"
#include "crypto/pem.h"
#include "host/errors.h"

#define IDENTITY_FILE "identity.pem"
#define IDENTITY_SIZE_MAX ((size_t)64 * 1024)
#define CERTIFICATE_BEGIN "-----BEGIN CERTIFICATE-----"
#define TPM_KEY_LABEL "HGS TPM KEY"

void host_identity_done(struct host_identity *identity)
{
    private_key_free(&identity->key);
    host_tpm_key_done(&identity->tpm_key);
    certificate_free(&identity->certificate);
}

/* digest: of the identity key's public half. */
static bool same_key(const uint8_t *digest, const struct certificate *certificate)
{
    return memcmp(digest, public_key_digest(certificate_key(certificate)), DIGEST_SHA256_SIZE) == 0;
}

static bool check(const uint8_t *digest, const struct certificate *certificate, int64_t now,
                  struct error *err)
{
    const char *what = "health certificate";
    const struct certificate_facts *facts = certificate_facts(certificate);
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE], at[CLOCK_TEXT_SIZE];
    if (!same_key(digest, certificate))
        return error_set(err, &host_certificate, "MS-HGSA 3.2.5.3", what,
                         "it certifies another key than the one that was sent");
    if (!facts->has_health_policy || !facts->has_usage ||
        (facts->usage & CERTIFICATE_KEY_ENCIPHERMENT) == 0)
        return error_set(err, &host_certificate, "MS-HGSA 3.2.5.3", what,
                         "it is not a certificate for an encryption key of a healthy host");
    if (now < facts->not_before || now > facts->not_after)
        return error_set(err, &host_clock, NULL, what,
                         "it is valid from %s to %s, and here it is %s",
                         clock_format(facts->not_before, from), clock_format(facts->not_after, to),
                         clock_format(now, at));
    return true;
}

bool host_identity_init(struct host_identity *out, struct private_key **key, struct slice der,
                        int64_t now, struct error *err)
{
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!certificate_parse(&certificate, der, err) ||
        !check(public_key_digest(private_key_public(*key)), certificate, now, err))
        return false;
    out->key = memory_steal(key);
    out->certificate = memory_steal(&certificate);
    return true;
}

bool host_identity_init_tpm(struct host_identity *out, struct host_tpm_key *key, struct slice der,
                            int64_t now, struct error *err)
{
    _cleanup_certificate_ struct certificate *certificate = NULL;
    if (!certificate_parse(&certificate, der, err) || !check(key->digest, certificate, now, err))
        return false;
    out->tpm_key = *key;
    *key = (struct host_tpm_key){0};
    out->certificate = memory_steal(&certificate);
    return true;
}

bool host_identity_decrypt(struct secret *out, const struct host_identity *identity,
                           const char *tcti, enum encryption_algorithm algorithm,
                           struct slice ciphertext, struct error *err)
{
    _cleanup_host_tpm_device_ struct host_tpm_device *device = NULL;
    if (identity->key != NULL)
        return private_key_decrypt(out, identity->key, algorithm, ciphertext, err);
    return host_tpm_device_open(&device, tcti, err) &&
           host_tpm_key_decrypt(out, &identity->tpm_key, device, algorithm, ciphertext, err);
}

bool host_identity_check(const struct host_identity *identity, const char *tcti, struct error *err)
{
    _cleanup_host_tpm_device_ struct host_tpm_device *device = NULL;
    if (identity->key != NULL)
        return true;
    return host_tpm_device_open(&device, tcti, err) &&
           host_tpm_key_check(&identity->tpm_key, device, err);
}

bool host_identity_is_fresh(const struct host_identity *identity, int64_t now)
{
    const struct certificate_facts *facts = certificate_facts(identity->certificate);
    int64_t tenth = (facts->not_after - facts->not_before) / 10;
    return now >= facts->not_before && now <= facts->not_after - tenth;
}

bool host_identity_folder(const char *state, struct error *err)
{
    struct stat status;
    if (!file_make_folder(state, 0700, err))
        return false;
    if (stat(state, &status) != 0)
        return error_set_errno(err, &base_file_unreadable, errno, state, "cannot be examined");
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return error_set(err, &base_file_mode, NULL, state,
                         "holds the identity key, but belongs to user %u, who is neither user %u "
                         "nor root",
                         (unsigned)status.st_uid, (unsigned)geteuid());
    if ((status.st_mode & 077) != 0)
        return error_set(err, &base_file_mode, NULL, state,
                         "holds the identity key, but its mode is %04o and should be 0700",
                         (unsigned)status.st_mode & 07777);
    return true;
}

static char *identity_path(const char *state)
{
    return memory_format("%s/%s", state, IDENTITY_FILE);
}

static bool parse_key(struct host_identity *out, struct slice text, struct error *err)
{
    struct buf bytes;
    buf_init(&bytes, HOST_TPM_KEY_MAX);
    bool good = pem_find(&bytes, text, TPM_KEY_LABEL)
                    ? host_tpm_key_parse(&out->tpm_key, buf_slice(&bytes), err)
                    : private_key_parse_pem(&out->key, text, SLICE_EMPTY, err);
    buf_done(&bytes);
    return good;
}

static const uint8_t *key_digest(const struct host_identity *identity)
{
    return identity->key != NULL ? public_key_digest(private_key_public(identity->key))
                                 : identity->tpm_key.digest;
}

static bool parse(struct host_identity *out, struct slice bytes, const char *path,
                  struct error *err)
{
    _cleanup_host_identity_ struct host_identity identity = {0};
    const uint8_t *begin =
        memmem(bytes.data, bytes.size, CERTIFICATE_BEGIN, strlen(CERTIFICATE_BEGIN));
    if (begin == NULL)
        return error_set(err, &host_identity_malformed, NULL, path, "holds no certificate");
    size_t before = (size_t)(begin - bytes.data);
    struct slice key = slice_of(bytes.data, before);
    struct slice certificate = slice_of(begin, bytes.size - before);
    struct error cause = {0};
    if (!parse_key(&identity, key, &cause) ||
        !certificate_parse_file(&identity.certificate, certificate, &cause))
        return error_set(err, &host_identity_malformed, NULL, path, "%s", cause.message);
    if (!same_key(key_digest(&identity), identity.certificate))
        return error_set(err, &host_identity_malformed, NULL, path,
                         "its certificate belongs to another key");
    *out = identity;
    identity = (struct host_identity){0};
    return true;
}

bool host_identity_load(struct host_identity *out, bool *found, const char *state,
                        struct error *err)
{
    _cleanup_free_ char *path = identity_path(state);
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *found = false;
        return true;
    }
    struct buf bytes;
    buf_init_secret(&bytes, IDENTITY_SIZE_MAX);
    bool good = file_read_private(&bytes, path, err) && parse(out, buf_slice(&bytes), path, err);
    buf_done(&bytes);
    if (good)
        *found = true;
    return good;
}

static void format_key(struct buf *out, const struct host_identity *identity)
{
    if (identity->key != NULL) {
        private_key_format_pem(out, identity->key);
        return;
    }
    struct buf bytes;
    buf_init(&bytes, HOST_TPM_KEY_MAX);
    host_tpm_key_format(&bytes, &identity->tpm_key);
    pem_format(out, TPM_KEY_LABEL, buf_slice(&bytes));
    buf_done(&bytes);
}

bool host_identity_save(const struct host_identity *identity, const char *state, struct error *err)
{
    _cleanup_free_ char *path = identity_path(state);
    struct buf pem;
    buf_init_secret(&pem, IDENTITY_SIZE_MAX);
    format_key(&pem, identity);
    certificate_format_pem(&pem, identity->certificate);
    bool good = buf_ok(&pem, path, err) && host_identity_folder(state, err) &&
                file_replace(path, buf_slice(&pem), 0600, err);
    buf_done(&pem);
    return good;
}
